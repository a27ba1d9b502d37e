//! A record that is longer than a record may be costs no other record (contract.md#uploads).

use muster_tests::World;
use serde_json::{Value, json};

use super::{assert_failed, counters, get, rejected};

const LIMIT: usize = 8_000_000;

/// Returns a record of this many bytes, with its size between its other keys.
fn long(w: &World, name: &str, bytes: usize) -> String {
    let mut record = w.record(name);
    record["Photo"] = json!("");
    let padding = bytes - record.to_string().len();
    record["Photo"] = json!("x".repeat(padding));
    record.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_too_large_is_rejected_with_what_can_be_kept() {
    let w = World::start().await;
    let task = w.tenants[0].task_id;
    let records = [
        w.record("first").to_string(),
        long(&w, "fits", LIMIT),
        long(&w, "long", LIMIT + 1),
        w.record("between").to_string(),
        format!("\"{}\"", "x".repeat(LIMIT)),
        // A name that only a record that is too large had is not used.
        w.record("long").to_string(),
    ];
    for (format, separator, around) in [("json", ",\n", ["[", "]"]), ("ndjson", "\n", ["", ""])] {
        let file = format!("{}{}{}", around[0], records.join(separator), around[1]);
        let announced = json!({"format": format});
        let run = w
            .upload(0, task, "dryRun", announced, file.as_bytes())
            .await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(counters(&status), [6, 0, 2, 0, 4, 0, 0], "{status}");
        let items = get(&w, &run, "/items?code=record.too_large").await.json();
        let items = items["items"].as_array().expect("items").clone();
        let found: Vec<_> = items
            .iter()
            .map(|item| (item["record"].clone(), item["login"].clone()))
            .collect();
        assert_eq!(
            found,
            [(json!(3), json!(w.login("long"))), (json!(5), Value::Null)]
        );
        let rejected = rejected(&w, &run).await;
        let mut kept = w.record("long");
        kept["_errors"] = rejected[0]["_errors"].clone();
        assert_eq!(rejected[0], kept);
        let error = rejected[0]["_errors"][0].as_str().expect("an error");
        assert!(error.contains("8,000,000 bytes"), "{error}");
        let keys: Vec<_> = rejected[1].as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["_errors"]);
        assert_eq!(rejected.len(), 2);
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error_within_a_record_that_is_too_large_fails_the_file() {
    let w = World::start().await;
    let before = w.directory().await;
    let task = w.tenants[0].task_id;
    let long = long(&w, "long", LIMIT + 1);
    let broken = format!("{},\"b\" 1}}", &long[..long.len() - 1]);
    let file = format!("[{},\n{broken},\n{}]", w.record("a"), w.record("b"));
    let at = file.find("\"b\" 1").expect("the error") + 5;
    let run = w.upload(0, task, "", json!({}), file.as_bytes()).await;
    let place = format!("at byte {at}, line 2, record 2;");
    assert_failed(
        &w.wait_until_ended(0, &run).await,
        &["expected `:`", &place],
    );
    assert!(w.directory().await == before);
}
