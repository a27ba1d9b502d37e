//! Values that clear an attribute, and values that count as absent
//! (contract.md#merging-and-missing-values).

use muster_tests::World;
use serde_json::{Value, json};

use super::fields::optional;
use super::{assert_counts, create, get_user, send, user_body};

/// Creates a user with every optional field; returns the id of the manager.
async fn create_full_user(w: &World) -> Value {
    create(w, &user_body(w, "boss", json!({}))).await;
    let boss = get_user(w, "boss").await["id"].clone();
    let mut all: Value = optional()
        .into_iter()
        .map(|(key, sent, ..)| (key.to_owned(), sent))
        .collect();
    all["manager_id"] = boss.clone();
    all["manager_uid"] = super::uid(w, "boss").into();
    all["password"] = "a password".into();
    create(w, &user_body(w, "john", all)).await;
    boss
}

/// Returns every optional field with this value.
fn all_optional(value: &Value) -> Value {
    let optional = optional();
    let keys = optional.iter().map(|(key, ..)| *key);
    keys.chain(["manager_id", "manager_uid", "password"])
        .map(|key| (key.to_owned(), value.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_clears_every_field_but_password_and_is_active() {
    let w = World::start().await;
    create_full_user(&w).await;
    // An absent key keeps the stored value.
    assert_counts(&send(&w, &user_body(&w, "john", json!({}))).await, [0; 4]);
    let cleared = user_body(&w, "john", all_optional(&Value::Null));
    assert_counts(&send(&w, &cleared).await, [0, 1, 0, 0]);
    assert_counts(&send(&w, &cleared).await, [0; 4]);
    let user = get_user(&w, "john").await;
    assert_eq!(
        user["attributes"],
        json!({
            "external_id": super::uid(&w, "john"), "first_name": "john", "last_name": "Smith",
            "email": "someone@example.com", "active": false,
        })
    );
    let same = user_body(&w, "john", json!({"password": "a password"}));
    assert_counts(&send(&w, &same).await, [0; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_text_clears_a_text_and_counts_as_absent_for_other_types() {
    let w = World::start().await;
    let boss = create_full_user(&w).await;
    for empty in [json!(""), json!("  ")] {
        let mut cleared = all_optional(&empty);
        // White space is a valid password.
        cleared["password"] = "".into();
        let before = get_user(&w, "john").await["version"].clone();
        let reply = send(&w, &user_body(&w, "john", cleared)).await;
        let first = empty == "";
        assert_counts(&reply, [0, first.into(), 0, 0]);
        let user = get_user(&w, "john").await;
        assert_eq!(user["version"] == before, !first);
        assert_eq!(
            user["attributes"],
            json!({
                "external_id": super::uid(&w, "john"), "first_name": "john", "last_name": "Smith",
                "email": "someone@example.com", "active": false, "gender": 1, "manager_id": boss,
            })
        );
    }
    let cleared = user_body(&w, "john", json!({"tags": []}));
    assert_counts(&send(&w, &cleared).await, [0; 4]);
    create(&w, &user_body(&w, "jack", json!({"tags": ["a"]}))).await;
    let cleared = user_body(&w, "jack", json!({"tags": []}));
    assert_counts(&send(&w, &cleared).await, [0, 1, 0, 0]);
}
