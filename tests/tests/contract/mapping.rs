//! The task's mapping: which keys stand for which attributes, and all others for none.

use muster_tests::{World, store_or_skip};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unmapped_attribute_counts_as_missing() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [1, 0, 1, 0]),
        "{reply}"
    );
    assert_eq!(store.user(&w.login("anna")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_are_ignored_and_of_a_double_key_the_last_value_counts() {
    let w = World::start().await;
    let (first, last) = (w.login("first"), w.login("last"));
    let body = format!(
        r#"[{{"Username":"{first}","Pets":{{"cat":[1,2.5,null]}},"Role":"king","Username":"{last}",
             "Role":"catman","E-mail":"a@example.com","":0,"name":"not the key"}}]"#
    );
    let reply = w.import(0).await.debug().body(body).send().await;
    reply.assert_success(1);
    let store = store_or_skip!(w);
    assert_eq!(store.user(&first).await, None);
    assert_eq!(
        store.user(&last).await.expect("the last one").get("name"),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_mapping_are_the_tasks_own() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store
        .task(&w, 0, |task| {
            task["attribute_mapping"] =
                json!({"username": "login", "role": "Ro\"le", "email": "пошта", "name": "E-mail"});
        })
        .await;
    let login = w.login("anna");
    let records = json!([{"login": login, "Ro\"le": "catman", "пошта": "a@example.com", "E-mail": "Anna", "Username": "no"}]);
    w.import(0)
        .await
        .task(task)
        .records(&records)
        .send()
        .await
        .assert_success(1);
    let user = store.user(&login).await.expect("the user");
    assert_eq!(
        (&user["email"], &user["name"]),
        (&json!("a@example.com"), &json!("Anna"))
    );
}
