//! Imports whose data come in parts, requests that need not wait, and what can be asked of runs
//! (CONTRACT §1).

mod cancel;
mod complete;
mod create;
mod later;
mod parts;
mod records;
mod seen;
mod status;
mod swept;
mod whole;

use muster_tests::uploads::{id, put, url};
use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Bytes of a part of any upload that is not huge.
const PART: usize = 8 << 20;

/// The announcement of an upload into the first tenant's task.
async fn announce<'w>(w: &'w World, body: &Value) -> Call<'w> {
    let mut call = w.import(0).await;
    call.path.push_str("/uploads");
    call.body(body.to_string())
}

/// An upload of so many bytes, begun.
async fn begun(w: &World, size: usize) -> Value {
    let reply = announce(w, &json!({ "size": size })).await.send().await;
    assert_eq!(reply.status, 201, "{reply}");
    reply.json()
}

/// What the first tenant's robot asks of a run; `path` is what follows its id.
async fn of_run<'w>(w: &'w World, method: Method, run: &str, path: &str) -> Call<'w> {
    w.call(method, &format!("/v1/imports/{run}{path}"))
        .token(w.token(0).await)
}

async fn get(w: &World, run: &str, path: &str) -> Reply {
    of_run(w, Method::GET, run, path).await.send().await
}

async fn post(w: &World, run: &str, path: &str) -> Reply {
    of_run(w, Method::POST, run, path).await.send().await
}

/// An upload of `[]`, all of it sent.
async fn sent(w: &World) -> String {
    let upload = begun(w, 2).await;
    assert_eq!(put(w, &url(&upload, 1), b"[]".to_vec()).await, 200);
    id(&upload).to_owned()
}

/// Numbers of the parts in a list.
fn numbers(list: &Value) -> Vec<u64> {
    let parts = list.as_array().expect("parts").iter();
    parts
        .map(|part| part["number"].as_u64().expect("a number"))
        .collect()
}

/// The answer that a run in the background has this state.
#[track_caller]
fn assert_state(reply: &Reply, status: u16, run: &str, state: &str) {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(
        reply.text(),
        format!(r#"{{"import_id":"{run}","state":"{state}"}}"#)
    );
}

/// A conflict whose sentence says this.
#[track_caller]
fn assert_conflict(reply: &Reply, says: &str) {
    reply.assert_problem(409);
    let detail = reply.json()["detail"].as_str().expect("text").to_owned();
    assert!(detail.contains(says), "{detail}");
}
