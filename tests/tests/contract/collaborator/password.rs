//! Passwords: kept as hashes, shown to nobody, and compared with what is stored.

use muster_tests::{World, store_or_skip};
use serde_json::json;

use super::{assert_counts, made, person, send, shown};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_changes_a_user_only_if_it_is_another_one() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({"password": "123456"}))).await;
    for (password, updated) in [
        (json!("123456"), 0),
        (json!(123_456), 0),
        (json!(""), 0),
        (json!(null), 0),
        (json!("123456 "), 1),
        (json!("123456 "), 0),
        (json!("other"), 1),
    ] {
        let user = person(&w, "john", json!({"password": password}));
        assert_counts(&send(&w, &user).await, [0, updated, 0, 0]);
    }
    let user = shown(&w, "john").await;
    assert_eq!(user["version"], 3);
    assert_eq!(user["changes"][0]["attributes"], json!(["password"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_shown_nowhere_and_stored_as_its_hash() {
    let w = World::start().await;
    let (password, other) = (w.login("Pass-Word"), w.login("Other-Word"));
    made(&w, &person(&w, "john", json!({"password": password}))).await;
    let changed = person(&w, "john", json!({"password": other, "gender": 7}));
    let mut texts = vec![send(&w, &changed).await.text().to_owned()];
    let changed = person(&w, "john", json!({"password": other}));
    texts.push(send(&w, &changed).await.text().to_owned());
    let user = shown(&w, "john").await;
    assert!(user["attributes"].get("password").is_none());
    texts.push(user.to_string());
    let store = store_or_skip!(w);
    let stored = store.user(&w.login("john")).await.expect("the user");
    let hash = stored["password"].as_str().expect("a hash");
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    texts.push(format!("{stored:?}"));
    for text in texts {
        assert!(!text.contains("-Word"), "{text}");
    }
}
