//! What is refused of a user: what is missing, and every value that is not right, by its field.

use muster_tests::{World, store_or_skip};
use serde_json::{Value, json};

use super::{MISSING, made, person, refusal, send};

const REQUIRED: [&str; 5] = ["uid", "login", "email", "firstname", "secondname"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_required_is_so_for_known_users_and_before_all_else() {
    let w = World::start().await;
    made(&w, &person(&w, "known", json!({}))).await;
    for name in ["new", "known"] {
        for key in REQUIRED {
            for blank in [
                None,
                Some(json!(null)),
                Some(json!("")),
                Some(json!(" \t\n")),
            ] {
                let mut user = person(&w, name, json!({"gender": 7, "birth_date": "x"}));
                let members = user.as_object_mut().expect("an object");
                members.remove(key);
                members.extend(blank.clone().map(|blank| (key.to_owned(), blank)));
                let reply = send(&w, &user).await;
                assert_eq!((reply.status, reply.text()), (400, MISSING), "{user}");
            }
        }
    }
    made(&w, &person(&w, "new", json!({"position": null}))).await;
}

/// Values that are not right: field, value, what the refusal says besides the field.
fn wrong() -> Vec<(&'static str, Value, &'static str)> {
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
            "an array where a user name belongs",
        ),
        ("uid", json!(true), "a boolean where text belongs"),
        ("uid", long(1_025), "1,024 characters"),
        ("firstname", json!({"a": 1}), "an object where text belongs"),
        ("secondname", json!("Smith\nJones"), "control character"),
        (
            "patronymic",
            json!(1.5),
            "a number with a fraction where text belongs",
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
        ("is_active", json!([1]), "an array where 1 or 0 belongs"),
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
        ("position", json!(false), "a boolean where text belongs"),
        (
            "department",
            json!(["Main Office"]),
            "an array where text belongs",
        ),
        ("city", long(1_025), "1,024 characters"),
        ("gender", json!("male"), "0 is male, 1 is female"),
        ("gender", json!(2), "0 is male, 1 is female"),
        ("birth_date", json!("07/26/1988"), DAY),
        ("birth_date", json!("31.02.1988"), DAY),
        ("date_of_employment", json!("26.07.88"), DAY),
        (
            "date_of_assignment_current_position",
            json!(19_880_726),
            DAY,
        ),
        ("tags", json!({"a": 1}), "an object where a list belongs"),
        ("tags", json!(["a", ["b"]]), "an array where text belongs"),
        ("tags", json!(vec!["x"; 5_001]), "5,000 items"),
        ("manager_id", json!("boss"), "an integer"),
        ("manager_id", json!(0), "a positive integer"),
        ("manager_uid", json!(true), "a boolean where text belongs"),
        ("structure_uid", json!(1.5), "text belongs"),
        ("facebook_id", json!([1]), "text belongs"),
        ("google_id", json!({}), "text belongs"),
        ("work_contact", json!("a\u{7}"), "control character"),
        // Not base64; no JSON; JSON but no object.
        ("customInfo", json!("%%%"), "a JSON object in Base64"),
        (
            "customInfo",
            json!("bm90IGpzb24="),
            "a JSON object in Base64",
        ),
        ("customInfo", json!("WzFd"), "a JSON object in Base64"),
        (
            "customInfo",
            json!({"projects": []}),
            "an object where text belongs",
        ),
        ("customInfo", long(32 * 1_024 + 1), "32 KB"),
        ("user_field1", json!([]), "text belongs"),
        ("user_field2", json!({}), "text belongs"),
        ("user_field3", json!(true), "text belongs"),
        ("user_field4", json!(0.5), "text belongs"),
        ("user_field5", long(1_025), "1,024 characters"),
        ("password", long(129), "128 characters"),
        ("password", json!(true), "text belongs"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_value_that_is_not_right_is_refused_with_its_field_and_format() {
    let w = World::start().await;
    for (key, value, said) in wrong() {
        let user = person(&w, "john", json!({ key: value }));
        let error = refusal(&send(&w, &user).await, 400);
        let (field, message) = error.split_once(": ").expect("a field");
        assert_eq!(field, key, "{value}: {error}");
        assert!(message.contains(said), "{key} {value}: {error}");
    }
    let store = store_or_skip!(w);
    assert_eq!(store.user(&w.login("john")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_wrong_is_named_at_once() {
    let w = World::start().await;
    // One value of each field.
    let mut fields: Vec<(&str, Value, &str)> = wrong();
    fields.dedup_by_key(|(key, ..)| *key);
    let wrong = fields
        .iter()
        .map(|(key, value, _)| ((*key).to_owned(), value.clone()));
    let user = person(&w, "john", Value::Object(wrong.collect()));
    let error = format!("; {}", refusal(&send(&w, &user).await, 400));
    assert_eq!(fields.len(), 30);
    for (key, _, said) in &fields {
        let (_, behind) = error.split_once(&format!("; {key}: ")).expect(key);
        assert!(behind.contains(said), "{key}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_one_bad_value_changes_nothing_of_a_user() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({"city": "Kyiv"}))).await;
    let before = super::shown(&w, "john").await;
    let bad = json!({"city": "Lviv", "is_active": 0, "phone": "none", "login": w.login("jack")});
    let error = refusal(&send(&w, &person(&w, "john", bad)).await, 400);
    assert!(error.starts_with("phone: "), "{error}");
    assert_eq!(super::shown(&w, "john").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_would_be_too_large_is_refused() {
    let w = World::start().await;
    let tags: Vec<String> = (0..300)
        .map(|n| format!("{n}{}", "x".repeat(1_000)))
        .collect();
    let error = refusal(
        &send(&w, &person(&w, "john", json!({"tags": tags}))).await,
        400,
    );
    assert!(error.contains("256 KB"), "{error}");
}
