//! What clears a value, and what counts as not given (CONTRACT §0, *Merge rule*).

use muster_tests::World;
use serde_json::{Value, json};

use super::fields::optional;
use super::{assert_counts, made, person, send, shown};

/// A user with every optional field; the id of the user's manager.
async fn furnished(w: &World) -> Value {
    made(w, &person(w, "boss", json!({}))).await;
    let boss = shown(w, "boss").await["id"].clone();
    let mut all: Value = optional()
        .into_iter()
        .map(|(key, sent, ..)| (key.to_owned(), sent))
        .collect();
    all["manager_id"] = boss.clone();
    all["manager_uid"] = super::uid(w, "boss").into();
    all["password"] = "a password".into();
    made(w, &person(w, "john", all)).await;
    boss
}

/// The same value for every optional field.
fn everything(value: &Value) -> Value {
    let optional = optional();
    let keys = optional.iter().map(|(key, ..)| *key);
    keys.chain(["manager_id", "manager_uid", "password"])
        .map(|key| (key.to_owned(), value.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_clears_all_but_the_password_and_whether_a_user_is_active() {
    let w = World::start().await;
    furnished(&w).await;
    // A key that is absent keeps what is stored.
    assert_counts(&send(&w, &person(&w, "john", json!({}))).await, [0; 4]);
    let cleared = person(&w, "john", everything(&Value::Null));
    assert_counts(&send(&w, &cleared).await, [0, 1, 0, 0]);
    assert_counts(&send(&w, &cleared).await, [0; 4]);
    let user = shown(&w, "john").await;
    assert_eq!(
        user["attributes"],
        json!({
            "external_id": super::uid(&w, "john"), "first_name": "john", "last_name": "Smith",
            "email": "someone@example.com", "active": false,
        })
    );
    let same = person(&w, "john", json!({"password": "a password"}));
    assert_counts(&send(&w, &same).await, [0; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_text_clears_what_is_text_and_is_not_given_for_the_rest() {
    let w = World::start().await;
    let boss = furnished(&w).await;
    for empty in [json!(""), json!("  ")] {
        let mut cleared = everything(&empty);
        // White space can be a password.
        cleared["password"] = "".into();
        let before = shown(&w, "john").await["version"].clone();
        let reply = send(&w, &person(&w, "john", cleared)).await;
        let first = empty == "";
        assert_counts(&reply, [0, first.into(), 0, 0]);
        let user = shown(&w, "john").await;
        assert_eq!(user["version"] == before, !first);
        assert_eq!(
            user["attributes"],
            json!({
                "external_id": super::uid(&w, "john"), "first_name": "john", "last_name": "Smith",
                "email": "someone@example.com", "active": false, "gender": 1, "manager_id": boss,
            })
        );
    }
    let cleared = person(&w, "john", json!({"tags": []}));
    assert_counts(&send(&w, &cleared).await, [0; 4]);
    made(&w, &person(&w, "jack", json!({"tags": ["a"]}))).await;
    let cleared = person(&w, "jack", json!({"tags": []}));
    assert_counts(&send(&w, &cleared).await, [0, 1, 0, 0]);
}
