//! Uploaded files of several chunks, from the announcement to the end of the run: all counters, all
//! rejected records, and the stored users.

mod effects;
mod formats;
mod long_records;

use muster_tests::World;
use muster_tests::generate::GeneratedImport;
use serde_json::{Value, json};

use super::{PART_BYTES, get};
use crate::support::import_foreign_users;

/// Slightly more records than fit into one chunk.
const TWO_CHUNKS_RECORDS: usize = 2_100;

/// Returns complete records of new logins.
fn new_records(w: &World, from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|n| w.record(&format!("u{n}"))).collect()
}

/// Returns the counters of a run: total, empty, ignored, duplicated; created, updated, unchanged.
#[track_caller]
fn counters(status: &Value) -> [u64; 7] {
    [
        "Total Lines",
        "Empty IDs",
        "Ignored Users",
        "Duplicated Users",
        "Created",
        "Updated",
        "Unchanged",
    ]
    .map(|key| {
        let counter = status[key].as_u64();
        counter.unwrap_or_else(|| panic!("{key}: {status}"))
    })
}

/// Asserts that a run failed as a whole, with an error that contains all of these texts.
#[track_caller]
pub fn assert_failed(status: &Value, texts: &[&str]) {
    assert_eq!(
        (&status["state"], &status["Status"]),
        (&json!("finished"), &json!("FAILURE")),
        "{status}"
    );
    let error = status["Errors"][0].as_str().expect("a reason");
    for text in texts.iter().chain(&["nothing was imported"]) {
        assert!(error.contains(text), "{text:?}: {error}");
    }
}

/// Returns all rejected records of a run.
async fn rejected(w: &World, run: &str) -> Vec<Value> {
    let mut records = Vec::new();
    let mut path = "/rejected".to_owned();
    loop {
        let page = get(w, run, &path).await;
        assert_eq!(page.status, 200, "{page}");
        let lines = page.text().lines();
        records.extend(lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
        let Some(link) = page.header("link") else {
            return records;
        };
        let from = link.find("/rejected").expect("a link");
        let to = link.find('>').expect("a link");
        path = link[from..to].to_owned();
    }
}

/// Counts the items about records of a run and asserts that all are in the order of their records.
async fn item_count(w: &World, run: &str) -> u64 {
    let (mut count, mut record) = (0, 0);
    let mut path = "/items?limit=1000".to_owned();
    // The operators' API reads the items from the bucket with its own code.
    let logged = w.get(&format!("/runs/{run}{path}")).await;
    assert_eq!(logged.text(), get(w, run, &path).await.text());
    loop {
        let page = get(w, run, &path).await;
        assert_eq!(page.status, 200, "{page}");
        let page = page.json();
        for item in page["items"].as_array().expect("items") {
            // Notes on the whole file come first.
            let next = item["record"].as_u64().unwrap_or(0);
            assert!(next >= record, "{item} after {record}");
            (count, record) = (count + u64::from(next > 0), next);
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/items?limit=1000&from={next}"),
            None => return count,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_several_chunks_and_parts_is_imported_and_again_without_changes() {
    let w = World::start().await;
    let foreign = import_foreign_users(&w, 100).await;
    let generated = GeneratedImport::new(6_000, &w.tag, &foreign, 7);
    let mut file = generated.body();
    file.splice(1..1, vec![b' '; PART_BYTES]);

    let mut before = w.directory().await;
    for repeated in [false, true] {
        let task = w.tenants[0].task_id;
        let run = w.upload(0, task, "", json!({}), &file).await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(status["Status"], generated.status(), "{status}");
        let users = generated.created.len() as u64;
        let written = if repeated {
            [0, 0, users]
        } else {
            [users, 0, 0]
        };
        let expected: Vec<u64> = generated.counts().into_iter().chain(written).collect();
        assert_eq!(counters(&status), expected[..], "{status}");
        let progress = &status["progress"];
        assert_eq!(progress["bytes"], file.len(), "{progress}");
        assert_eq!(progress["records"], 6_000, "{progress}");
        assert_eq!(progress["chunks"], progress["chunks_total"], "{progress}");
        assert!(progress["chunks"].as_u64() >= Some(3), "{progress}");

        assert!(item_count(&w, &run).await >= generated.warnings());
        let rejected = rejected(&w, &run).await;
        let not_applied = generated.empty + generated.ignored + generated.duplicated;
        assert_eq!(rejected.len() as u64, not_applied);
        for record in &rejected {
            let errors = record["_errors"].as_array().expect("errors");
            assert!(!errors.is_empty(), "{record}");
        }
        let directory = w.directory().await;
        assert!(
            !repeated || directory == before,
            "the second import wrote something"
        );
        before = directory;
    }
    let store = &w.store;
    let users = store.users().await.into_keys();
    let ours = format!(".{}", w.tag);
    let mut found: Vec<String> = users
        .filter(|login| login.starts_with('u') && login.ends_with(&ours))
        .collect();
    let mut created = generated.created;
    found.sort();
    created.sort();
    assert!(found == created, "the stored users differ");
}
