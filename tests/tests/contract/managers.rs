//! Managers in an import: by id, by external id, and invalid ones (contract.md#logins-and-values).

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
