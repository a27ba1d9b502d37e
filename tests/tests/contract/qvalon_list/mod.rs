//! QVALON's list of users from outside: filters, pages, walks.

mod filters;
mod large;
mod pages;
mod refused;
mod walks;

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Where users are listed.
const USERS: &str = "/v1/orgstruct/users";

/// A call of a tenant's robot.
async fn call<'w>(w: &'w World, tenant: usize, method: Method) -> Call<'w> {
    w.call(method, USERS).token(w.token(tenant).await)
}

/// What a tenant's robot gets for this query.
async fn asked(w: &World, tenant: usize, query: &str) -> Reply {
    call(w, tenant, Method::GET).await.query(query).send().await
}

/// The first tenant's users for this query.
async fn listed(w: &World, query: &str) -> Vec<Value> {
    let reply = asked(w, 0, query).await;
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
    listed(w, query).await.iter().map(login).collect()
}

/// Makes a user of a tenant, who signs in elsewhere: there is no password to be hashed.
async fn made(w: &World, tenant: usize, name: &str, members: Value) -> Value {
    let mut body = json!({"login": w.login(name), "authType": "LDAP", "ldapLogin": name});
    let members = members.as_object().expect("members").clone();
    body.as_object_mut().expect("an object").extend(members);
    let call = call(w, tenant, Method::POST).await;
    let call = call.content_type(Some("application/json"));
    let reply = call.body(body.to_string()).send().await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

/// Imports users with these names and numbers into the first tenant, some thousand at once.
async fn import(w: &World, name: &str, numbers: std::ops::Range<usize>) {
    let numbers: Vec<usize> = numbers.collect();
    for chunk in numbers.chunks(5_000) {
        let records = chunk.iter().map(|n| w.record(&format!("{name}{n}")));
        let records: Vec<Value> = records.collect();
        let reply = w.import(0).await.records(&json!(records)).send().await;
        reply.assert_success(chunk.len() as u64);
    }
}

/// Asserts a refusal that names this parameter; its message.
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
