//! Invalid values of every attribute in every dialect: each is refused with its key in a short
//! message, and nothing is written.

use muster_tests::World;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    COLLABORATOR, Kind, QVALON, Row, TABLE, collaborator_user, find_user, identity_mapping_task,
    qvalon_user, send_single,
};

/// Placeholder for an invalid string: half of a surrogate pair.
const LONE_SURROGATE: &str = "@broken@";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Quant,
    Collaborator,
    Qvalon,
}

fn long(length: usize) -> Value {
    json!("x".repeat(length))
}

/// Returns values that are invalid for this kind of attribute.
fn invalid_values(kind: Kind, dialect: Dialect) -> Vec<Value> {
    let no_text = [json!(true), json!(1.5), json!([]), json!({})];
    let texts = |more: &[Value]| [&no_text[..], &[json!(LONE_SURROGATE)], more].concat();
    match kind {
        Kind::Login => texts(&[
            json!(" ann"),
            json!("an n"),
            json!("a/n"),
            json!("ann\u{0}"),
            json!("p\u{430}ypal"),
            long(129),
        ]),
        Kind::Text => texts(&[
            json!("a\u{0}b"),
            json!("a\nb"),
            json!("a\u{7f}b"),
            long(1_025),
        ]),
        Kind::Role => texts(&[json!("no such role"), long(1_025)]),
        Kind::Email => texts(&[
            json!("ann"),
            json!("ann@woo"),
            json!("a b@example.com"),
            json!("Ann <ann@example.com>"),
            json!("ann@example.com\u{0}"),
            json!(format!("{}@example.com", "a".repeat(65))),
            long(255),
        ]),
        Kind::Phone => texts(&[
            json!("12"),
            json!("+1234567"),
            json!("+12345678x"),
            long(100),
        ]),
        Kind::Boolean => {
            let more = match dialect {
                Dialect::Quant => [json!(2), json!("maybe"), json!("ja")],
                Dialect::Collaborator => [json!(2), json!("true"), json!("yes")],
                Dialect::Qvalon => [json!(1), json!("true"), json!("1")],
            };
            [
                &[json!(1.5), json!([]), json!({}), json!(LONE_SURROGATE)][..],
                &more,
            ]
            .concat()
        }
        Kind::TextList => vec![
            json!(true),
            json!(1.5),
            json!({}),
            json!([true]),
            json!([["a"]]),
            json!(["a\u{0}"]),
            json!([long(1_025)]),
            json!((0..5_001).map(|n| n.to_string()).collect::<Vec<_>>()),
        ],
        Kind::IdList => vec![
            json!(true),
            json!({}),
            json!("x"),
            json!([1.5]),
            json!([true]),
            json!(["x"]),
            json!([9_007_199_254_740_992_u64]),
            json!((0..5_001).collect::<Vec<_>>()),
        ],
        Kind::Language => texts(&[json!("xx"), json!("english"), json!("en_"), long(100)]),
        Kind::TimeZone => texts(&[json!("Europe/Atlantis"), json!("+02:00"), long(100)]),
        Kind::Gender => vec![
            json!(2),
            json!(-1),
            json!("f"),
            json!(true),
            json!(0.5),
            json!([]),
        ],
        Kind::Date => texts(&[
            json!("31.02.2020"),
            json!("1988-13-01"),
            json!("26/07/1988"),
            json!("26.7.1988"),
            json!("26.07.88"),
            json!(19_880_726),
            long(100),
        ]),
        Kind::Object => texts(&[
            json!("%%%"),
            // `[]`, `nope`, `{"a":1}` with bits after its end.
            json!("W10="),
            json!("bm9wZQ=="),
            json!("eyJhIjoxfR"),
            json!(format!("eyJhIjoxfQ{}", "=".repeat(40_000))),
        ]),
        Kind::AuthType | Kind::Level => texts(&[json!("NONE"), json!("local"), json!("shop")]),
        Kind::Manager => vec![
            json!(0),
            json!(-1),
            json!("x"),
            json!(1.5),
            json!(true),
            json!([]),
            json!(9_007_199_254_740_992_u64),
            // No user has this id.
            json!(9_007_199_254_740_991_u64),
        ],
        Kind::Integer => vec![
            json!("x"),
            json!(1.5),
            json!(true),
            json!([]),
            json!({}),
            json!(9_007_199_254_740_992_u64),
        ],
        Kind::Password => texts(&[json!("a\u{0}b"), long(129)]),
    }
}

/// Attributes that can be `null` in QVALON's documentation.
const NULLABLE: [&str; 14] = [
    "externalId",
    "ldapLogin",
    "email",
    "firstName",
    "lastName",
    "position",
    "divisionIds",
    "regionIds",
    "shopIds",
    "divisionExternalIds",
    "regionExternalIds",
    "shopExternalIds",
    "businessDirExternalId",
    "timeZoneId",
];

/// Returns the cases of an attribute: only two behind a gateway, where every request is slow.
fn cases(w: &World, row: &Row, dialect: Dialect) -> Vec<Value> {
    let mut cases = invalid_values(row.kind, dialect);
    let is_a_list = matches!(row.kind, Kind::TextList | Kind::IdList);
    // A text of a megabyte, or a list with it.
    cases.push(if is_a_list {
        json!([long(1_000_000)])
    } else {
        long(1_000_000)
    });
    if w.behind_gateway() {
        cases.drain(1..cases.len() - 1);
    }
    cases
}

/// Returns the JSON of an object, with lone surrogates in place of the placeholders.
fn to_json(object: &Map<String, Value>) -> String {
    let text = Value::Object(object.clone()).to_string();
    text.replace(LONE_SURROGATE, "\\ud800")
}

/// Returns the start of a value for a message.
fn abbreviated(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collaborator_refuses_an_invalid_value_with_its_key() {
    let w = World::start().await;
    let required = ["uid", "login", "email", "firstname", "secondname"];
    let user = collaborator_user(&w, "ann");
    let refusal = async |key: &str, value: &Value| {
        let mut user = user.clone();
        user.insert(key.to_owned(), value.clone());
        let response = send_single(&w, Method::POST, COLLABORATOR, &to_json(&user)).await;
        let (status, body) = response.expect_err(&format!("{key}: {}", abbreviated(value)));
        assert_eq!(status, 400, "{key}: {} {body}", abbreviated(value));
        assert_eq!(body.as_object().expect("an object").len(), 1, "{body}");
        body["error"].as_str().expect("a text").to_owned()
    };
    for row in TABLE.iter().filter(|row| !row.collaborator.is_empty()) {
        let key = row.collaborator;
        for value in cases(&w, row, Dialect::Collaborator) {
            let error = refusal(key, &value).await;
            let has_key = error.starts_with(&format!("{key}: "));
            assert!(has_key, "{key}: {} {error}", abbreviated(&value));
        }
        if required.contains(&key) {
            for blank in [json!(null), json!(""), json!(" \t")] {
                assert_eq!(
                    refusal(key, &blank).await,
                    "Required fields: uid, login, email, firstname, secondname, position"
                );
            }
        }
    }
    assert_eq!(
        find_user(&w, &w.login("ann")).await,
        None,
        "something was written"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn qvalon_refuses_an_invalid_value_with_its_key() {
    let w = World::start().await;
    let known = to_json(&qvalon_user(&w, "ben"));
    let created = send_single(&w, Method::POST, QVALON, &known)
        .await
        .expect("a user");
    let path = format!("{QVALON}/{}", created["id"]);
    let before = find_user(&w, &w.login("ben")).await;
    for row in TABLE.iter().filter(|row| !row.qvalon.is_empty()) {
        let key = row.qvalon;
        let mut cases = cases(&w, row, Dialect::Qvalon);
        if !NULLABLE.contains(&key) {
            cases.push(Value::Null);
        }
        for value in cases {
            let mut user = qvalon_user(&w, "ann");
            user.insert(key.to_owned(), value.clone());
            let created = send_single(&w, Method::POST, QVALON, &to_json(&user)).await;
            let only = Map::from_iter([(key.to_owned(), value.clone())]);
            let changed = send_single(&w, Method::PUT, &path, &to_json(&only)).await;
            // PUT ignores it, whatever its value.
            let responses = match key {
                "externalId" => vec![created],
                _ => vec![created, changed],
            };
            for response in responses {
                let (status, body) =
                    response.expect_err(&format!("{key}: {}", abbreviated(&value)));
                assert_eq!(status, 400, "{key}: {} {body}", abbreviated(&value));
                assert_eq!(body["status"], 400, "{body}");
                assert_eq!(body["error"], "Bad Request", "{body}");
                assert_eq!(body["field"], key, "{} {body}", abbreviated(&value));
                assert!(body["message"].is_string(), "{body}");
            }
        }
    }
    assert_eq!(
        find_user(&w, &w.login("ann")).await,
        None,
        "something was written"
    );
    assert_eq!(
        find_user(&w, &w.login("ben")).await,
        before,
        "something was changed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quant_warns_of_an_invalid_value_with_its_key_and_applies_the_rest() {
    let w = World::start().await;
    let store = &w.store;
    let task = identity_mapping_task(&w, store).await;
    let is_required = |row: &&Row| matches!(row.kind, Kind::Login | Kind::Role | Kind::Email);
    let optional = TABLE.iter().filter(|row| !is_required(row));
    let mut records = Vec::new();
    let mut expected = Vec::new();
    for row in optional.filter(|row| row.kind != Kind::Password) {
        for value in invalid_values(row.kind, Dialect::Quant) {
            let login = w.login(&format!("q{}", records.len()));
            let mut record = Map::from_iter([
                ("username".to_owned(), json!(login)),
                ("role".to_owned(), json!("catman")),
                ("email".to_owned(), json!("someone@example.com")),
            ]);
            record.insert(row.name.to_owned(), value);
            records.push(to_json(&record));
            expected.push((login, row.name));
        }
    }
    let body = format!("[{}]", records.join(","));
    let import = w.import(0).await.task(task).debug().body(body);
    let reply = import.send().await;
    let (_, status, counts) = reply.outcome();
    let total = records.len() as u64;
    // A user whose state or external id cannot be read is not taken at all.
    let is_taken = |name: &str| !["active", "external_id"].contains(&name);
    let ignored = expected.iter().filter(|(_, name)| !is_taken(name)).count() as u64;
    assert_eq!(
        (status.as_str(), counts),
        ("PARTIAL_SUCCESS", [total, 0, ignored, 0])
    );
    let warnings = reply.warnings();
    assert_eq!(
        warnings.len(),
        expected.len(),
        "expected one warning for each value"
    );
    for ((login, name), warning) in expected.iter().zip(&warnings) {
        assert!(
            warning.contains(&format!("({login}), \"{name}\": ")),
            "{warning}"
        );
        assert!(warning.len() < 600, "{warning}");
    }
    let users = store.users().await;
    for (login, name) in &expected {
        let user = users.get(login);
        assert_eq!(user.is_some(), is_taken(name), "{name} of {login}");
        let has_value = user.is_some_and(|user| user.contains_key(*name));
        assert!(!has_value, "{name} of {login}");
    }
}
