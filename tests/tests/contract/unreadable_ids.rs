//! External ids that cannot be read: nobody knows whom the record is about (contract.md#external-ids).

use muster_tests::World;
use serde_json::{Value, json};

use crate::external_ids::{external_id, with_code};
use crate::support::{
    applying_task, assert_partial_success, put_as, put_into, send_to, with_external_id,
};
use crate::values::full_mapping_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_that_cannot_be_read_lets_nobody_in() {
    let w = World::start().await;
    let new = full_mapping_task(&w, &w.store).await;
    let applying = applying_task(&w).await;
    let mut leaver = with_external_id(&w, "smith", "L1");
    leaver["Active"] = json!(false);
    put_into(&w, new, &json!([leaver, w.record("without")])).await;
    let before = w.directory().await;
    let unreadable = [
        json!("N1\u{200b}"),
        json!({}),
        json!(1.5),
        json!(true),
        json!(["N1"]),
        json!("N\t1"),
        json!("N".repeat(1_025)),
    ];
    for id in unreadable {
        let record = |name: &str| {
            let mut record = w.record(name);
            record["External ID"] = id.clone();
            record["Active"] = json!(true);
            record["Name"] = json!("Somebody Else");
            record
        };
        let file: Value = ["smith", "without", "nobody"]
            .map(record)
            .into_iter()
            .collect();
        let reply = send_to(&w, new, &file).await;
        assert_partial_success(&reply, [3, 0, 3, 0]);
        assert_eq!(reply.warnings().len(), 3, "{reply}");
        let planned = w.import(0).await.task(new).query("dryRun");
        let planned = planned.records(&file).send().await;
        assert_partial_success(&planned, [3, 0, 3, 0]);
        assert!(w.directory().await == before, "{id}: a user was written");
    }
    // Of another tenant's user nothing is told.
    put_as(&w, 1, &json!([w.record("theirs")])).await;
    let mut theirs = w.record("theirs");
    theirs["External ID"] = json!(true);
    let reply = send_to(&w, new, &json!([theirs])).await;
    assert_eq!(with_code(&reply, "username.taken").len(), 1, "{reply}");
    let before = w.directory().await;
    let file = json!([{"Username": w.login("smith"), "External ID": "N\t1", "Name": "New"}]);
    let run = w
        .upload(0, new, "", json!({}), file.to_string().as_bytes())
        .await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Ignored Users"], 1, "{status}");
    assert!(w.directory().await == before, "a user was written");
    // A task that applies such records leaves the stored id.
    let reply = send_to(&w, applying, &file).await;
    assert_partial_success(&reply, [1, 0, 0, 0]);
    assert_eq!(external_id(&w, "smith").await, Some(w.login("L1").into()));
}
