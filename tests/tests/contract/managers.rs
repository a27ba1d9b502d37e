//! Managers in an import: by id, by external id, and invalid ones (contract.md#managers).

use muster_tests::World;
use serde_json::{Value, json};

use crate::support::{put_as, put_into, send_to, with_external_id};
use crate::values::full_mapping_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_is_another_user_of_the_tenant() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let with_id = |name: &str| with_external_id(&w, name, &format!("x-{name}"));
    put_into(&w, task, &json!([with_id("boss"), with_id("anna")])).await;
    put_as(&w, 1, &json!([w.record("foreign")])).await;
    let users = store.users().await;
    let number = |name: &str| users[&w.login(name)]["id"].clone();
    let uid = |name: &str| json!(w.login(&format!("x-{name}")));
    for (case, manager_id, manager_uid, warned) in [
        ("an id", number("boss"), Value::Null, false),
        ("a uid", Value::Null, uid("boss"), false),
        ("both of the same user", number("boss"), uid("boss"), false),
        ("a uid without a user", Value::Null, uid("future"), false),
        ("both of different users", number("boss"), uid("anna"), true),
        ("the user itself by id", number("anna"), Value::Null, true),
        ("the user itself by uid", Value::Null, uid("anna"), true),
        (
            "an id of another tenant",
            number("foreign"),
            Value::Null,
            true,
        ),
    ] {
        let mut record = json!({"Username": w.login("anna")});
        for (key, value) in [("Manager ID", &manager_id), ("Manager UID", &manager_uid)] {
            if !value.is_null() {
                record[key] = value.clone();
            }
        }
        let reply = send_to(&w, task, &json!([record])).await;
        assert_eq!(reply.counts(), [1, 0, 0, 0], "{case}: {reply}");
        assert_eq!(!reply.warnings().is_empty(), warned, "{case}: {reply}");
        let user = store.user(&w.login("anna")).await.expect("anna");
        if !warned {
            for (attribute, value) in [("manager_id", &manager_id), ("manager_uid", &manager_uid)] {
                assert!(
                    value.is_null() || user.get(attribute) == Some(value),
                    "{case}: {user:?}"
                );
            }
        }
        // Each case begins without a manager.
        let clear = json!([{"Username": w.login("anna"), "Manager ID": null, "Manager UID": null}]);
        put_into(&w, task, &clear).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_becomes_their_own_manager_by_a_new_external_id() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let mut anna = w.record("anna");
    anna["Manager UID"] = json!(w.login("future"));
    put_into(&w, task, &json!([anna])).await;
    let before = w.store.user(&w.login("anna")).await;

    let adopted = json!([with_external_id(&w, "anna", "future")]);
    let reply = send_to(&w, task, &adopted).await;
    assert_eq!(reply.counts(), [1, 0, 0, 0], "{reply}");
    assert!(
        reply.warnings()[0].ends_with("[external_id.own_manager]"),
        "{reply}"
    );
    let file = adopted.to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Status"], "PARTIAL_SUCCESS", "{status}");
    assert_eq!(w.store.user(&w.login("anna")).await, before);

    // With another manager, or none, the id is taken.
    let mut cleared = with_external_id(&w, "anna", "future");
    cleared["Manager UID"] = Value::Null;
    put_into(&w, task, &json!([cleared])).await;
    let anna = w.store.user(&w.login("anna")).await.expect("anna");
    assert_eq!(anna["external_id"], w.login("future"));
}
