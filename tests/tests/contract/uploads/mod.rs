//! Uploads (contract.md#uploads), asynchronous requests (contract.md#respond-async), and the status
//! of runs (contract.md#import-status).

mod access;
mod cancel;
mod complete;
mod create;
pub mod files;
mod parts;
mod records;
mod respond_async;
mod status;
mod sweep;

use muster_tests::uploads::{id, put, url};
use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Bytes of a part of an upload, unless it is huge.
const PART_BYTES: usize = 8 << 20;

/// Returns the request that announces an upload into the first tenant's task.
pub async fn announce<'w>(w: &'w World, body: &Value) -> Call<'w> {
    let mut call = w.import(0).await;
    call.path.push_str("/uploads");
    call.body(body.to_string())
}

/// Starts an upload of this many bytes; returns the response.
async fn start_upload(w: &World, size: usize) -> Value {
    let reply = announce(w, &json!({ "size": size })).await.send().await;
    assert_eq!(reply.status, 201, "{reply}");
    reply.json()
}

/// Returns a request of the first tenant's robot about a run; `path` follows its id.
async fn run_call<'w>(w: &'w World, method: Method, run: &str, path: &str) -> Call<'w> {
    w.call(method, &format!("/v1/imports/{run}{path}"))
        .token(w.token(0).await)
}

pub async fn get(w: &World, run: &str, path: &str) -> Reply {
    run_call(w, Method::GET, run, path).await.send().await
}

async fn post(w: &World, run: &str, path: &str) -> Reply {
    run_call(w, Method::POST, run, path).await.send().await
}

/// Starts an upload of `[]` and sends its only part; returns the run.
async fn uploaded(w: &World) -> String {
    let upload = start_upload(w, 2).await;
    assert_eq!(put(w, &url(&upload, 1), b"[]".to_vec()).await, 200);
    id(&upload).to_owned()
}

/// Returns the numbers of the parts in a list.
fn numbers(list: &Value) -> Vec<u64> {
    let parts = list.as_array().expect("parts").iter();
    parts
        .map(|part| part["number"].as_u64().expect("a number"))
        .collect()
}

/// Asserts the response with the state of a background run.
#[track_caller]
fn assert_state(reply: &Reply, status: u16, run: &str, state: &str) {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(
        reply.text(),
        format!(r#"{{"import_id":"{run}","state":"{state}"}}"#)
    );
}

/// Asserts a conflict whose detail contains `text`.
#[track_caller]
fn assert_conflict(reply: &Reply, text: &str) {
    reply.assert_problem(409);
    let detail = reply.json()["detail"].as_str().expect("text").to_owned();
    assert!(detail.contains(text), "{detail}");
}
