//! Every field, and the attribute that it is stored as.

use std::collections::BTreeSet;

use muster_tests::World;
use serde_json::{Value, json};

use super::{assert_counts, create, get_user, send, user_body};

/// Optional fields except the password and the managers: key, sent value, attribute, stored value.
pub(super) fn optional() -> Vec<(&'static str, Value, &'static str, Value)> {
    // {"projects":["mtr-1", "mto-232"], "vacation_days":21}
    let info = json!("eyJwcm9qZWN0cyI6WyJtdHItMSIsICJtdG8tMjMyIl0sICJ2YWNhdGlvbl9kYXlzIjoyMX0=");
    vec![
        (
            "patronymic",
            json!(" Ivanovych "),
            "middle_name",
            json!("Ivanovych"),
        ),
        (
            "phone",
            json!("+38 (097) 111-11-11"),
            "phone",
            json!("+380971111111"),
        ),
        ("is_active", json!(0), "active", json!(false)),
        ("language", json!("UK"), "language", json!("uk")),
        ("position", json!("CEO"), "position", json!("CEO")),
        (
            "department",
            json!("Main Office, Lviv"),
            "department",
            json!("Main Office, Lviv"),
        ),
        ("city", json!("Київ"), "city", json!("Київ")),
        ("gender", json!(1), "gender", json!(1)),
        (
            "birth_date",
            json!("26.07.1988"),
            "birth_date",
            json!("1988-07-26"),
        ),
        (
            "date_of_employment",
            json!("2001-02-03"),
            "employment_date",
            json!("2001-02-03"),
        ),
        (
            "date_of_assignment_current_position",
            json!("29.02.2024"),
            "position_date",
            json!("2024-02-29"),
        ),
        ("tags", json!("a, b,,c"), "tags", json!(["a", "b", "c"])),
        (
            "structure_uid",
            json!("D-17"),
            "structure_uid",
            json!("D-17"),
        ),
        ("facebook_id", json!(4_711), "facebook_id", json!("4711")),
        ("google_id", json!("g.1"), "google_id", json!("g.1")),
        (
            "work_contact",
            json!("room 7"),
            "work_contact",
            json!("room 7"),
        ),
        ("customInfo", info.clone(), "custom_info", info),
        ("user_field1", json!("one"), "user_field1", json!("one")),
        ("user_field2", json!("two"), "user_field2", json!("two")),
        ("user_field3", json!("three"), "user_field3", json!("three")),
        ("user_field4", json!("four"), "user_field4", json!("four")),
        ("user_field5", json!("five"), "user_field5", json!("five")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_field_can_be_set_alone_and_with_all_others() {
    let w = World::start().await;
    let all: Value = optional()
        .into_iter()
        .map(|(key, sent, ..)| (key.to_owned(), sent))
        .collect();
    create(&w, &user_body(&w, "all", all.clone())).await;
    create(&w, &user_body(&w, "one", json!({}))).await;
    for (key, sent, attribute, stored) in optional() {
        let user = user_body(&w, "one", json!({ key: sent }));
        let counts = match key {
            "is_active" => [0, 0, 1, 0],
            _ => [0, 1, 0, 0],
        };
        assert_counts(&send(&w, &user).await, counts);
        assert_counts(&send(&w, &user).await, [0, 0, 0, 0]);
        let user = get_user(&w, "one").await;
        assert_eq!(user["attributes"][attribute], stored, "{key}");
        assert_eq!(user["changes"][0]["attributes"], json!([attribute]));
    }
    let (one, all) = (get_user(&w, "one").await, get_user(&w, "all").await);
    for (_, _, attribute, _) in optional() {
        assert_eq!(one["attributes"][attribute], all["attributes"][attribute]);
    }
    let required = ["external_id", "first_name", "last_name", "email"];
    let attributes = one["attributes"].as_object().expect("attributes");
    assert_eq!(attributes.len(), optional().len() + required.len());
}

#[test]
fn these_tests_cover_every_field_of_the_openapi_document() {
    let document = serde_json::to_value(muster_local::openapi::document()).expect("JSON");
    let described = &document["components"]["schemas"]["CollaboratorUser"]["properties"];
    let described = described.as_object().expect("fields").keys();
    let mut tested: BTreeSet<&str> = optional().into_iter().map(|(key, ..)| key).collect();
    tested.extend(["uid", "login", "email", "firstname", "secondname"]);
    tested.extend(["password", "manager_id", "manager_uid"]);
    let described: BTreeSet<&str> = described.map(String::as_str).collect();
    assert_eq!(described, tested);
    assert_eq!(tested.len(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_accepted_in_several_formats() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    let languages = ["EN", "UK", "DE", "ES", "ET", "TR", "RU"];
    let mut cases: Vec<(&str, Value, &str, Value)> = Vec::new();
    for language in languages {
        let stored = json!(language.to_lowercase());
        cases.push(("language", json!(language), "language", stored.clone()));
        cases.push(("language", stored.clone(), "language", stored));
    }
    cases.extend([
        ("is_active", json!("0"), "active", json!(false)),
        ("is_active", json!("1"), "active", json!(true)),
        ("is_active", json!(0), "active", json!(false)),
        ("is_active", json!(true), "active", json!(true)),
        ("gender", json!("1"), "gender", json!(1)),
        ("gender", json!(0), "gender", json!(0)),
        (
            "tags",
            json!(["a,b", " c ", ""]),
            "tags",
            json!(["a,b", "c"]),
        ),
        ("tags", json!("one"), "tags", json!(["one"])),
        (
            "birth_date",
            json!("1988-07-26"),
            "birth_date",
            json!("1988-07-26"),
        ),
        (
            "birth_date",
            json!("27.07.1988"),
            "birth_date",
            json!("1988-07-27"),
        ),
        ("firstname", json!(" Ann "), "first_name", json!("Ann")),
        ("secondname", json!(17), "last_name", json!("17")),
        (
            "email",
            json!("other@example.com"),
            "email",
            json!("other@example.com"),
        ),
        ("manager_uid", json!(18), "manager_uid", json!("18")),
    ]);
    for (key, sent, attribute, stored) in cases {
        let user = user_body(&w, "john", json!({ key: sent }));
        let reply = send(&w, &user).await;
        assert_eq!(reply.status, 200, "{key} {sent}: {reply}");
        let user = get_user(&w, "john").await;
        assert_eq!(user["attributes"][attribute], stored, "{key} {sent}");
    }
}
