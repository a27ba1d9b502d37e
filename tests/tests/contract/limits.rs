//! The limits of a request, of a reply and of a user: what is exactly at a limit passes.

use std::io::{Read, Write};

use muster_tests::{Reply, World, store_or_skip};
use serde_json::{Value, json};

/// `[]` and spaces, so many bytes in all.
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
async fn four_million_bytes_pass_and_one_more_does_not() {
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
async fn a_body_of_unannounced_length_has_the_same_limit() {
    let w = World::start().await;
    let token = w.token(0).await;
    for (bytes, status) in [(4_000_000, "200"), (4_000_001, "413")] {
        let rest = w.url.strip_prefix("http://").expect("http");
        // A deployed API can be below a path.
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.to_owned();
        let head = format!(
            "POST {prefix}/v1/import/user-data/{} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            w.tenants[0].task_id
        );
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(authority).expect("a connection");
            let mut request = head.into_bytes();
            for part in padded(bytes).chunks(65_536) {
                request.extend(format!("{:x}\r\n", part.len()).as_bytes());
                request.extend(part);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\n\r\n");
            // A refusal may come, and the connection close, before all is sent.
            stream.write_all(&request).ok();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).ok();
            String::from_utf8_lossy(&answer).into_owned()
        })
        .await
        .expect("an answer");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{bytes} bytes: {answer}"
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
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [20_000, 20_000, 0, 0]),
        "{reply}"
    );
    assert_too_large(&w.import(0).await.body(body(20_001)).send().await, "20000");
    // What is not an object is a record, too.
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

/// Warnings there were in all, by the last string's own figure.
#[track_caller]
fn assert_cut(reply: &Reply, least: u64) {
    let warnings = reply.warnings();
    let (last, shown) = warnings.split_last().expect("warnings");
    assert!(shown.len() <= 10_000, "{} warnings", shown.len());
    let bytes: usize = shown.iter().map(String::len).sum();
    assert!(bytes <= 4_000_000, "{bytes} bytes of warnings");
    assert!(
        last.contains(reply.header("import-id").expect("Import-Id")),
        "the run is not named: {last}"
    );
    let more: u64 = last
        .replace(',', "")
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .find(|more| shown.len() as u64 + more >= least)
        .unwrap_or_else(|| {
            panic!(
                "how many more there are is not said: {last} (after {})",
                shown.len()
            )
        });
    assert!(
        shown.len() as u64 + more < least * 3,
        "{more} more are too many: {last}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_many_warnings_the_reply_holds_ten_thousand_and_counts_the_rest() {
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
    assert_cut(&many, 12_345);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_of_more_than_four_million_bytes_are_cut_as_well() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    // Warnings name the key of what is missing: long keys make long warnings.
    let (role, email) = ("役".repeat(250), "邮".repeat(250));
    let task = store
        .task(&w, 0, |task| {
            task["attribute_mapping"] = json!({"username": "u", "role": role, "email": email})
        })
        .await;
    let records: Vec<Value> = (0..6_000)
        .map(|n| json!({"u": w.login(&format!("{}{n}", "n".repeat(100)))}))
        .collect();
    let reply = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&json!(records))
        .send()
        .await;
    assert_eq!(reply.counts(), [6_000, 0, 6_000, 0]);
    assert!(
        reply.warnings().len() < 6_000,
        "{} warnings",
        reply.warnings().len()
    );
    assert_cut(&reply, 6_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_within_the_limit_in_an_unmapped_key_is_harmless() {
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
async fn a_user_too_large_to_store_costs_one_record_at_most() {
    let w = World::start().await;
    let mut large = w.record("large");
    // Every item is in bounds, together they are 300 KB.
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
    let store = store_or_skip!(w);
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
    let store = store_or_skip!(w);
    let task = crate::values::wide_task(&w, store).await;
    // {"a":"aaa…"} in base64: groups of three bytes that are known by heart.
    let info = |groups: usize| format!("eyJhIjoi{}In0=", "YWFh".repeat(groups));
    let mut records = [w.record("fits"), w.record("over")];
    records[0]["Custom Info"] = json!(info(5_000));
    records[1]["Custom Info"] = json!(info(12_000));
    let reply = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&json!(records))
        .send()
        .await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [2, 0, 0, 0]),
        "{reply}"
    );
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
