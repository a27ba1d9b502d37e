//! Characters of texts: normal forms are equal, and what nobody can see is removed or refused
//! (contract.md#logins-and-values).

use muster_core::text::visible;
use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use crate::catalogue::{COLLABORATOR, QVALON, collaborator_user, qvalon_user, send_single};
use crate::support::{assert_partial_success, put_into, send_to};
use crate::values::full_mapping_task;

/// Keys of texts from which invisible characters are removed.
const WORDS: [&str; 14] = [
    "Name",
    "First Name",
    "Surname",
    "Middle Name",
    "Position",
    "Department",
    "City",
    "Work Contact",
    "User Field 1",
    "User Field 2",
    "User Field 3",
    "User Field 4",
    "User Field 5",
    "Tags",
];

/// Keys of texts that tell one thing from another.
const IDENTIFIERS: [&str; 6] = [
    "External ID",
    "Manager UID",
    "Structure UID",
    "Facebook ID",
    "Google ID",
    "LDAP Login",
];

fn attribute(key: &str) -> String {
    key.to_lowercase()
        .replace(' ', "_")
        .replace("surname", "last_name")
        .replace("field_", "field")
}

fn with(w: &World, name: &str, values: &[(&str, Value)]) -> Value {
    let mut record = w.record(name);
    for (key, value) in values {
        record[*key] = value.clone();
    }
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quant_removes_what_nobody_sees_with_a_warning() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let sent = [
        ("Z1\u{200b}", "Z1", "U+200B after \"Z1\""),
        ("\u{202e}cba", "cba", "U+202E at the beginning"),
        ("An\u{ad}na", "Anna", "U+00AD after \"An\""),
        ("a\u{e000}", "a", "U+E000 after \"a\""),
        ("a\u{378}", "a", "U+0378 after \"a\""),
    ];
    let cases: Vec<_> = WORDS
        .iter()
        .flat_map(|key| sent.iter().map(move |case| (*key, *case)))
        .collect();
    let name = |index: usize| format!("c{index}");
    let records: Value = cases
        .iter()
        .enumerate()
        .map(|(index, (key, (sent, ..)))| with(&w, &name(index), &[(key, json!(sent))]))
        .collect();
    for _ in 0..2 {
        let reply = send_to(&w, task, &records).await;
        assert_partial_success(&reply, [cases.len() as u64, 0, 0, 0]);
        let warnings = reply.warnings();
        assert_eq!(warnings.len(), cases.len(), "{reply}");
        let users = w.store.users().await;
        for (index, (key, (sent, kept, place))) in cases.iter().enumerate() {
            let login = w.login(&name(index));
            let code = format!("{}.invisible_character_removed", attribute(key));
            assert_eq!(
                warnings[index],
                format!(
                    "Record {} ({login}), \"{key}\": stored without an invisible character: {place} (\"{}\") [{code}]",
                    index + 1,
                    visible(sent, 200),
                ),
                "{sent:?}"
            );
            let kept = if *key == "Tags" {
                json!([kept])
            } else {
                json!(kept)
            };
            assert_eq!(users[&login][&attribute(key)], kept, "{key} {sent:?}");
        }
        // The second time nothing changes, and the warnings are the same.
    }
    // Joiners that a script needs, and emoji, stay without a warning.
    let kept = [
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "👨\u{200d}👩\u{200d}👧",
        "葛\u{e0100}城",
    ];
    let records: Value = kept
        .iter()
        .map(|text| with(&w, text_name(text), &[("Name", json!(text))]))
        .collect();
    put_into(&w, task, &records).await;
    for text in kept {
        let user = w
            .store
            .user(&w.login(text_name(text)))
            .await
            .expect("a user");
        assert_eq!(user["name"], text);
    }
}

/// Returns a login for a text.
fn text_name(text: &str) -> &'static str {
    match text.chars().next() {
        Some('م') => "farsi",
        Some('क') => "hindi",
        Some('葛') => "kanji",
        _ => "emoji",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_refuses_what_nobody_sees_in_an_identifier() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let records: Value = IDENTIFIERS
        .iter()
        .map(|key| with(&w, &attribute(key), &[(key, json!("Z1\u{200b}"))]))
        .collect();
    let reply = send_to(&w, task, &records).await;
    // Nobody knows whom the record with the external id is about.
    assert_partial_success(&reply, [IDENTIFIERS.len() as u64, 0, 1, 0]);
    let users = w.store.users().await;
    for (key, warning) in IDENTIFIERS.iter().zip(reply.warnings()) {
        let name = attribute(key);
        let end = format!(
            "\"{key}\": contains an invisible character: U+200B after \"Z1\" (\"Z1\\u{{200b}}\") [{name}.invisible_character]"
        );
        assert!(warning.ends_with(&end), "{warning}");
        let user = users.get(&w.login(&name));
        assert_eq!(user.is_some(), name != "external_id", "{key}");
        assert_eq!(user.and_then(|user| user.get(&name)), None, "{key}");
    }
    let reply = w
        .send(&json!([with(
            &w,
            "new",
            &[("E-mail", json!("ann\u{200b}@x.com"))]
        )]))
        .await;
    assert_partial_success(&reply, [1, 0, 1, 0]);
    let warning = &reply.warnings()[0];
    assert!(
        warning.contains("U+200B after \"ann\" (\"ann\\u{200b}@x.com\") [email.malformed]"),
        "{warning}"
    );

    let before = w.directory().await;
    for key in [
        "uid",
        "manager_uid",
        "structure_uid",
        "facebook_id",
        "google_id",
        "email",
        "login",
    ] {
        let mut user = collaborator_user(&w, "ann");
        user.insert(key.to_owned(), json!("Z1\u{200b}"));
        let user = Value::Object(user).to_string();
        let refusal = send_single(&w, Method::POST, COLLABORATOR, &user).await;
        let (status, body) = refusal.expect_err("a refusal");
        let error = body["error"].as_str().expect("a text");
        assert_eq!(status, 400);
        assert!(
            error.starts_with(&format!("{key}: ")) && error.contains("U+200B after \"Z1\""),
            "{error}"
        );
    }
    for key in [
        "externalId",
        "ldapLogin",
        "businessDirExternalId",
        "email",
        "login",
    ] {
        let mut user = qvalon_user(&w, "ann");
        user.insert(key.to_owned(), json!("Z1\u{200b}"));
        let user = Value::Object(user).to_string();
        let refusal = send_single(&w, Method::POST, QVALON, &user).await;
        let (status, body) = refusal.expect_err("a refusal");
        assert_eq!((status, &body["field"]), (400, &json!(key)), "{body}");
        let message = body["message"].as_str().expect("a text");
        assert!(message.contains("U+200B after \"Z1\""), "{message}");
    }
    assert_eq!(w.directory().await, before, "something was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_single_user_dialects_store_texts_without_what_nobody_sees() {
    let w = World::start().await;
    let mut user = collaborator_user(&w, "ann");
    user.insert("city".to_owned(), json!("Lv\u{200b}iv"));
    user.insert("tags".to_owned(), json!("a\u{200b},e\u{301}"));
    let user = Value::Object(user).to_string();
    for created in [1, 0] {
        let counts = send_single(&w, Method::POST, COLLABORATOR, &user).await;
        let counts = counts.expect("counts");
        assert_eq!(
            (&counts["created_count"], &counts["updated_count"]),
            (&json!(created), &json!(0))
        );
    }
    let stored = w.store.user(&w.login("ann")).await.expect("a user");
    assert_eq!(
        (&stored["city"], &stored["tags"]),
        (&json!("Lviv"), &json!(["a", "é"]))
    );
    let mut user = qvalon_user(&w, "ben");
    user.insert("position".to_owned(), json!("Co\u{ad}ok"));
    user.insert("firstName".to_owned(), json!("Jose\u{301}"));
    let user = Value::Object(user).to_string();
    let shown = send_single(&w, Method::POST, QVALON, &user)
        .await
        .expect("a user");
    assert_eq!(
        (&shown["position"], &shown["firstName"]),
        (&json!("Cook"), &json!("José"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn normal_forms_of_a_text_are_the_same_text() {
    let w = World::start().await;
    let task = w
        .store
        .task(&w, 0, |task| {
            task["attribute_mapping"] = json!({"username": "Username", "role": "Role", "email": "E-mail",
                "external_id": "External ID", "name": "Name", "manager_uid": "Manager UID", "tags": "Tags"});
            // A mapping in one form for each string.
            task["role_mapping"] = json!({"cafe\u{301}": "Category Manager", "caf\u{e9}2": "Category Manager"});
        })
        .await;
    let id = |text: &str| json!(format!("{text}-{}", w.tag));
    let record = |name: &str, e: &str, role: &str| {
        with(
            &w,
            name,
            &[
                ("Role", json!(role)),
                ("Name", json!(format!("Jos{e}"))),
                ("External ID", id(&format!("{name}{e}"))),
                ("Manager UID", id(&format!("m{e}"))),
                ("Tags", json!([format!("t{e}")])),
            ],
        )
    };
    let (apart, composed) = ("e\u{301}", "\u{e9}");
    let first = json!([
        record("a", apart, "caf\u{e9}"),
        record("b", composed, "cafe\u{301}2")
    ]);
    put_into(&w, task, &first).await;
    let before = w.directory().await;
    let second = json!([
        record("a", composed, "cafe\u{301}"),
        record("b", apart, "caf\u{e9}2")
    ]);
    put_into(&w, task, &second).await;
    assert_eq!(w.directory().await, before, "something was written");
    let user = w.store.user(&w.login("a")).await.expect("a user");
    assert_eq!(user["role"], "Category Manager");
    assert_eq!(user["name"], "José");
    assert_eq!(user["external_id"], id("aé"));
    assert_eq!(user["manager_uid"], id("mé"));
    assert_eq!(user["tags"], json!(["té"]));

    // The same external id in another form is taken.
    let other = with(
        &w,
        "c",
        &[
            ("Role", json!("caf\u{e9}")),
            ("External ID", id("ae\u{301}")),
        ],
    );
    let reply = send_to(&w, task, &json!([other])).await;
    assert_partial_success(&reply, [1, 0, 1, 0]);
    let warning = &reply.warnings()[0];
    assert!(warning.ends_with("[external_id.taken]"), "{warning}");
    // Operators find it in either form, and Collaborator selects by it.
    for form in ["a%C3%A9", "ae%CC%81"] {
        let found = w
            .get(&format!("/users?external_id={form}-{}", w.tag))
            .await
            .json();
        assert_eq!(found["items"][0]["login"], w.login("a"), "{found}");
    }
    let mut user = collaborator_user(&w, "a");
    user.insert("uid".to_owned(), id("ae\u{301}"));
    let user = Value::Object(user).to_string();
    let counts = send_single(&w, Method::POST, COLLABORATOR, &user)
        .await
        .expect("counts");
    assert_eq!(
        (&counts["created_count"], &counts["updated_count"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_the_same_in_every_normal_form() {
    let w = World::start().await;
    let send = async |password: &str| {
        let mut user = collaborator_user(&w, "ann");
        user.insert("password".to_owned(), json!(password));
        let user = Value::Object(user).to_string();
        let counts = send_single(&w, Method::POST, COLLABORATOR, &user).await;
        counts.expect("counts")["updated_count"].clone()
    };
    send("caf\u{e9} 1").await;
    for same in ["cafe\u{301} 1", "caf\u{e9}\u{a0}1", "cafe\u{301}\u{3000}1"] {
        assert_eq!(send(same).await, 0, "{same:?}");
    }
    assert_eq!(send("cafe 1").await, 1);

    // So is a robot's.
    let (name, password) = (w.login("robot"), "na\u{ef}ve secret");
    let robot = json!({"name": name, "password": password, "scopes": ["quant"]});
    let created = w.send_json(Method::POST, "/robots", &robot).await;
    assert_eq!(created.status, 201, "{created}");
    for (sent, status) in [
        (password, 200),
        ("nai\u{308}ve\u{a0}secret", 200),
        ("naive secret", 401),
    ] {
        let body = json!({"username": name, "password": sent}).to_string();
        let reply = w.authenticate(body).await;
        assert_eq!(reply.status, status, "{sent:?}: {reply}");
    }
}
