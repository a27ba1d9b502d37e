//! Managers: by id, by external id, and who cannot be one (CONTRACT §2, in Quant as warnings).

use muster_tests::{World, store_or_skip};
use serde_json::{Value, json};

use crate::values::wide_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn managers_are_users_of_the_tenant_and_nobody_is_their_own() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let with_id = |name: &str| {
        let mut record = w.record(name);
        record["External ID"] = json!(w.login(&format!("x-{name}")));
        record
    };
    w.import(0)
        .await
        .task(task)
        .records(&json!([with_id("boss"), with_id("anna")]))
        .send()
        .await
        .assert_success(2);
    w.import(1)
        .await
        .records(&json!([w.record("foreign")]))
        .send()
        .await
        .assert_success(1);
    let users = store.users().await;
    let number = |name: &str| users[&w.login(name)]["id"].clone();
    let uid = |name: &str| json!(w.login(&format!("x-{name}")));
    for (what, manager_id, manager_uid, warned) in [
        ("an id", number("boss"), Value::Null, false),
        ("a uid", Value::Null, uid("boss"), false),
        ("both, agreeing", number("boss"), uid("boss"), false),
        (
            "a uid that nobody has yet",
            Value::Null,
            uid("later"),
            false,
        ),
        ("both, disagreeing", number("boss"), uid("anna"), true),
        ("oneself by id", number("anna"), Value::Null, true),
        ("oneself by uid", Value::Null, uid("anna"), true),
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
        let reply = w
            .import(0)
            .await
            .task(task)
            .debug()
            .records(&json!([record]))
            .send()
            .await;
        assert_eq!(reply.counts(), [1, 0, 0, 0], "{what}: {reply}");
        assert_eq!(!reply.warnings().is_empty(), warned, "{what}: {reply}");
        let user = store.user(&w.login("anna")).await.expect("anna");
        if !warned {
            for (attribute, value) in [("manager_id", &manager_id), ("manager_uid", &manager_uid)] {
                assert!(
                    value.is_null() || user.get(attribute) == Some(value),
                    "{what}: {user:?}"
                );
            }
        }
        // Each case begins without a manager.
        let clear = json!([{"Username": w.login("anna"), "Manager ID": null, "Manager UID": null}]);
        w.import(0)
            .await
            .task(task)
            .records(&clear)
            .send()
            .await
            .assert_success(1);
    }
}
