//! The user of a request: found by uid or by login.

use muster_tests::World;
use serde_json::{Value, json};

use super::{assert_counts, call, create, error_text, find_user, get_user, send, uid, user_body};

const TAKEN: &str = "login: this user name is not available";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_user_keeps_its_id_and_frees_the_old_login() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({"city": "Kyiv"}))).await;
    let before = get_user(&w, "john").await;
    let renamed = user_body(&w, "john", json!({"login": w.login("jack")}));
    assert_counts(&send(&w, &renamed).await, [0, 1, 0, 0]);
    assert_counts(&send(&w, &renamed).await, [0; 4]);
    let after = get_user(&w, "jack").await;
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["attributes"], before["attributes"]);
    assert_eq!(after["login"], w.login("jack"));
    assert_eq!(after["changes"][0]["attributes"], json!(["username"]));
    assert!(after["version"].as_u64() > before["version"].as_u64());
    assert_eq!(
        find_user(&w, 0, &format!("login={}", w.login("john"))).await,
        None
    );
    let by_uid = find_user(&w, 0, &format!("external_id={}", uid(&w, "john"))).await;
    assert_eq!(by_uid.expect("the user")["id"], before["id"]);
    // After another user took the old login, it is no longer available.
    let other = user_body(&w, "other", json!({"login": w.login("john")}));
    create(&w, &other).await;
    assert_ne!(get_user(&w, "john").await["id"], before["id"]);
    let back = send(&w, &user_body(&w, "john", json!({}))).await;
    assert_eq!(error_text(&back, 400), TAKEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_stored_in_its_last_spelling() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    let id = get_user(&w, "john").await["id"].clone();
    for spelling in ["John", "JOHN", "john"] {
        let user = user_body(&w, "john", json!({"login": w.login(spelling)}));
        assert_counts(&send(&w, &user).await, [0, 1, 0, 0]);
        assert_counts(&send(&w, &user).await, [0; 4]);
        let user = get_user(&w, "john").await;
        assert_eq!(
            (&user["id"], &user["login"]),
            (&id, &json!(w.login(spelling)))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_the_tenant_without_a_uid_is_adopted() {
    let w = World::start().await;
    let mut record = w.record("john");
    record["Individual Stores"] = "store1".into();
    w.put(&json!([record])).await;
    let before = get_user(&w, "john").await;
    let user = user_body(
        &w,
        "john",
        json!({"login": w.login("John"), "is_active": 0}),
    );
    assert_counts(&send(&w, &user).await, [0, 1, 1, 0]);
    assert_counts(&send(&w, &user).await, [0; 4]);
    let after = get_user(&w, "john").await;
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["login"], w.login("John"));
    assert_eq!(
        after["attributes"],
        json!({
            "external_id": uid(&w, "john"), "name": "john", "first_name": "john",
            "last_name": "Smith", "role": "Category Manager", "email": "someone@example.com",
            "active": false, "individual_stores": ["store1"],
        })
    );
    let by_uid = find_user(&w, 0, &format!("external_id={}", uid(&w, "john"))).await;
    assert_eq!(by_uid.expect("the user")["id"], before["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_taken_login_is_refused_with_the_same_message() {
    let w = World::start().await;
    create(&w, &user_body(&w, "ours", json!({}))).await;
    let theirs = user_body(&w, "theirs", json!({}));
    let reply = call(&w, 1).await.body(theirs.to_string()).send().await;
    assert_counts(&reply, [1, 0, 0, 0]);
    let without_uid = json!([w.record("quants")]);
    let imported = w.import(1).await.records(&without_uid).send().await;
    imported.assert_success(1);
    create(&w, &user_body(&w, "known", json!({}))).await;
    let before = get_user(&w, "ours").await;
    // For a new user and for a known one.
    for name in ["new", "known"] {
        for taken in ["ours", "OURS", "theirs", "Theirs", "quants"] {
            let user = user_body(&w, name, json!({"login": w.login(taken)}));
            assert_eq!(
                error_text(&send(&w, &user).await, 400),
                TAKEN,
                "{name} {taken}"
            );
        }
    }
    assert_eq!(get_user(&w, "ours").await, before);
    let new = find_user(&w, 0, &format!("external_id={}", uid(&w, "new"))).await;
    assert_eq!(new, None, "the refused user was stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_uid_is_case_sensitive_and_unique_within_its_tenant() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    let same = |login: &str| -> Value { user_body(&w, login, json!({"uid": uid(&w, "john")})) };
    let reply = call(&w, 1)
        .await
        .body(same("jack").to_string())
        .send()
        .await;
    assert_counts(&reply, [1, 0, 0, 0]);
    let capital = json!({"uid": uid(&w, "john").to_uppercase()});
    create(&w, &user_body(&w, "ann", capital)).await;
    assert_eq!(
        find_user(&w, 0, &format!("login={}", w.login("jack"))).await,
        None
    );
    let theirs = find_user(&w, 1, &format!("external_id={}", uid(&w, "john"))).await;
    assert_eq!(theirs.expect("the user")["login"], w.login("jack"));
}
