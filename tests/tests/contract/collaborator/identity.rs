//! Who a request is about: the uid, the login, and what else has either.

use muster_tests::World;
use serde_json::{Value, json};

use super::{assert_counts, listed, made, person, refusal, send, shown, single, uid};

const TAKEN: &str = "login: this user name is not available";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_renamed_stays_the_same_and_leaves_the_login_free() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({"city": "Kyiv"}))).await;
    let before = shown(&w, "john").await;
    let renamed = person(&w, "john", json!({"login": w.login("jack")}));
    assert_counts(&send(&w, &renamed).await, [0, 1, 0, 0]);
    assert_counts(&send(&w, &renamed).await, [0; 4]);
    let after = shown(&w, "jack").await;
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["attributes"], before["attributes"]);
    assert_eq!(after["login"], w.login("jack"));
    assert_eq!(after["changes"][0]["attributes"], json!(["username"]));
    assert!(after["version"].as_u64() > before["version"].as_u64());
    assert_eq!(
        listed(&w, 0, &format!("login={}", w.login("john"))).await,
        None
    );
    let by_uid = listed(&w, 0, &format!("external_id={}", uid(&w, "john"))).await;
    assert_eq!(by_uid.expect("the user")["id"], before["id"]);
    // Somebody else takes the login, and then nobody gets it back.
    let other = person(&w, "other", json!({"login": w.login("john")}));
    made(&w, &other).await;
    assert_ne!(shown(&w, "john").await["id"], before["id"]);
    let back = send(&w, &person(&w, "john", json!({}))).await;
    assert_eq!(refusal(&back, 400), TAKEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_stored_as_it_is_spelt_last() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({}))).await;
    let id = shown(&w, "john").await["id"].clone();
    for spelling in ["John", "JOHN", "john"] {
        let user = person(&w, "john", json!({"login": w.login(spelling)}));
        assert_counts(&send(&w, &user).await, [0, 1, 0, 0]);
        assert_counts(&send(&w, &user).await, [0; 4]);
        let user = shown(&w, "john").await;
        assert_eq!(
            (&user["id"], &user["login"]),
            (&id, &json!(w.login(spelling)))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_ours_without_uid_is_adopted() {
    let w = World::start().await;
    let mut record = w.record("john");
    record["Individual Stores"] = "store1".into();
    w.put(&json!([record])).await;
    let before = shown(&w, "john").await;
    let user = person(
        &w,
        "john",
        json!({"login": w.login("John"), "is_active": 0}),
    );
    assert_counts(&send(&w, &user).await, [0, 1, 1, 0]);
    assert_counts(&send(&w, &user).await, [0; 4]);
    let after = shown(&w, "john").await;
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
    let by_uid = listed(&w, 0, &format!("external_id={}", uid(&w, "john"))).await;
    assert_eq!(by_uid.expect("the user")["id"], before["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_other_login_that_is_taken_is_refused_in_the_same_words() {
    let w = World::start().await;
    made(&w, &person(&w, "ours", json!({}))).await;
    let theirs = person(&w, "theirs", json!({}));
    let reply = single(&w, 1).await.body(theirs.to_string()).send().await;
    assert_counts(&reply, [1, 0, 0, 0]);
    let without_uid = json!([w.record("quants")]);
    let imported = w.import(1).await.records(&without_uid).send().await;
    imported.assert_success(1);
    made(&w, &person(&w, "known", json!({}))).await;
    let before = shown(&w, "ours").await;
    // For a new user and for a known one.
    for name in ["new", "known"] {
        for taken in ["ours", "OURS", "theirs", "Theirs", "quants"] {
            let user = person(&w, name, json!({"login": w.login(taken)}));
            assert_eq!(
                refusal(&send(&w, &user).await, 400),
                TAKEN,
                "{name} {taken}"
            );
        }
    }
    assert_eq!(shown(&w, "ours").await, before);
    let new = listed(&w, 0, &format!("external_id={}", uid(&w, "new"))).await;
    assert_eq!(new, None, "nothing is left of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_uid_is_a_tenant_s_own_and_exact() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({}))).await;
    let same = |login: &str| -> Value { person(&w, login, json!({"uid": uid(&w, "john")})) };
    let reply = single(&w, 1)
        .await
        .body(same("jack").to_string())
        .send()
        .await;
    assert_counts(&reply, [1, 0, 0, 0]);
    let capital = json!({"uid": uid(&w, "john").to_uppercase()});
    made(&w, &person(&w, "ann", capital)).await;
    assert_eq!(
        listed(&w, 0, &format!("login={}", w.login("jack"))).await,
        None
    );
    let theirs = listed(&w, 1, &format!("external_id={}", uid(&w, "john"))).await;
    assert_eq!(theirs.expect("the user")["login"], w.login("jack"));
}
