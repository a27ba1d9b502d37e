//! The attribute mapping of a task (contract.md#task-settings).

use muster_tests::World;
use serde_json::json;

use crate::support::{assert_partial_success, put_into};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unmapped_attribute_counts_as_missing() {
    let w = World::start().await;
    let store = &w.store;
    for attribute in ["role", "email"] {
        let task = store
            .task(&w, 0, |task| {
                task["attribute_mapping"]
                    .as_object_mut()
                    .expect("an object")
                    .remove(attribute);
            })
            .await;
        let records = json!([w.record("anna")]);
        let reply = w.import(0).await.task(task).records(&records).send().await;
        assert_eq!(
            reply.outcome(),
            (200, "PARTIAL_SUCCESS".into(), [1, 0, 1, 0]),
            "{attribute}: {reply}"
        );
    }
    // With an empty role mapping every role is unmapped.
    let task = store
        .task(&w, 0, |task| task["role_mapping"] = json!({}))
        .await;
    let reply = w
        .import(0)
        .await
        .task(task)
        .records(&json!([w.record("anna")]))
        .send()
        .await;
    assert_partial_success(&reply, [1, 0, 1, 0]);
    assert_eq!(store.user(&w.login("anna")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_are_ignored_and_the_last_value_of_a_repeated_key_counts() {
    let w = World::start().await;
    let (first, last) = (w.login("first"), w.login("last"));
    let body = format!(
        r#"[{{"Username":"{first}","Pets":{{"cat":[1,2.5,null]}},"Role":"king","Username":"{last}",
             "Role":"catman","E-mail":"a@example.com","":0,"nom":"not the key"}}]"#
    );
    let reply = w.import(0).await.debug().body(body).send().await;
    reply.assert_success(1);
    let store = &w.store;
    assert_eq!(store.user(&first).await, None);
    assert_eq!(
        store
            .user(&last)
            .await
            .expect("the user of the last value")
            .get("name"),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_defines_the_keys_of_the_mapping() {
    let w = World::start().await;
    let store = &w.store;
    let task = store
        .task(&w, 0, |task| {
            task["attribute_mapping"] =
                json!({"username": "login", "role": "Ro\"le", "email": "пошта", "name": "E-mail"});
        })
        .await;
    let login = w.login("anna");
    let records = json!([{"login": login, "Ro\"le": "catman", "пошта": "a@example.com", "E-mail": "Anna", "Username": "no"}]);
    put_into(&w, task, &records).await;
    let user = store.user(&login).await.expect("the user");
    assert_eq!(
        (&user["email"], &user["name"]),
        (&json!("a@example.com"), &json!("Anna"))
    );
}
