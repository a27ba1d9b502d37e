//! The counter that each element of an import adds to (contract.md#counters-and-warnings).

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::support::assert_partial_success;

/// A case, its elements, `[empty, ignored, duplicated]`, and the logins that are created. In the
/// elements, `~` is the suffix of this case's logins and `…` is the other members that a new user
/// needs.
type Case = (
    &'static str,
    &'static str,
    [u64; 3],
    &'static [&'static str],
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("nothing", "", [0, 0, 0], &[]),
    ("a complete user", r#"{"Username":"a~",…}"#, [0, 0, 0], &["a~"]),
    // Not an object → Ignored, before everything else.
    ("elements that are not objects", r#"1,"a",null,[],true,[{"Username":"a~",…}]"#, [0, 6, 0], &[]),
    // Username absent, null or "" → Empty.
    ("no username", r#"{},{…},{"Username":null,…},{"Username":"",…}"#, [4, 0, 0], &[]),
    ("another key", r#"{"Usernam":"a~",…},{"login":"b~",…}"#, [2, 0, 0], &[]),
    ("a key in another case", r#"{"username":"a~",…},{"USERNAME":"b~",…}"#, [0, 0, 0], &["a~", "b~"]),
    // Wrong type or unauthorised characters → Ignored.
    ("wrong types", r#"{"Username":true,…},{"Username":1.5,…},{"Username":[],…},{"Username":{},…}"#, [0, 4, 0], &[]),
    ("unauthorised", r#"{"Username":"a b~",…},{"Username":" a~",…},{"Username":"a/~",…},{"Username":" ",…}"#, [0, 4, 0], &[]),
    // Canonical login seen before, even if the first was ignored → Duplicated; the first one wins.
    ("a duplicate", r#"{"Username":"a~",…},{"Username":"b~",…},{"Username":"a~",…}"#, [0, 0, 1], &["a~", "b~"]),
    ("a duplicate in another case", r#"{"Username":"a~",…},{"Username":"A~",…}"#, [0, 0, 1], &["a~"]),
    ("a duplicate of sharp s", r#"{"Username":"stra\u00dfe~",…},{"Username":"STRASSE~",…}"#, [0, 0, 1], &["straße~"]),
    ("a duplicate of a decomposed letter", r#"{"Username":"\u00e9~",…},{"Username":"e\u0301~",…}"#, [0, 0, 1], &["é~"]),
    ("a duplicate of an ignored record", r#"{"Username":"a~","Role":"king"},{"Username":"a~",…}"#, [0, 1, 1], &[]),
    ("a duplicate with bad characters", r#"{"Username":"a b~",…},{"Username":"A B~",…}"#, [0, 1, 1], &[]),
    ("three times", r#"{"Username":"a~",…},{"Username":"a~",…},{"Username":"a~"}"#, [0, 0, 2], &["a~"]),
    ("empty twice is no duplicate", r#"{"Username":""},{"Username":""}"#, [2, 0, 0], &[]),
    ("wrong types twice are no duplicate", r#"{"Username":true},{"Username":true}"#, [0, 2, 0], &[]),
    ("a duplicate with other bad values", r#"{"Username":"a~",…},{"Username":"a~","Role":7}"#, [0, 0, 1], &["a~"]),
    // The last value of a repeated key counts, however the key is written.
    ("a login and then none", r#"{"Username":"a~",…,"Username":null}"#, [1, 0, 0], &[]),
    ("no login and then one", r#"{"Username":"",…,"Username":"a~"}"#, [0, 0, 0], &["a~"]),
    ("a key in escapes", r#"{"User\u006eame":"a~",…}"#, [0, 0, 0], &["a~"]),
    ("a repeated key in escapes", r#"{"Username":"b~",…,"\u0055sername":"a~"}"#, [0, 0, 0], &["a~"]),
    ("a role and then a bad one", r#"{"Username":"a~",…,"Role":"king"}"#, [0, 1, 0], &[]),
    // A new user's role.
    ("no role", r#"{"Username":"a~","E-mail":"a@example.com"}"#, [0, 1, 0], &[]),
    ("role null", r#"{"Username":"a~","E-mail":"a@example.com","Role":null}"#, [0, 1, 0], &[]),
    ("role empty", r#"{"Username":"a~","E-mail":"a@example.com","Role":""}"#, [0, 1, 0], &[]),
    ("role unmapped", r#"{"Username":"a~","E-mail":"a@example.com","Role":"king"}"#, [0, 1, 0], &[]),
    ("role in another case", r#"{"Username":"a~","E-mail":"a@example.com","Role":"Catman"}"#, [0, 1, 0], &[]),
    ("the name of the role itself", r#"{"Username":"a~","E-mail":"a@example.com","Role":"Category Manager"}"#, [0, 1, 0], &[]),
    ("role of a wrong type", r#"{"Username":"a~","E-mail":"a@example.com","Role":["catman"]}"#, [0, 1, 0], &[]),
    // A new user's e-mail.
    ("no e-mail", r#"{"Username":"a~","Role":"catman"}"#, [0, 1, 0], &[]),
    ("e-mail null", r#"{"Username":"a~","Role":"catman","E-mail":null}"#, [0, 1, 0], &[]),
    ("e-mail empty", r#"{"Username":"a~","Role":"catman","E-mail":""}"#, [0, 1, 0], &[]),
    ("e-mail malformed", r#"{"Username":"a~","Role":"catman","E-mail":"a"}"#, [0, 1, 0], &[]),
    ("e-mail of a wrong type", r#"{"Username":"a~","Role":"catman","E-mail":true}"#, [0, 1, 0], &[]),
    ("both missing", r#"{"Username":"a~"}"#, [0, 1, 0], &[]),
    // Every counter, each element counted once.
    (
        "a mixture",
        r#"7,{"Username":""},{"Username":"a~",…},{"Username":"A~"},{"Username":"a/~"},{"Username":"b~"},{"Username":"c~",…}"#,
        [1, 3, 1],
        &["a~", "c~"],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_element_is_counted_as_documented() {
    let w = World::start().await;
    for (index, (case, elements, [empty, ignored, duplicated], created)) in CASES.iter().enumerate()
    {
        let suffix = format!(".{}c{index}", w.tag);
        let complete = r#""Role":"catman","E-mail":"a@example.com""#;
        let body = format!(
            "[{}]",
            elements.replace('~', &suffix).replace('…', complete)
        );
        let total = serde_json::from_str::<Vec<Value>>(&body)
            .expect("a list")
            .len() as u64;

        let reply = w.import(0).await.debug().body(body).send().await;
        let counted = empty + ignored + duplicated;
        let status = if counted == 0 {
            "SUCCESS"
        } else {
            "PARTIAL_SUCCESS"
        };
        assert_eq!(
            reply.outcome(),
            (200, status.into(), [total, *empty, *ignored, *duplicated]),
            "{case}: {reply}"
        );
        assert!(
            reply.warnings().len() as u64 >= counted,
            "{case}: a counted element without a warning: {reply}"
        );
        {
            let store = &w.store;
            let mut expected: Vec<String> = created
                .iter()
                .map(|login| login.replace('~', &suffix))
                .collect();
            let mut found: Vec<String> = store
                .users()
                .await
                .into_keys()
                .filter(|login| login.ends_with(&suffix))
                .collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{case}");
        }
    }
}

/// Asserts that a warning starts like this.
#[track_caller]
fn assert_warned(reply: &Reply, start: &str) {
    let mut warnings = reply.warnings().into_iter();
    let warned = warnings.any(|warning| warning.starts_with(start));
    assert!(warned, "{start}: {reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_counted_element_has_a_warning() {
    let w = World::start().await;
    let reply = w
        .send(&json!([7, {}, w.record("anna"), w.record("anna"), {"Username": "a/b"}, {"Username": w.login("new")}]))
        .await;
    assert_partial_success(&reply, [6, 1, 3, 1]);
    for (record, login) in [
        (1, None),
        (2, None),
        (4, Some(w.login("anna"))),
        (5, Some("a/b".to_owned())),
        (6, Some(w.login("new"))),
    ] {
        let start = match login {
            Some(login) => format!("Record {record} ({login})"),
            None => format!("Record {record}"),
        };
        assert_warned(&reply, &start);
    }
    assert!(
        !reply
            .warnings()
            .iter()
            .any(|warning| warning.starts_with("Record 3")),
        "{reply}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_violation_of_a_record_has_a_warning() {
    let w = World::start().await;
    let login = w.login("anna");
    let reply = w.send(&json!([{"Username": login, "Role": "king", "E-mail": "x", "All Stores": "perhaps", "Name": []}])).await;
    assert_eq!(reply.counts(), [1, 0, 1, 0], "{reply}");
    for key in ["Role", "E-mail", "All Stores", "Name"] {
        let start = format!("Record 1 ({login}), \"{key}\": ");
        assert_warned(&reply, &start);
    }
    let reply = w.send(&json!([{"Username": login}])).await;
    for key in ["Role", "E-mail"] {
        let start = format!("Record 1 ({login}), \"{key}\": ");
        assert_warned(&reply, &start);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_of_another_tenant_is_ignored_without_naming_its_owner() {
    let w = World::start().await;
    let theirs = w
        .import(1)
        .await
        .records(&json!([w.record("shared")]))
        .send()
        .await;
    theirs.assert_success(1);
    let before = w.directory().await;
    let mut mine = w.record("shared");
    mine["Username"] = json!(w.login("SHARED"));
    let reply = w.send(&json!([mine, mine])).await;
    assert_partial_success(&reply, [2, 0, 1, 1]);
    let owner = &w.tenants[1];
    for secret in [
        owner.name.as_str(),
        owner.robot.username.as_str(),
        w.login("shared").as_str(),
    ] {
        assert!(
            !reply.text().contains(secret),
            "{secret:?} is named: {reply}"
        );
    }
    assert_eq!(w.directory().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_user_is_not_ignored_for_a_bad_role_or_email() {
    let w = World::start().await;
    w.put(&json!([w.record("anna")])).await;
    let login = w.login("anna");
    for (case, record, warnings) in [
        ("neither given", json!({"Username": login, "Name": "A"}), 0),
        (
            "both empty",
            json!({"Username": login, "Name": "B", "Role": "", "E-mail": ""}),
            0,
        ),
        (
            "role null",
            json!({"Username": login, "Name": "C", "Role": null}),
            0,
        ),
        (
            "role unmapped",
            json!({"Username": login, "Name": "D", "Role": "king"}),
            1,
        ),
        (
            "e-mail malformed",
            json!({"Username": login, "Name": "E", "E-mail": "nobody"}),
            1,
        ),
        (
            "both bad",
            json!({"Username": login, "Name": "F", "Role": "king", "E-mail": "nobody"}),
            2,
        ),
    ] {
        let name = record["Name"].clone();
        let reply = w.send(&json!([record])).await;
        let status = if warnings == 0 {
            "SUCCESS"
        } else {
            "PARTIAL_SUCCESS"
        };
        assert_eq!(
            reply.outcome(),
            (200, status.into(), [1, 0, 0, 0]),
            "{case}: {reply}"
        );
        assert_eq!(reply.warnings().len(), warnings, "{case}: {reply}");
        {
            let store = &w.store;
            let user = store.user(&login).await.expect("the user");
            assert_eq!(
                user["name"], name,
                "{case}: the rest of the record is applied"
            );
            assert_eq!(
                (&user["role"], &user["email"]),
                (&json!("Category Manager"), &json!("someone@example.com")),
                "{case}"
            );
        }
    }
}
