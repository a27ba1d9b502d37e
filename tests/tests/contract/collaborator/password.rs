//! Passwords: stored as hashes, never returned, and compared with the stored hash.

use muster_tests::World;
use serde_json::json;

use super::{assert_counts, create, get_user, send, user_body};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_different_password_changes_a_user() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({"password": "123456"}))).await;
    for (password, updated) in [
        (json!("123456"), 0),
        (json!(123_456), 0),
        (json!(""), 0),
        (json!(null), 0),
        (json!("123456 "), 1),
        (json!("123456 "), 0),
        (json!("other"), 1),
    ] {
        let user = user_body(&w, "john", json!({"password": password}));
        assert_counts(&send(&w, &user).await, [0, updated, 0, 0]);
    }
    let user = get_user(&w, "john").await;
    assert_eq!(user["version"], 3);
    assert_eq!(user["changes"][0]["attributes"], json!(["password"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_in_no_response_and_is_stored_as_a_hash() {
    let w = World::start().await;
    let (password, other) = (w.login("Pass-Word"), w.login("Other-Word"));
    create(&w, &user_body(&w, "john", json!({"password": password}))).await;
    let changed = user_body(&w, "john", json!({"password": other, "gender": 7}));
    let mut texts = vec![send(&w, &changed).await.text().to_owned()];
    let changed = user_body(&w, "john", json!({"password": other}));
    texts.push(send(&w, &changed).await.text().to_owned());
    let user = get_user(&w, "john").await;
    assert!(user["attributes"].get("password").is_none());
    texts.push(user.to_string());
    let store = &w.store;
    let stored = store.user(&w.login("john")).await.expect("the user");
    let hash = stored["password"].as_str().expect("a hash");
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    texts.push(format!("{stored:?}"));
    for text in texts {
        assert!(!text.contains("-Word"), "{text}");
    }
}
