//! Files in parts: marks in every record, in announcements, and in what is asked of runs. Their
//! work is done behind queues, by functions that have a log of their own.

use muster_tests::World;
use muster_tests::uploads::id;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Marks, singles};

/// One user who is taken, and those who are not; of each member at least one is marked.
fn records(marks: &mut Marks, login: &str, foreign: &str) -> Vec<Value> {
    let mut address = || format!("{}@example.com", marks.new_of("email"));
    let (right, taken) = (address(), address());
    vec![
        json!({"Username": login, "Name": marks.new_of("name"), "Role": "catman", "E-mail": right,
               "External ID": marks.new_of("uid"), "Individual Stores": [marks.new_of("store")]}),
        json!({"Username": login, "Name": marks.new_of("name"), "Role": "catman", "E-mail": right}),
        json!({"Username": foreign, "Name": marks.new_of("name"), "Role": "catman", "E-mail": taken}),
        json!({"Username": marks.new_of("login"), "Role": marks.new_of("role"), "E-mail": marks.new_of("email")}),
        json!({"Username": format!("{} !", marks.new_of("login")), marks.new_of("member"): marks.new_of("value")}),
        json!({"Username": "", "Name": marks.new_of("name")}),
        json!(marks.new_of("text")),
    ]
}

/// Imports a file to its end and reads all that its run says.
async fn import(w: &World, marks: &mut Marks, query: &str, said: Value, file: &[u8]) -> Value {
    let run = w.upload(0, w.tenants[0].task_id, query, said, file).await;
    let standing = w.ended(0, &run).await;
    for path in ["/items", "/rejected"] {
        let call = w.call(Method::GET, &format!("/v1/imports/{run}{path}"));
        let reply = call.token(w.token(0).await).send().await;
        assert!(matches!(reply.status, 200 | 409), "{reply}");
    }
    marks.runs.push(run);
    standing
}

/// Files that are imported, and files that cannot be read.
pub async fn files(w: &World, marks: &mut Marks) {
    let (login, foreign) = (
        marks.new_of("login"),
        singles::foreign_login(w, marks).await,
    );
    for query in ["dryRun", "", ""] {
        let file = json!(records(marks, &login, &foreign)).to_string();
        let standing = import(w, marks, query, json!({}), file.as_bytes()).await;
        assert_eq!(standing["Status"], "PARTIAL_SUCCESS", "{standing}");
        assert_eq!(standing["Total Lines"], 7, "{standing}");
    }
    let whole: Vec<String> = records(marks, &login, &foreign)
        .iter()
        .map(Value::to_string)
        .collect();
    let cut = format!("{}\n{}", whole[0], &whole[1][..whole[1].len() - 2]);
    let whole = whole.join("\n");
    for (said, file) in [
        (json!({"format": "ndjson"}), cut.as_str()),
        (json!({"format": "json"}), &whole),
        (json!({"format": "ndjson", "compression": "gzip"}), &whole),
        (
            json!({"format": "ndjson", "sha256": "0".repeat(64)}),
            &whole,
        ),
    ] {
        let standing = import(w, marks, "", said, file.as_bytes()).await;
        assert_eq!(standing["Status"], "FAILURE", "{standing}");
    }
    let later = json!(records(marks, &login, &foreign));
    let call = w.import(0).await.header("prefer", "respond-async");
    let call = call.header("prefer", &marks.new_of("prefer"));
    let reply = call.records(&later).send().await;
    assert_eq!(reply.status, 202, "{reply}");
    let run = reply.header("import-id").expect("Import-Id").to_owned();
    w.ended(0, &run).await;
    marks.runs.push(run);
}

/// Announcements that are refused, runs that are none, and what is asked of one in the wrong words.
pub async fn refusals(w: &World, marks: &mut Marks) {
    let mut announcement = w.import(0).await;
    announcement.path.push_str("/uploads");
    let upload = announcement.clone().body(r#"{"size":2}"#).send().await;
    assert_eq!(upload.status, 201, "{upload}");
    for said in [
        json!({"size": marks.new_of("size")}),
        json!({"size": 1, "format": marks.new_of("format")}),
        json!({"size": 1, "compression": marks.new_of("packed")}),
        json!({"size": 1, "sha256": marks.new_of("sum")}),
        json!({"size": 1, marks.new_of("member"): marks.new_of("value")}),
        json!([marks.new_of("text")]),
    ] {
        let reply = announcement.clone().body(said.to_string()).send().await;
        assert!((200..500).contains(&reply.status), "{said}: {reply}");
    }
    let upload = upload.json();
    let none = marks.new_of("run");
    for run in [id(&upload), none.as_str()] {
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
                let call = call.query(&format!("{parameter}={}", marks.new_of("query")));
                let reply = call.token(w.token(0).await).send().await;
                assert!((200..500).contains(&reply.status), "{path}: {reply}");
            }
        }
    }
    let cancel = w.call(Method::POST, &format!("/v1/imports/{}/cancel", id(&upload)));
    let cancel = cancel.query(&marks.new_of("query"));
    let reply = cancel.token(w.token(0).await).send().await;
    assert_eq!(reply.status, 200, "{reply}");
}

/// What the store has to say when it refuses everything.
pub async fn broken_store(w: &World, marks: &mut Marks) {
    let run = marks.runs.last().expect("a run").clone();
    for path in ["", "/items"] {
        let call = w.call(Method::GET, &format!("/v1/imports/{run}{path}"));
        let call = call.query(&format!("login={}", marks.new_of("login")));
        assert_eq!(call.token(w.token(0).await).send().await.status, 500);
    }
}
