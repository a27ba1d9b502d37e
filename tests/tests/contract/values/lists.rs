//! List values: arrays, separated strings, and the separator of the task
//! (contract.md#logins-and-values).

use muster_tests::World;
use serde_json::json;

use super::{Absent, Invalid, Stored, full_mapping_task, verify_values};
use crate::support::send_to;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_an_array_or_one_separated_string() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
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
            (json!(17), json!(["17"])),
            (json!(17.0), json!(["17"])),
            (json!([17.0, "17", 1.7e1]), json!(["17"])),
            (json!(u64::MAX), json!(["18446744073709551615"])),
            (json!("b,a,b, a"), json!(["b", "a"])),
            (json!(["b", " a", "b ", 1, "1"]), json!(["b", "a", "1"])),
        ] {
            cases.push((key, value, Stored(items)));
        }
        for invalid in [
            json!(true),
            json!({"a": 1}),
            json!([["a"]]),
            json!(["a", true]),
            json!([1.5]),
            json!(["a\u{0}"]),
            json!(1.5),
        ] {
            cases.push((key, invalid, Invalid));
        }
        for empty in [json!(""), json!(null), json!([]), json!(",, ,")] {
            cases.push((key, empty, Absent));
        }
    }
    cases.push(("Tags", json!(many), Stored(json!(many))));
    cases.push(("Tags", json!(too_many), Invalid));
    // Repeated items do not count.
    let twice = [&many[..], &many[..]].concat();
    cases.push(("Tags", json!(twice), Stored(json!(many))));
    verify_values(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_defines_the_separator() {
    let w = World::start().await;
    let store = &w.store;
    for separator in [";", "|", "\t", "\n"] {
        let task = store
            .task(&w, 0, |task| task["list_item_separator"] = json!(separator))
            .await;
        let mut record = w.record("anna");
        record["Individual Stores"] = json!(format!("a,b{separator} c {separator}{separator}d"));
        let reply = send_to(&w, task, &json!([record])).await;
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
