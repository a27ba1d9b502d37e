//! Lists: arrays, separated strings, and the separator of the task (CONTRACT §0).

use muster_tests::{World, store_or_skip};
use serde_json::json;

use crate::values::{Absent, Bad, Is, check, wide_task};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_as_arrays_or_as_one_separated_string() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let many: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    let too_many: Vec<String> = (0..5_001).map(|n| n.to_string()).collect();
    let mut cases = Vec::new();
    for key in ["Individual Stores", "Tags"] {
        for (value, items) in [
            (json!(["a", "b"]), json!(["a", "b"])),
            (json!([" a ", "", "b c", "  "]), json!(["a", "b c"])),
            (json!(["a,b"]), json!(["a,b"])),
            (json!("a,b"), json!(["a", "b"])),
            (json!(" a , b c ,, ,d;e"), json!(["a", "b c", "d;e"])),
            (json!("one"), json!(["one"])),
            (json!([1, "2"]), json!(["1", "2"])),
        ] {
            cases.push((key, value, Is(items)));
        }
        for bad in [
            json!(true),
            json!({"a": 1}),
            json!([["a"]]),
            json!(["a", true]),
            json!([1.5]),
            json!(["a\u{0}"]),
            json!(1.5),
        ] {
            cases.push((key, bad, Bad));
        }
        for nothing in [json!(""), json!(null), json!([]), json!(",, ,")] {
            cases.push((key, nothing, Absent));
        }
    }
    cases.push(("Tags", json!(many), Is(json!(many))));
    cases.push(("Tags", json!(too_many), Bad));
    check(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_separator_is_the_tasks_own() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    for separator in [";", "|", "\t", "\n"] {
        let task = store
            .task(&w, 0, |task| task["list_item_separator"] = json!(separator))
            .await;
        let mut record = w.record("anna");
        record["Individual Stores"] = json!(format!("a,b{separator} c {separator}{separator}d"));
        let reply = w
            .import(0)
            .await
            .task(task)
            .debug()
            .records(&json!([record]))
            .send()
            .await;
        reply.assert_success(1);
        let user = store.user(&w.login("anna")).await.expect("the user");
        assert_eq!(
            user["individual_stores"],
            json!(["a,b", "c", "d"]),
            "{separator:?}"
        );
        w.put(&json!([{"Username": w.login("anna"), "Individual Stores": ""}]))
            .await;
    }
}
