//! QVALON's list of users (contract.md#qvalon): filters, pages, and walks with `after`.

mod filters;
mod large;
mod pages;
mod refusals;
mod walks;

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Path of the users.
const USERS: &str = "/v1/orgstruct/users";

/// Returns a request of a tenant's robot.
async fn call<'w>(w: &'w World, tenant: usize, method: Method) -> Call<'w> {
    w.call(method, USERS).token(w.token(tenant).await)
}

/// Requests the list with this query as a tenant's robot.
async fn request(w: &World, tenant: usize, query: &str) -> Reply {
    call(w, tenant, Method::GET).await.query(query).send().await
}

/// Returns the users of the first tenant that match the query.
async fn list(w: &World, query: &str) -> Vec<Value> {
    let reply = request(w, 0, query).await;
    assert_eq!(reply.status, 200, "{query}: {reply}");
    assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
    users(&reply)
}

fn users(reply: &Reply) -> Vec<Value> {
    reply.json().as_array().expect("a list").clone()
}

fn id(user: &Value) -> u64 {
    user["id"].as_u64().expect("an id")
}

fn login(user: &Value) -> String {
    user["login"].as_str().expect("a login").to_owned()
}

async fn logins(w: &World, query: &str) -> Vec<String> {
    list(w, query).await.iter().map(login).collect()
}

/// Creates a user of a tenant who signs in with LDAP: hashing a password would be slow.
async fn create(w: &World, tenant: usize, name: &str, members: Value) -> Value {
    let mut body = json!({"login": w.login(name), "authType": "LDAP", "ldapLogin": name});
    let members = members.as_object().expect("members").clone();
    body.as_object_mut().expect("an object").extend(members);
    let call = call(w, tenant, Method::POST).await;
    let call = call.content_type(Some("application/json"));
    let reply = call.body(body.to_string()).send().await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

/// Imports users named `name` and a number into the first tenant, in files of up to 5,000.
async fn import(w: &World, name: &str, numbers: std::ops::Range<usize>) {
    let numbers: Vec<usize> = numbers.collect();
    for chunk in numbers.chunks(5_000) {
        let records = chunk.iter().map(|n| w.record(&format!("{name}{n}")));
        let records: Vec<Value> = records.collect();
        let reply = w.import(0).await.records(&json!(records)).send().await;
        reply.assert_success(chunk.len() as u64);
    }
}

/// Asserts a refusal that names this parameter; returns its message.
#[track_caller]
fn assert_refused(reply: &Reply, field: &str) -> String {
    assert_eq!(reply.status, 400, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
    assert_eq!(
        reply.keys(),
        ["status", "error", "message", "field"],
        "{reply}"
    );
    let json = reply.json();
    assert_eq!(json["field"], field, "{reply}");
    let message = json["message"].as_str().expect("a message").to_owned();
    assert!(message.starts_with(&format!("{field}: ")), "{reply}");
    message
}
