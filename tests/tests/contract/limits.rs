//! Limits of requests, replies and users (contract.md#limits): a value exactly at a limit passes.

use std::io::{Read, Write};

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::support::{assert_partial_success, import_id, send_to};

/// Returns `[]` padded with spaces to this many bytes.
fn padded(bytes: usize) -> Vec<u8> {
    let mut body = vec![b' '; bytes];
    body[0] = b'[';
    body[bytes - 1] = b']';
    body
}

#[track_caller]
fn assert_too_large(reply: &Reply, limit: &str) {
    reply.assert_failure(413);
    assert_eq!(reply.header("import-id"), None, "{reply}");
    let errors = reply.errors().join("\n");
    assert!(
        errors.contains("/uploads"),
        "the upload path is not named: {errors}"
    );
    let digits: String = errors
        .chars()
        .filter(|c| !matches!(c, ',' | ' ' | '\u{a0}'))
        .collect();
    assert!(digits.contains(limit), "the limit is not named: {errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_four_million_bytes_passes_and_one_more_byte_does_not() {
    let w = World::start().await;
    w.import(0)
        .await
        .body(padded(4_000_000))
        .send()
        .await
        .assert_success(0);
    assert_too_large(
        &w.import(0).await.body(padded(4_000_001)).send().await,
        "4000000",
    );
    assert_too_large(
        &w.import(0).await.body(padded(9_000_000)).send().await,
        "4000000",
    );
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_a_content_length_has_the_same_limit() {
    let w = World::start().await;
    let token = w.token(0).await;
    for (bytes, status) in [(4_000_000, "200"), (4_000_001, "413")] {
        let address = w.url.strip_prefix("http://").expect("http");
        // The URL of a deployed API can have a path.
        let (authority, prefix) = address.split_at(address.find('/').unwrap_or(address.len()));
        let authority = authority.to_owned();
        let head = format!(
            "POST {prefix}/v1/import/user-data/{} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            w.tenants[0].task_id
        );
        let response = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(authority).expect("a connection");
            let mut request = head.into_bytes();
            for part in padded(bytes).chunks(65_536) {
                request.extend(format!("{:x}\r\n", part.len()).as_bytes());
                request.extend(part);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\n\r\n");
            // The server may refuse and close the connection before everything is sent.
            stream.write_all(&request).ok();
            let mut response = Vec::new();
            stream.read_to_end(&mut response).ok();
            String::from_utf8_lossy(&response).into_owned()
        })
        .await
        .expect("a response");
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{bytes} bytes: {response}"
        );
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_records_pass_and_one_more_does_not() {
    let w = World::start().await;
    let before = w.directory().await;
    let body = |records: usize| format!("[{}]", vec!["{}"; records].join(","));
    let reply = w.import(0).await.body(body(20_000)).send().await;
    assert_partial_success(&reply, [20_000, 20_000, 0, 0]);
    assert_too_large(&w.import(0).await.body(body(20_001)).send().await, "20000");
    // Elements that are not objects count as records, too.
    assert_too_large(
        &w.import(0)
            .await
            .body(format!("[{}1]", "1,".repeat(20_000)))
            .send()
            .await,
        "20000",
    );
    assert_eq!(w.directory().await, before);
    w.assert_task_is_free(0).await;
}

/// Asserts that the warnings of a reply were cut at the limits, and that the last one names the run
/// and the number of those left out, of at least `min_total` in all.
#[track_caller]
fn assert_truncated(reply: &Reply, min_total: u64) {
    let warnings = reply.warnings();
    let (last, shown) = warnings.split_last().expect("warnings");
    assert!(shown.len() <= 10_000, "{} warnings", shown.len());
    let bytes: usize = shown.iter().map(String::len).sum();
    assert!(bytes <= 4_000_000, "{bytes} bytes of warnings");
    assert!(
        last.contains(import_id(reply)),
        "the run is not named: {last}"
    );
    let more: u64 = last
        .replace(',', "")
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .find(|more| shown.len() as u64 + more >= min_total)
        .unwrap_or_else(|| {
            panic!(
                "the number of further warnings is missing: {last} (after {})",
                shown.len()
            )
        });
    assert!(
        shown.len() as u64 + more < min_total * 3,
        "{more} further warnings are too many: {last}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_shows_ten_thousand_warnings_and_counts_the_rest() {
    let w = World::start().await;
    let few = w
        .import(0)
        .await
        .debug()
        .body(format!("[{}]", vec!["{}"; 10_000].join(",")))
        .send()
        .await;
    assert_eq!(few.warnings().len(), 10_000, "10,000 are shown in full");
    assert!(
        few.warnings()[9_999].starts_with("Record 10000"),
        "{}",
        few.warnings()[9_999]
    );
    let many = w
        .import(0)
        .await
        .debug()
        .body(format!("[{}]", vec!["{}"; 12_345].join(",")))
        .send()
        .await;
    assert_eq!(many.counts(), [12_345, 12_345, 0, 0]);
    assert_eq!(many.warnings().len(), 10_001);
    assert!(
        many.warnings()[10_000].replace(',', "").contains("2345"),
        "{}",
        many.warnings()[10_000]
    );
    assert_truncated(&many, 12_345);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_shows_at_most_four_million_bytes_of_warnings() {
    let w = World::start().await;
    let store = &w.store;
    // A warning names the missing key: long keys make long warnings.
    let (role, email) = ("役".repeat(250), "邮".repeat(250));
    let task = store
        .task(&w, 0, |task| {
            task["attribute_mapping"] = json!({"username": "u", "role": role, "email": email})
        })
        .await;
    let records: Vec<Value> = (0..6_000)
        .map(|n| json!({"u": w.login(&format!("{}{n}", "n".repeat(100)))}))
        .collect();
    let reply = send_to(&w, task, &json!(records)).await;
    assert_eq!(reply.counts(), [6_000, 0, 6_000, 0]);
    assert!(
        reply.warnings().len() < 6_000,
        "{} warnings",
        reply.warnings().len()
    );
    assert_truncated(&reply, 6_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_within_the_limit_in_an_unmapped_key_is_accepted() {
    let w = World::start().await;
    let record = w.record("anna").to_string();
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let body = format!("[{},\"Deep\":{deep}}}]", &record[..record.len() - 1]);
    w.import(0)
        .await
        .debug()
        .body(body)
        .send()
        .await
        .assert_success(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_too_large_to_store_costs_only_its_own_record() {
    let w = World::start().await;
    let mut large = w.record("large");
    // Every item is within its limit; together they are 300 KB.
    large["Individual Stores"] = (0..300)
        .map(|n| json!(format!("{n}{}", "x".repeat(1_000))))
        .collect();
    let reply = w
        .send(&json!([w.record("before"), large, w.record("after")]))
        .await;
    let (_, status, [total, empty, _, duplicated]) = reply.outcome();
    assert_eq!(
        (status.as_str(), total, empty, duplicated),
        ("PARTIAL_SUCCESS", 3, 0, 0),
        "{reply}"
    );
    assert!(
        reply.warnings()[0].starts_with(&format!("Record 2 ({})", w.login("large"))),
        "{reply}"
    );
    let store = &w.store;
    let users = store.users().await;
    assert!(users.contains_key(&w.login("before")) && users.contains_key(&w.login("after")));
    let stored = users
        .get(&w.login("large"))
        .map_or(0, |user| json!(user).to_string().len());
    assert!(stored < 256 * 1_024, "{stored} bytes are stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_info_has_its_own_limit() {
    let w = World::start().await;
    let store = &w.store;
    let task = crate::values::full_mapping_task(&w, store).await;
    // {"a":"aaa…"} in Base64; "YWFh" encodes "aaa".
    let info = |groups: usize| format!("eyJhIjoi{}In0=", "YWFh".repeat(groups));
    let mut records = [w.record("fits"), w.record("over")];
    records[0]["Custom Info"] = json!(info(5_000));
    records[1]["Custom Info"] = json!(info(12_000));
    let reply = send_to(&w, task, &json!(records)).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    assert_eq!(reply.warnings().len(), 1, "{reply}");
    assert_eq!(
        store.user(&w.login("fits")).await.expect("fits")["custom_info"],
        info(5_000)
    );
    assert_eq!(
        store
            .user(&w.login("over"))
            .await
            .expect("over")
            .get("custom_info"),
        None
    );
}
