//! Uploads: marks in every record, in the requests that create uploads, and in requests about runs.
//! The work is done by functions with queues, which have logs of their own.

use muster_tests::World;
use muster_tests::uploads::id;
use reqwest::Method;
use serde_json::{Value, json};

use crate::marks::Marks;
use crate::singles;

/// Returns records of one user who is imported, and of some who are rejected. Each member is marked in
/// at least one of them.
fn records(marks: &mut Marks, login: &str, foreign: &str) -> Vec<Value> {
    let mut address = || format!("{}@example.com", marks.mark("email"));
    let (right, taken) = (address(), address());
    vec![
        json!({"Username": login, "Name": marks.mark("name"), "Role": "catman", "E-mail": right,
               "External ID": marks.mark("uid"), "Individual Stores": [marks.mark("store")]}),
        json!({"Username": login, "Name": marks.mark("name"), "Role": "catman", "E-mail": right}),
        json!({"Username": foreign, "Name": marks.mark("name"), "Role": "catman", "E-mail": taken}),
        json!({"Username": marks.mark("login"), "Role": marks.mark("role"), "E-mail": marks.mark("email")}),
        json!({"Username": format!("{} !", marks.mark("login")), marks.mark("member"): marks.mark("value")}),
        json!({"Username": "", "Name": marks.mark("name")}),
        json!(marks.mark("text")),
    ]
}

/// Imports a file, waits for its run to end, and reads all its resources.
async fn import(
    w: &World,
    marks: &mut Marks,
    query: &str,
    announcement: Value,
    file: &[u8],
) -> Value {
    let run = w
        .upload(0, w.tenants[0].task_id, query, announcement, file)
        .await;
    let status = w.wait_until_ended(0, &run).await;
    for path in ["/items", "/rejected"] {
        let call = w.call(Method::GET, &format!("/v1/imports/{run}{path}"));
        let reply = call.token(w.token(0).await).send().await;
        assert!(matches!(reply.status, 200 | 409), "{reply}");
    }
    marks.runs.push(run);
    status
}

/// Files that are imported, and files that are unreadable.
pub async fn files(w: &World, marks: &mut Marks) {
    let (login, foreign) = (marks.mark("login"), singles::foreign_login(w, marks).await);
    for query in ["dryRun", "", ""] {
        let file = json!(records(marks, &login, &foreign)).to_string();
        let status = import(w, marks, query, json!({}), file.as_bytes()).await;
        assert_eq!(status["Status"], "PARTIAL_SUCCESS", "{status}");
        assert_eq!(status["Total Lines"], 7, "{status}");
    }
    let whole: Vec<String> = records(marks, &login, &foreign)
        .iter()
        .map(Value::to_string)
        .collect();
    let cut = format!("{}\n{}", whole[0], &whole[1][..whole[1].len() - 2]);
    let whole = whole.join("\n");
    for (announcement, file) in [
        (json!({"format": "ndjson"}), cut.as_str()),
        (json!({"format": "json"}), &whole),
        (json!({"format": "ndjson", "compression": "gzip"}), &whole),
        (
            json!({"format": "ndjson", "sha256": "0".repeat(64)}),
            &whole,
        ),
    ] {
        let status = import(w, marks, "", announcement, file.as_bytes()).await;
        assert_eq!(status["Status"], "FAILURE", "{status}");
    }
    let later = json!(records(marks, &login, &foreign));
    let call = w.import(0).await.header("prefer", "respond-async");
    let call = call.header("prefer", &marks.mark("prefer"));
    let reply = call.records(&later).send().await;
    assert_eq!(reply.status, 202, "{reply}");
    let run = reply.header("import-id").expect("Import-Id").to_owned();
    w.wait_until_ended(0, &run).await;
    marks.runs.push(run);
}

/// Refused uploads, runs that do not exist, and invalid parameters in requests about runs.
pub async fn refusals(w: &World, marks: &mut Marks) {
    let mut create = w.import(0).await;
    create.path.push_str("/uploads");
    let upload = create.clone().body(r#"{"size":2}"#).send().await;
    assert_eq!(upload.status, 201, "{upload}");
    for announcement in [
        json!({"size": marks.mark("size")}),
        json!({"size": 1, "format": marks.mark("format")}),
        json!({"size": 1, "compression": marks.mark("packed")}),
        json!({"size": 1, "sha256": marks.mark("sum")}),
        json!({"size": 1, marks.mark("member"): marks.mark("value")}),
        json!([marks.mark("text")]),
    ] {
        let reply = create.clone().body(announcement.to_string()).send().await;
        assert!(
            (200..500).contains(&reply.status),
            "{announcement}: {reply}"
        );
    }
    let upload = upload.json();
    let unknown = marks.mark("run");
    for run in [id(&upload), unknown.as_str()] {
        for (path, parameters) in [
            ("", ["x", "y"].as_slice()),
            ("/parts", &["from"]),
            (
                "/items",
                &[
                    "limit", "from", "code", "severity", "record", "key", "login",
                ],
            ),
            ("/rejected", &["from"]),
        ] {
            for parameter in parameters {
                let call = w.call(Method::GET, &format!("/v1/imports/{run}{path}"));
                let call = call.query(&format!("{parameter}={}", marks.mark("query")));
                let reply = call.token(w.token(0).await).send().await;
                assert!((200..500).contains(&reply.status), "{path}: {reply}");
            }
        }
    }
    let cancel = w.call(Method::POST, &format!("/v1/imports/{}/cancel", id(&upload)));
    let cancel = cancel.query(&marks.mark("query"));
    let reply = cancel.token(w.token(0).await).send().await;
    assert_eq!(reply.status, 200, "{reply}");
}

/// Requests whose store requests all fail.
pub async fn broken_store(w: &World, marks: &mut Marks) {
    let run = marks.runs.last().expect("a run").clone();
    for path in ["", "/items"] {
        let call = w.call(Method::GET, &format!("/v1/imports/{run}{path}"));
        let call = call.query(&format!("login={}", marks.mark("login")));
        assert_eq!(call.token(w.token(0).await).send().await.status, 500);
    }
}
