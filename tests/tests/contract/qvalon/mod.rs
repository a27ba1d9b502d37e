//! QVALON's user resource, one user at a time, from outside.

mod across;
mod create;
mod get;
mod nullable;
mod refused;
mod update;

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Where users are made.
const USERS: &str = "/v1/orgstruct/users";

/// What `fields` can name.
const FIELDS: &str = "roles,authType,directorOfShops,shops,regions,divisions,businessDir,\
    supervisor,admin,surveyAdmin,taskManager,userChecklistsOrganizer,shopDirector,\
    canEditAllProcesses,canViewAllProcesses,canEditAllChlTemplates,canEditSelectedChlTemplates,\
    shopExternalIds,divisionExternalIds,regionExternalIds";

fn one(id: impl std::fmt::Display) -> String {
    format!("{USERS}/{id}")
}

/// A call of a tenant's robot.
async fn call<'w>(w: &'w World, tenant: usize, method: Method, path: &str) -> Call<'w> {
    let call = w.call(method, path).token(w.token(tenant).await);
    call.content_type(Some("application/json"))
}

/// Makes a user of a tenant.
async fn post(w: &World, tenant: usize, body: &Value) -> Reply {
    let call = call(w, tenant, Method::POST, USERS).await;
    call.body(body.to_string()).send().await
}

/// Changes a user as a tenant.
async fn put(w: &World, tenant: usize, id: impl std::fmt::Display, body: &Value) -> Reply {
    let call = call(w, tenant, Method::PUT, &one(id)).await;
    call.body(body.to_string()).send().await
}

/// Looks at a user as a tenant.
async fn get(w: &World, tenant: usize, id: impl std::fmt::Display, query: &str) -> Reply {
    let call = call(w, tenant, Method::GET, &one(id)).await;
    call.query(query).send().await
}

/// A user of this test with a password and nothing else.
fn user(w: &World, name: &str) -> Value {
    json!({"login": w.login(name), "password": "wrs1234"})
}

/// `body` with these members.
fn with(mut body: Value, members: Value) -> Value {
    let members = members.as_object().expect("members").clone();
    body.as_object_mut().expect("an object").extend(members);
    body
}

/// Makes a user of the first tenant; the id.
async fn made(w: &World, body: &Value) -> u64 {
    let reply = post(w, 0, body).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()["id"].as_u64().expect("an id")
}

/// What an operator of the first tenant sees of a user.
async fn seen(w: &World, id: u64) -> Value {
    let reply = w.get(&format!("/users/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

/// Asserts the shape of an error, and what it names; its message.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16, field: Option<&str>) -> String {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
    let keys = ["status", "error", "message", "field"];
    let count = if field.is_some() { 4 } else { 3 };
    assert_eq!(reply.keys(), keys[..count], "{reply}");
    let json = reply.json();
    assert_eq!(json["status"], status, "{reply}");
    assert_eq!(json.get("field").and_then(Value::as_str), field, "{reply}");
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    assert!(!text("error").is_empty(), "{reply}");
    assert!(!text("message").is_empty(), "{reply}");
    text("message")
}
