//! One directory: what is made here is Quant's to find and change, and the other way round.

use muster_tests::{World, store_or_skip};
use serde_json::json;

use super::{assert_counts, listed, made, person, refusal, send, shown, uid};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_changes_a_user_who_was_made_here_without_a_role() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({"city": "Kyiv"}))).await;
    let record = json!({"Username": w.login("JOHN"), "Name": "John", "Individual Stores": "s1"});
    w.put(&json!([record])).await;
    let user = shown(&w, "john").await;
    assert_eq!(user["login"], w.login("john"), "the spelling is ours");
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
    // And what the import set stays.
    let moved = person(&w, "john", json!({"city": "Lviv"}));
    assert_counts(&send(&w, &moved).await, [0, 1, 0, 0]);
    let attributes = shown(&w, "john").await["attributes"].clone();
    assert_eq!(
        (&attributes["name"], &attributes["city"]),
        (&json!("John"), &json!("Lviv"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_is_the_same_as_a_uid() {
    let w = World::start().await;
    let mut record = w.record("john");
    record["External ID"] = uid(&w, "john").into();
    w.put(&json!([record])).await;
    // Made by an import, found by the uid, renamed here.
    let renamed = person(&w, "john", json!({"login": w.login("jack")}));
    assert_counts(&send(&w, &renamed).await, [0, 1, 0, 0]);
    assert_eq!(
        listed(&w, 0, &format!("login={}", w.login("john"))).await,
        None
    );
    // The import finds the login free, and the id taken.
    let reply = w.send(&json!([record])).await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".to_owned(), [1, 0, 0, 0])
    );
    let warnings = reply.warnings();
    assert!(
        warnings.len() == 1 && warnings[0].contains("[external_id.taken]"),
        "{reply}"
    );
    let jack = shown(&w, "jack").await;
    assert_eq!(jack["attributes"]["external_id"], uid(&w, "john"));
    assert_eq!(
        shown(&w, "john").await["attributes"].get("external_id"),
        None
    );
    // The uid still names jack, and his old login is another user's now.
    let back = refusal(&send(&w, &person(&w, "john", json!({}))).await, 400);
    assert_eq!(back, "login: this user name is not available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_of_the_same_values_writes_nothing() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({}))).await;
    let record = json!({
        "Username": w.login("john"), "E-mail": "someone@example.com", "External ID": uid(&w, "john"),
    });
    let before = shown(&w, "john").await;
    let store = store_or_skip!(w);
    let writes = store.directory_writes();
    w.put(&json!([record])).await;
    assert_eq!(store.directory_writes(), writes);
    assert_eq!(shown(&w, "john").await, before);
}
