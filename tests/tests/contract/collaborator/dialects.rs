//! Users of Collaborator and of Quant are in one directory.

use muster_tests::World;
use serde_json::json;

use crate::support::{applying_task, put_into, send_to};
use crate::values::full_mapping_task;

use super::{assert_counts, create, error_text, find_user, get_user, send, uid, user_body};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_changes_a_user_of_collaborator_without_a_role() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({"city": "Kyiv"}))).await;
    let record = json!({"Username": w.login("JOHN"), "Name": "John", "Individual Stores": "s1"});
    w.put(&json!([record])).await;
    let user = get_user(&w, "john").await;
    assert_eq!(
        user["login"],
        w.login("john"),
        "an import does not change the spelling"
    );
    assert_eq!(user["version"], 2);
    assert_eq!(
        (
            &user["created_by"]["dialect"],
            &user["updated_by"]["dialect"]
        ),
        (&json!("collaborator"), &json!("quant"))
    );
    assert_eq!(
        user["attributes"],
        json!({
            "external_id": uid(&w, "john"), "name": "John", "first_name": "john",
            "last_name": "Smith", "email": "someone@example.com", "active": true, "city": "Kyiv",
            "individual_stores": ["s1"],
        })
    );
    // Attributes that the import set are kept.
    let moved = user_body(&w, "john", json!({"city": "Lviv"}));
    assert_counts(&send(&w, &moved).await, [0, 1, 0, 0]);
    let attributes = get_user(&w, "john").await["attributes"].clone();
    assert_eq!(
        (&attributes["name"], &attributes["city"]),
        (&json!("John"), &json!("Lviv"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_external_id_of_an_import_is_the_uid() {
    let w = World::start().await;
    let mut record = w.record("john");
    record["External ID"] = uid(&w, "john").into();
    w.put(&json!([record])).await;
    // Created by an import, found by the uid, renamed by Collaborator.
    let renamed = user_body(&w, "john", json!({"login": w.login("jack")}));
    assert_counts(&send(&w, &renamed).await, [0, 1, 0, 0]);
    assert_eq!(
        find_user(&w, 0, &format!("login={}", w.login("john"))).await,
        None
    );
    // For the import, the login is free and the id is taken.
    let reply = send_to(&w, applying_task(&w).await, &json!([record])).await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".to_owned(), [1, 0, 0, 0])
    );
    let warnings = reply.warnings();
    assert!(
        warnings.len() == 1 && warnings[0].contains("[external_id.taken]"),
        "{reply}"
    );
    let jack = get_user(&w, "jack").await;
    assert_eq!(jack["attributes"]["external_id"], uid(&w, "john"));
    assert_eq!(
        get_user(&w, "john").await["attributes"].get("external_id"),
        None
    );
    // The uid still belongs to jack, and his old login to another user.
    let back = error_text(&send(&w, &user_body(&w, "john", json!({}))).await, 400);
    assert_eq!(back, "login: this user name is not available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_of_the_same_values_writes_nothing() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    let record = json!({
        "Username": w.login("john"), "E-mail": "someone@example.com", "External ID": uid(&w, "john"),
    });
    let before = get_user(&w, "john").await;
    let store = &w.store;
    let writes = store.directory_writes();
    w.put(&json!([record])).await;
    assert_eq!(store.directory_writes(), writes);
    assert_eq!(get_user(&w, "john").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_user_without_uid_is_not_handed_to_somebody_else() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let mut leaver = w.record("john");
    leaver["Active"] = json!(false);
    put_into(&w, task, &json!([leaver])).await;
    let before = get_user(&w, "john").await;

    let joiner = user_body(&w, "john", json!({"is_active": 1}));
    let error = error_text(&send(&w, &joiner).await, 400);
    assert!(error.starts_with("login: "), "{error}");
    assert!(error.contains("blocked"), "{error}");
    assert_eq!(get_user(&w, "john").await, before);

    // A request that lets nobody in gives the user the uid; the next one finds the user by it.
    let known = user_body(&w, "john", json!({"is_active": 0}));
    assert_counts(&send(&w, &known).await, [0, 1, 0, 0]);
    assert_counts(&send(&w, &joiner).await, [0, 0, 0, 1]);
}
