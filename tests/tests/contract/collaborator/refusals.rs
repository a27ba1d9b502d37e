//! Refused users: missing fields and invalid values.

use muster_tests::World;
use serde_json::{Value, json};

use super::{MISSING_FIELDS_BODY, create, error_text, send, user_body};

const REQUIRED: [&str; 5] = ["uid", "login", "email", "firstname", "secondname"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_fields_are_checked_first_for_new_and_existing_users() {
    let w = World::start().await;
    create(&w, &user_body(&w, "known", json!({}))).await;
    for name in ["new", "known"] {
        for key in REQUIRED {
            for blank in [
                None,
                Some(json!(null)),
                Some(json!("")),
                Some(json!(" \t\n")),
            ] {
                let mut user = user_body(&w, name, json!({"gender": 7, "birth_date": "x"}));
                let members = user.as_object_mut().expect("an object");
                members.remove(key);
                members.extend(blank.clone().map(|blank| (key.to_owned(), blank)));
                let reply = send(&w, &user).await;
                assert_eq!(
                    (reply.status, reply.text()),
                    (400, MISSING_FIELDS_BODY),
                    "{user}"
                );
            }
        }
    }
    create(&w, &user_body(&w, "new", json!({"position": null}))).await;
}

/// Returns invalid values: field, value, and part of the message.
fn invalid_values() -> Vec<(&'static str, Value, &'static str)> {
    const DAY: &str = "DD.MM.YYYY or YYYY-MM-DD";
    let long = |count: usize| json!("x".repeat(count));
    vec![
        ("login", json!("john smith"), "unauthorised characters"),
        ("login", json!(" john"), "unauthorised characters"),
        ("login", json!("jоhn"), "several scripts"),
        ("login", long(129), "128 characters"),
        (
            "login",
            json!(["john"]),
            "expected a user name, found an array",
        ),
        ("uid", json!(true), "expected text, found a boolean"),
        ("uid", long(1_025), "1,024 characters"),
        (
            "firstname",
            json!({"a": 1}),
            "expected text, found an object",
        ),
        ("secondname", json!("Smith\nJones"), "control character"),
        (
            "patronymic",
            json!(1.5),
            "expected text, found a number with a fraction",
        ),
        (
            "email",
            json!("john.example.com"),
            "not a valid e-mail address",
        ),
        (
            "email",
            json!("John <john@example.com>"),
            "not a valid e-mail address",
        ),
        ("phone", json!("0971111111"), "such as +380971234567"),
        ("phone", json!("+1234567"), "such as +380971234567"),
        ("is_active", json!(2), "must be 1 or 0"),
        ("is_active", json!("yes"), "must be 1 or 0"),
        ("is_active", json!([1]), "expected 1 or 0, found an array"),
        (
            "language",
            json!("FR"),
            "must be one of EN, UK, DE, ES, ET, TR, RU",
        ),
        (
            "language",
            json!("ru_RU"),
            "must be one of EN, UK, DE, ES, ET, TR, RU",
        ),
        ("position", json!(false), "expected text, found a boolean"),
        (
            "department",
            json!(["Main Office"]),
            "expected text, found an array",
        ),
        ("city", long(1_025), "1,024 characters"),
        ("gender", json!("male"), "0 (male) or 1 (female)"),
        ("gender", json!(2), "0 (male) or 1 (female)"),
        ("birth_date", json!("07/26/1988"), DAY),
        ("birth_date", json!("31.02.1988"), DAY),
        ("date_of_employment", json!("26.07.88"), DAY),
        (
            "date_of_assignment_current_position",
            json!(19_880_726),
            DAY,
        ),
        ("tags", json!({"a": 1}), "expected a list, found an object"),
        ("tags", json!(["a", ["b"]]), "expected text, found an array"),
        (
            "tags",
            json!((0..5_001).map(|n| n.to_string()).collect::<Vec<_>>()),
            "5,000 items",
        ),
        ("manager_id", json!("boss"), "an integer"),
        ("manager_id", json!(0), "a positive integer"),
        ("manager_uid", json!(true), "expected text, found a boolean"),
        ("structure_uid", json!(1.5), "expected text"),
        ("facebook_id", json!([1]), "expected text"),
        ("google_id", json!({}), "expected text"),
        ("work_contact", json!("a\u{7}"), "control character"),
        // Not Base64; not JSON; JSON, but not an object.
        ("customInfo", json!("%%%"), "a Base64-encoded JSON object"),
        (
            "customInfo",
            json!("bm90IGpzb24="),
            "a Base64-encoded JSON object",
        ),
        ("customInfo", json!("WzFd"), "a Base64-encoded JSON object"),
        (
            "customInfo",
            json!({"projects": []}),
            "expected text, found an object",
        ),
        ("customInfo", long(32 * 1_024 + 1), "32 KB"),
        ("user_field1", json!([]), "expected text"),
        ("user_field2", json!({}), "expected text"),
        ("user_field3", json!(true), "expected text"),
        ("user_field4", json!(0.5), "expected text"),
        ("user_field5", long(1_025), "1,024 characters"),
        ("password", long(129), "128 characters"),
        ("password", json!(true), "expected text"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_invalid_value_is_refused_with_its_field_and_format() {
    let w = World::start().await;
    for (key, value, expected) in invalid_values() {
        let user = user_body(&w, "john", json!({ key: value }));
        let error = error_text(&send(&w, &user).await, 400);
        let (field, message) = error.split_once(": ").expect("a field");
        assert_eq!(field, key, "{value}: {error}");
        assert!(message.contains(expected), "{key} {value}: {error}");
    }
    let store = &w.store;
    assert_eq!(store.user(&w.login("john")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_invalid_values_are_reported_at_once() {
    let w = World::start().await;
    // One value of each field.
    let mut fields: Vec<(&str, Value, &str)> = invalid_values();
    fields.dedup_by_key(|(key, ..)| *key);
    let invalid = fields
        .iter()
        .map(|(key, value, _)| ((*key).to_owned(), value.clone()));
    let user = user_body(&w, "john", Value::Object(invalid.collect()));
    let error = format!("; {}", error_text(&send(&w, &user).await, 400));
    assert_eq!(fields.len(), 30);
    for (key, _, expected) in &fields {
        let (_, message) = error.split_once(&format!("; {key}: ")).expect(key);
        assert!(message.contains(expected), "{key}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_an_invalid_value_changes_nothing() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({"city": "Kyiv"}))).await;
    let before = super::get_user(&w, "john").await;
    let invalid =
        json!({"city": "Lviv", "is_active": 0, "phone": "none", "login": w.login("jack")});
    let error = error_text(&send(&w, &user_body(&w, "john", invalid)).await, 400);
    assert!(error.starts_with("phone: "), "{error}");
    assert_eq!(super::get_user(&w, "john").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_would_become_too_large_is_refused() {
    let w = World::start().await;
    let tags: Vec<String> = (0..300)
        .map(|n| format!("{n}{}", "x".repeat(1_000)))
        .collect();
    let error = error_text(
        &send(&w, &user_body(&w, "john", json!({"tags": tags}))).await,
        400,
    );
    assert!(error.contains("256 KB"), "{error}");
}
