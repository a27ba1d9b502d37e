//! LMS Collaborator's import of one user, from outside (CONTRACT §2).

mod clearing;
mod counts;
mod dialects;
mod fields;
mod identity;
mod managers;
mod password;
mod refusals;
mod requests;
mod together;

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/v2/users-import/single";

/// The answer to whoever lacks something that is required.
const MISSING: &str =
    r#"{"error":"Required fields: uid, login, email, firstname, secondname, position"}"#;

/// A request of a tenant's robot, right in every part but for its empty body.
async fn single(w: &World, tenant: usize) -> Call<'_> {
    w.call(Method::POST, PATH)
        .token(w.token(tenant).await)
        .content_type(Some("application/json;charset=UTF-8"))
}

/// What the first tenant's robot gets for this user.
async fn send(w: &World, user: &Value) -> Reply {
    single(w, 0).await.body(user.to_string()).send().await
}

/// What is required, of a user of this test, and this on top.
fn person(w: &World, name: &str, more: Value) -> Value {
    let mut person = json!({
        "uid": uid(w, name), "login": w.login(name), "email": "someone@example.com",
        "firstname": name, "secondname": "Smith",
    });
    let more = more.as_object().expect("an object").clone();
    person.as_object_mut().expect("an object").extend(more);
    person
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

/// The text of a refusal with this status, in the dialect's shape.
#[track_caller]
fn refusal(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
    assert_eq!(reply.keys(), ["error"], "{reply}");
    let error = reply.json()["error"].as_str().map(str::to_owned);
    error
        .filter(|error| !error.trim().is_empty())
        .expect("a text")
}

/// Sends a user, who is to be made.
async fn made(w: &World, user: &Value) {
    assert_counts(&send(w, user).await, [1, 0, 0, 0]);
}

/// A user of a tenant as its operator finds it in the list by this query; none if there is none.
async fn listed(w: &World, tenant: usize, query: &str) -> Option<Value> {
    let call = w.operator(tenant, Method::GET, "/users").await;
    let reply = call.query(query).send().await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()["items"].get(0).cloned()
}

/// A user of the first tenant as its operator sees it alone.
async fn shown(w: &World, name: &str) -> Value {
    let found = listed(w, 0, &format!("login={}", w.login(name))).await;
    let id = found.expect("the user")["id"].clone();
    let reply = w.get(&format!("/users/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}
