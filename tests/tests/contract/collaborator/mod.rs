//! LMS Collaborator's import of a single user (contract.md#collaborator).

mod clearing;
mod concurrent;
mod counts;
mod dialects;
mod fields;
mod identity;
mod managers;
mod password;
mod refusals;
mod requests;

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/v2/users-import/single";

/// Body of the response to a request without a required field.
const MISSING_FIELDS_BODY: &str =
    r#"{"error":"Required fields: uid, login, email, firstname, secondname, position"}"#;

/// Returns a valid request of a tenant's robot, except for its empty body.
async fn call(w: &World, tenant: usize) -> Call<'_> {
    w.call(Method::POST, PATH)
        .token(w.token(tenant).await)
        .content_type(Some("application/json;charset=UTF-8"))
}

/// Sends a user as the first tenant's robot.
async fn send(w: &World, user: &Value) -> Reply {
    call(w, 0).await.body(user.to_string()).send().await
}

/// Returns the required fields of a user of this test, and the members of `more`.
fn user_body(w: &World, name: &str, more: Value) -> Value {
    let mut body = json!({
        "uid": uid(w, name), "login": w.login(name), "email": "someone@example.com",
        "firstname": name, "secondname": "Smith",
    });
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    body
}

fn uid(w: &World, name: &str) -> String {
    w.login(&format!("uid-{name}"))
}

/// Asserts the four counts: created, updated, blocked, unblocked.
#[track_caller]
fn assert_counts(reply: &Reply, [created, updated, blocked, unblocked]: [u8; 4]) {
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
    let expected = format!(
        r#"{{"created_count":{created},"updated_count":{updated},"blocked_count":{blocked},"unblocked_count":{unblocked}}}"#
    );
    assert_eq!(reply.text(), expected);
}

/// Asserts a refusal with this status in the format of the dialect; returns its error.
#[track_caller]
fn error_text(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
    assert_eq!(reply.keys(), ["error"], "{reply}");
    let error = reply.json()["error"].as_str().map(str::to_owned);
    error
        .filter(|error| !error.trim().is_empty())
        .expect("a text")
}

/// Sends a user and asserts that it was created.
async fn create(w: &World, user: &Value) {
    assert_counts(&send(w, user).await, [1, 0, 0, 0]);
}

/// Returns the first user of a tenant that matches the query in the operators' API.
async fn find_user(w: &World, tenant: usize, query: &str) -> Option<Value> {
    let call = w.operator(tenant, Method::GET, "/users").await;
    let reply = call.query(query).send().await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()["items"].get(0).cloned()
}

/// Returns the details of a user of the first tenant from the operators' API.
async fn get_user(w: &World, name: &str) -> Value {
    let found = find_user(w, 0, &format!("login={}", w.login(name))).await;
    let id = found.expect("the user")["id"].clone();
    let reply = w.get(&format!("/users/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}
