//! Files of several chunks from their announcement to their end: every figure, every record that
//! was not taken, and what is stored.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use muster_tests::generate::Reckoning;
use muster_tests::{World, store_or_skip};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{PART, get};
use crate::single_users::rows::dangling;
use crate::values::wide_task;

/// A few more than fit into a chunk.
const TWO_CHUNKS: usize = 2_100;

fn lines(records: &[Value]) -> Vec<u8> {
    let lines = records.iter().map(|record| format!("{record}\n"));
    lines.collect::<String>().into_bytes()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("vectors grow");
    packer.finish().expect("vectors grow")
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn complete(w: &World, from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|n| w.record(&format!("u{n}"))).collect()
}

/// What a run says of its records: total, empty, ignored, duplicated; created, updated, unchanged.
#[track_caller]
fn figures(standing: &Value) -> [u64; 7] {
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
        let figure = standing[key].as_u64();
        figure.unwrap_or_else(|| panic!("{key}: {standing}"))
    })
}

/// Asserts that a run failed as a whole, for a reason that says all of this.
#[track_caller]
fn assert_failed(standing: &Value, says: &[&str]) {
    assert_eq!(
        (&standing["state"], &standing["Status"]),
        (&json!("finished"), &json!("FAILURE")),
        "{standing}"
    );
    let error = standing["Errors"][0].as_str().expect("a reason");
    for words in says.iter().chain(&["nothing was imported"]) {
        assert!(error.contains(words), "{words:?}: {error}");
    }
}

/// All records that a run did not take.
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

/// How many items a run has, which come in the order of their records.
async fn items(w: &World, run: &str) -> u64 {
    let (mut count, mut record) = (0, 0);
    let mut path = "/items?limit=1000".to_owned();
    // The operator's API has a way of its own to the bucket.
    let logged = w.get(&format!("/runs/{run}{path}")).await;
    assert_eq!(logged.text(), get(w, run, &path).await.text());
    loop {
        let page = get(w, run, &path).await;
        assert_eq!(page.status, 200, "{page}");
        let page = page.json();
        for item in page["items"].as_array().expect("items") {
            let next = item["record"].as_u64().expect("a record");
            assert!(next >= record, "{item} behind {record}");
            (count, record) = (count + 1, next);
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/items?limit=1000&from={next}"),
            None => return count,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_several_chunks_and_parts_is_imported_and_a_second_time_changes_nothing() {
    let w = World::start().await;
    let foreign: Vec<String> = (0..100).map(|n| w.login(&format!("theirs{n}"))).collect();
    let theirs: Vec<Value> = (0..100).map(|n| w.record(&format!("theirs{n}"))).collect();
    let import = w.import(1).await.records(&json!(theirs));
    import.send().await.assert_success(100);
    let made = Reckoning::new(6_000, &w.tag, &foreign, 7);
    let mut file = made.body();
    file.splice(1..1, vec![b' '; PART]);

    let mut before = None;
    for again in [false, true] {
        let task = w.tenants[0].task_id;
        let run = w.upload(0, task, "", json!({}), &file).await;
        let standing = w.ended(0, &run).await;
        assert_eq!(standing["Status"], made.status(), "{standing}");
        let users = made.created.len() as u64;
        let done = if again { [0, 0, users] } else { [users, 0, 0] };
        let expected: Vec<u64> = made.counts().into_iter().chain(done).collect();
        assert_eq!(figures(&standing), expected[..], "{standing}");
        let progress = &standing["progress"];
        assert_eq!(progress["bytes"], file.len(), "{progress}");
        assert_eq!(progress["records"], 6_000, "{progress}");
        assert_eq!(progress["chunks"], progress["chunks_total"], "{progress}");
        assert!(progress["chunks"].as_u64() >= Some(3), "{progress}");

        assert!(items(&w, &run).await >= made.warnings());
        let rejected = rejected(&w, &run).await;
        let lost = made.empty + made.ignored + made.duplicated;
        assert_eq!(rejected.len() as u64, lost);
        for record in &rejected {
            let errors = record["_errors"].as_array().expect("why it was not taken");
            assert!(!errors.is_empty(), "{record}");
        }
        let directory = w.directory().await;
        assert!(!again || directory == before, "something was written again");
        before = directory;
    }
    let Some(store) = &w.store else { return };
    let users = store.users().await.into_keys();
    let ours = format!(".{}", w.tag);
    let mut found: Vec<String> = users
        .filter(|login| login.starts_with('u') && login.ends_with(&ours))
        .collect();
    let mut created = made.created;
    found.sort();
    created.sort();
    assert!(found == created, "not the users that should be there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_lines_are_imported_if_they_are_those_that_were_announced() {
    let w = World::start().await;
    let file = packed(&lines(&complete(&w, 0, TWO_CHUNKS)));
    let task = w.tenants[0].task_id;
    let said = |sum: String| json!({"format": "ndjson", "compression": "gzip", "sha256": sum});
    let run = w
        .upload(0, task, "", said(sha256(b"another file")), &file)
        .await;
    assert_failed(&w.ended(0, &run).await, &["SHA-256"]);

    let run = w.upload(0, task, "", said(sha256(&file)), &file).await;
    let standing = w.ended(0, &run).await;
    assert_eq!(standing["Status"], "SUCCESS", "{standing}");
    let total = TWO_CHUNKS as u64;
    assert_eq!(figures(&standing), [total, 0, 0, 0, total, 0, 0]);
    assert_eq!(standing["progress"]["chunks"], 2);

    let cut = &file[..file.len() - 100];
    let said = json!({"format": "ndjson", "compression": "gzip"});
    let run = w.upload(0, task, "", said, cut).await;
    assert_failed(&w.ended(0, &run).await, &["cannot be unpacked"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_unpacks_to_more_than_there_may_be_is_refused() {
    const MOST: usize = 300_000;
    let Some(w) = World::with_most_expanded(MOST as u64).await else {
        return;
    };
    let task = w.tenants[0].task_id;
    let said = json!({"format": "ndjson", "compression": "gzip"});
    let mut lines = lines(&complete(&w, 0, 100));
    lines.resize(MOST, b' ');
    let full = packed(&lines);
    let run = w.upload(0, task, "", said.clone(), &full).await;
    let standing = w.ended(0, &run).await;
    assert_eq!(figures(&standing)[4], 100, "{standing}");

    let before = w.directory().await;
    // Hundreds of times as large as what is sent.
    lines.resize(100 * MOST, b' ');
    let bomb = packed(&lines);
    assert!(bomb.len() < MOST, "{}", bomb.len());
    let run = w.upload(0, task, "", said, &bomb).await;
    assert_failed(
        &w.ended(0, &run).await,
        &["unpacked it has more than 300000 bytes"],
    );
    assert!(w.directory().await == before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_deep_in_a_file_is_named_and_nothing_of_it_is_imported() {
    let w = World::start().await;
    let before = w.directory().await;
    // It is sent in parts of 8 MiB, and read in pieces of 4: the place is counted over all of them.
    let padding = "x".repeat(5_000);
    let good = |mut records: Vec<Value>| {
        for record in &mut records {
            record["Padding"] = json!(padding);
        }
        let lines = records.iter().map(|record| format!("{record},\n"));
        lines.collect::<String>()
    };
    let head = good(complete(&w, 0, 2_500));
    let tail = good(complete(&w, 2_500, 3_000));
    assert!(head.len() > PART, "{}", head.len());
    let broken = r#"{"Username" "x"}"#;
    let array = format!("[\n{head}{broken},\n{tail}7]");
    let lines = format!("{head}{broken}\n{tail}").replace("},\n", "}\n");
    let task = w.tenants[0].task_id;
    for (format, file) in [("json", array), ("ndjson", lines)] {
        // From 1, as editors count; it is the colon that is missing.
        let at = file.find(broken).unwrap() + broken.find(" \"").unwrap() + 1;
        let line = 1 + file[..at].matches('\n').count();
        let place = format!("at byte {}, line {line}, record 2501;", at + 1);
        let plain = file.into_bytes();
        for (compression, file) in [("gzip", packed(&plain)), ("none", plain)] {
            let said = json!({"format": format, "compression": compression});
            let run = w.upload(0, task, "", said, &file).await;
            let standing = w.ended(0, &run).await;
            assert_failed(&standing, &["the file cannot be read", &place]);
            assert_eq!(standing.get("Total Lines"), None, "{standing}");
        }
    }
    assert!(w.directory().await == before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_of_a_file_says_what_the_import_will_do() {
    let w = World::start().await;
    let task = w.tenants[0].task_id;
    let mut records = complete(&w, 0, TWO_CHUNKS);
    let import = w.import(0).await.records(&json!(records[..40]));
    import.send().await.assert_success(40);
    for record in &mut records[..10] {
        record["Name"] = json!("Another");
    }
    records.push(json!({"Username": w.login("new")}));
    let file = json!(records).to_string().into_bytes();
    let total = TWO_CHUNKS as u64 + 1;
    let expected = [total, 0, 1, 0, total - 41, 10, 30];

    let before = w.directory().await;
    let run = w.upload(0, task, "dryRun", json!({}), &file).await;
    let standing = w.ended(0, &run).await;
    assert_eq!(
        (&standing["Dry Run"], &standing["Status"]),
        (&json!(true), &json!("PARTIAL_SUCCESS")),
        "{standing}"
    );
    assert_eq!(figures(&standing), expected);
    assert!(w.directory().await == before, "a dry run wrote something");
    let planned = (items(&w, &run).await, rejected(&w, &run).await);

    let run = w.upload(0, task, "", json!({}), &file).await;
    let standing = w.ended(0, &run).await;
    assert_eq!(standing.get("Dry Run"), None, "{standing}");
    assert_eq!(figures(&standing), expected);
    assert!(planned == (items(&w, &run).await, rejected(&w, &run).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_threshold_is_judged_on_the_whole_file_before_anything_is_written() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store
        .task(&w, 0, |task| {
            task["safety_threshold"] = json!({"records": 2})
        })
        .await;
    // In either chunk.
    let mut records = complete(&w, 0, TWO_CHUNKS);
    for place in [0, 1, TWO_CHUNKS - 1] {
        records[place]["Role"] = json!("king");
    }
    let total = TWO_CHUNKS as u64;
    let before = w.directory().await;
    let file = json!(records).to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let standing = w.ended(0, &run).await;
    let said = format!("3 of {total} users would be ignored, the task allows 2");
    assert_failed(&standing, &[&said]);
    assert_eq!(figures(&standing), [total, 0, 3, 0, 0, 0, 0]);
    assert!(w.directory().await == before, "something was written");

    records[1] = w.record("u1");
    let file = json!(records).to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let standing = w.ended(0, &run).await;
    assert_eq!(figures(&standing), [total, 0, 2, 0, total - 2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn external_ids_and_managers_of_a_file_are_those_of_the_directory() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let import = async |records: Value| {
        let file = records.to_string().into_bytes();
        let run = w.upload(0, task, "", json!({}), &file).await;
        w.ended(0, &run).await
    };
    let with = |name: &str, key: &str, value: Value| {
        let mut record = w.record(name);
        record[key] = value;
        record
    };
    let (one, two) = (w.login("one"), w.login("two"));
    let standing = import(json!([
        with("boss", "External ID", json!(one)),
        with("anna", "External ID", json!(two)),
    ]))
    .await;
    assert_eq!(figures(&standing), [2, 0, 0, 0, 2, 0, 0]);
    let users = store.users().await;
    let boss = users[&w.login("boss")]["id"].clone();
    let standing = import(json!([
        with("anna", "External ID", json!(one)),
        with("ben", "Manager ID", boss.clone()),
        with("cleo", "Manager ID", json!(999_999_999)),
    ]))
    .await;
    assert_eq!(figures(&standing), [3, 0, 0, 0, 2, 0, 1], "{standing}");
    assert_eq!(standing["Status"], "PARTIAL_SUCCESS", "{standing}");
    let users = store.users().await;
    assert_eq!(users[&w.login("anna")]["external_id"], two);
    assert_eq!(users[&w.login("ben")]["manager_id"], boss);
    assert_eq!(users[&w.login("cleo")].get("manager_id"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tenants_who_send_the_same_new_users_at_once_each_user_goes_to_one() {
    const USERS: usize = 600;
    let w = World::start().await;
    let mut records = complete(&w, 0, USERS);
    for record in &mut records {
        record["External ID"] = record["Username"].clone();
    }
    let file = json!(records).to_string().into_bytes();
    let import = async |tenant: usize| {
        let task = w.tenants[tenant].task_id;
        let run = w.upload(tenant, task, "", json!({}), &file).await;
        figures(&w.ended(tenant, &run).await)
    };
    let (one, two) = tokio::join!(import(0), import(1));
    let total = USERS as u64;
    for [all, empty, ignored, duplicated, created, updated, unchanged] in [one, two] {
        assert_eq!([all, empty, duplicated], [total, 0, 0]);
        assert_eq!([created + ignored, updated, unchanged], [total, 0, 0]);
    }
    assert_eq!(one[4] + two[4], total, "{one:?} {two:?}");
    if let Some(rows) = w.directory().await {
        assert!(dangling(&rows).is_empty(), "claims of nobody");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_login_that_is_taken_is_not_said() {
    let w = World::start().await;
    let theirs = json!(complete(&w, 0, 3));
    let theirs = w.import(1).await.records(&theirs);
    theirs.send().await.assert_success(3);
    let file = json!(complete(&w, 1, 5)).to_string().into_bytes();
    let run = w
        .upload(0, w.tenants[0].task_id, "", json!({}), &file)
        .await;
    let standing = w.ended(0, &run).await;
    assert_eq!(figures(&standing), [4, 0, 2, 0, 2, 0, 0], "{standing}");
    let taken = get(&w, &run, "/items?code=username.taken").await;
    let records = taken.json();
    let records = records["items"].as_array().expect("items").iter();
    let records: Vec<_> = records.map(|item| item["record"].clone()).collect();
    assert_eq!(records, [1, 2], "{taken}");
    let rejected = json!(rejected(&w, &run).await);
    let other = &w.tenants[1];
    for told in [taken.text(), &rejected.to_string(), &standing.to_string()] {
        assert!(!told.contains(&other.name), "{told}");
        assert!(!told.contains(&other.robot.username), "{told}");
    }
}
