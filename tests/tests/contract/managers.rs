//! Managers in an import: by id, by external id, and invalid ones (contract.md#managers).

use muster_tests::World;
use serde_json::{Value, json};

use crate::support::{
    assert_partial_success, import_id, put_as, put_into, send_to, with_external_id,
};
use crate::uploads::get;
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
    assert_eq!(reply.counts(), [1, 0, 1, 0], "{reply}");
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

/// Returns a record with an external id and the external id of a manager.
fn managed(w: &World, name: &str, manager: &str) -> Value {
    let mut record = with_external_id(w, name, name);
    record["Manager UID"] = json!(w.login(manager));
    record
}

/// Returns the record, the code and the severity of the items of a run about managers.
async fn manager_items(w: &World, run: &str) -> Vec<(Value, String, String)> {
    let items = get(w, run, "/items?code=manager_uid").await.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = items["items"].as_array().cloned().expect("items");
    let item = |item: &Value| {
        (
            item["record"].clone(),
            text(&item["code"]),
            text(&item["severity"]),
        )
    };
    items.iter().map(item).collect()
}

fn unresolved(record: u64) -> (Value, String, String) {
    let code = "manager_uid.unresolved".to_owned();
    (json!(record), code, "info".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_whom_nobody_is_yet_is_noted_with_the_run_and_the_user() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    put_into(&w, task, &json!([with_external_id(&w, "boss", "boss")])).await;
    let records = json!([
        managed(&w, "anna", "later"), // a later record of the input
        managed(&w, "bert", "boss"),  // a stored user
        managed(&w, "carl", "future"),
        managed(&w, "later", "future"),
        w.record("dora"),
    ]);
    let call = w.import(0).await.task(task).query("dryRun&debug");
    let planned = call.records(&records).send().await;
    let mut notes = planned.json()["Notes"].as_array().cloned().expect("notes");
    notes.retain(|note| {
        note.as_str()
            .is_some_and(|note| note.contains("manager_uid"))
    });
    assert_eq!(notes.len(), 2, "{planned}");
    let text = format!(
        "Record 3 ({}), \"Manager UID\": no user has this external id yet: whoever gets it becomes the \
         manager (\"{}\") [manager_uid.unresolved]",
        w.login("carl"),
        w.login("future")
    );
    assert_eq!(notes[0], text);

    let reply = send_to(&w, task, &records).await;
    reply.assert_success(5);
    let run = import_id(&reply);
    assert_eq!(manager_items(&w, run).await, [unresolved(3), unresolved(4)]);
    // Unchanged users are not looked at again.
    let again = send_to(&w, task, &records).await;
    assert_eq!(manager_items(&w, import_id(&again)).await, []);

    let users = w.store.users().await;
    let id = |name: &str| users[&w.login(name)]["id"].clone();
    let carl = format!("/users/{}", id("carl"));
    let shown = w.get(&carl).await.json();
    assert_eq!(shown["unresolved_manager"], w.login("future"), "{shown}");
    assert_eq!(shown.get("manager"), None, "{shown}");
    put_into(&w, task, &json!([with_external_id(&w, "eve", "future")])).await;
    let shown = w.get(&carl).await.json();
    assert_eq!(shown.get("unresolved_manager"), None, "{shown}");
    assert_eq!(shown["manager"]["login"], w.login("eve"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cycle_of_managers_is_a_warning_that_names_its_records() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let records = json!([
        managed(&w, "top", "anna"),
        managed(&w, "anna", "bert"),
        managed(&w, "bert", "carl"),
        managed(&w, "carl", "anna"),
    ]);
    for query in ["dryRun&debug", "debug"] {
        let call = w.import(0).await.task(task).query(query);
        let reply = call.records(&records).send().await;
        assert_partial_success(&reply, [4, 0, 0, 0]);
        assert_eq!(
            reply.warnings(),
            [format!(
                "Record 2 ({}), \"Manager UID\": these users are managers of each other, in a circle: record 2, \
                 record 3, record 4, record 2 [manager_uid.cycle]",
                w.login("anna")
            )]
        );
    }
    let user = w.store.user(&w.login("carl")).await.expect("carl");
    assert_eq!(user["manager_uid"], w.login("anna"), "it is applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn managers_are_found_over_all_chunks_of_an_upload() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    // The managers of the first chunk are in the second, and one of them is nowhere. Twelve
    // users are managers of each other in turn.
    let mut records: Vec<Value> = (0..2_000)
        .map(|n| managed(&w, &format!("u{n}"), "boss"))
        .collect();
    records[700] = managed(&w, "u700", "nobody");
    records[10] = managed(&w, "u10", "other");
    let circle: Vec<usize> = (0..12).map(|n| 20 + n * 150).collect();
    for (position, record) in circle.iter().enumerate() {
        let manager = circle[(position + 1) % circle.len()];
        records[*record] = managed(&w, &format!("u{record}"), &format!("u{manager}"));
    }
    records.push(with_external_id(&w, "boss", "boss"));
    records.push(managed(&w, "other", "u10"));
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let file = lines.join("\n");
    let body = json!({"format": "ndjson"});
    for query in ["?dryRun", ""] {
        let run = w
            .upload(0, task, query, body.clone(), file.as_bytes())
            .await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(status["Created"], 2_002, "{status}");
        assert_eq!(status["Status"], "PARTIAL_SUCCESS", "{status}");
        let cycle = |record: u64| {
            let code = "manager_uid.cycle".to_owned();
            (json!(record), code, "warning".to_owned())
        };
        assert_eq!(
            manager_items(&w, &run).await,
            [cycle(11), cycle(21), unresolved(701)]
        );
        let items = get(&w, &run, "/items?code=manager_uid.cycle").await.json();
        let message = items["items"][1]["message"].as_str().expect("a sentence");
        let ten = "circle: record 21, record 171, record 321, record 471, record 621, record 771, \
                   record 921, record 1071, record 1221, record 1371, 2 more, record 21";
        assert!(message.contains(ten), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_noted_about_the_manager_of_a_user_of_another_tenant() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    put_as(&w, 1, &json!([w.record("foreign")])).await;
    for manager in ["nobody", "somebody"] {
        let call = w.import(0).await.task(task).query("dryRun&debug");
        let records = json!([managed(&w, "foreign", manager)]);
        let reply = call.records(&records).send().await;
        assert_partial_success(&reply, [1, 0, 1, 0]);
        assert_eq!(reply.warnings().len(), 1, "{reply}");
        assert_eq!(reply.json().get("Notes"), None, "{reply}");
    }
}
