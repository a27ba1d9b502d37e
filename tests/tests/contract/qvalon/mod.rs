//! QVALON's users, one at a time (contract.md#qvalon).

mod across_dialects;
mod create;
mod nullable;
mod read;
mod refusals;
mod update;

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Path of the users.
const USERS: &str = "/v1/orgstruct/users";

/// Every value of `fields`.
const FIELDS: &str = "roles,authType,directorOfShops,shops,regions,divisions,businessDir,\
    supervisor,admin,surveyAdmin,taskManager,userChecklistsOrganizer,shopDirector,\
    canEditAllProcesses,canViewAllProcesses,canEditAllChlTemplates,canEditSelectedChlTemplates,\
    shopExternalIds,divisionExternalIds,regionExternalIds";

fn path_of(id: impl std::fmt::Display) -> String {
    format!("{USERS}/{id}")
}

/// Returns a request of a tenant's robot.
async fn call<'w>(w: &'w World, tenant: usize, method: Method, path: &str) -> Call<'w> {
    let call = w.call(method, path).token(w.token(tenant).await);
    call.content_type(Some("application/json"))
}

/// Creates a user of a tenant.
async fn post(w: &World, tenant: usize, body: &Value) -> Reply {
    let call = call(w, tenant, Method::POST, USERS).await;
    call.body(body.to_string()).send().await
}

/// Changes a user as a tenant.
async fn put(w: &World, tenant: usize, id: impl std::fmt::Display, body: &Value) -> Reply {
    let call = call(w, tenant, Method::PUT, &path_of(id)).await;
    call.body(body.to_string()).send().await
}

/// Reads a user as a tenant.
async fn get(w: &World, tenant: usize, id: impl std::fmt::Display, query: &str) -> Reply {
    let call = call(w, tenant, Method::GET, &path_of(id)).await;
    call.query(query).send().await
}

/// Returns the body of a user of this test with only login and password.
fn user(w: &World, name: &str) -> Value {
    json!({"login": w.login(name), "password": "wrs1234"})
}

/// Returns `body` with these members.
fn with(mut body: Value, members: Value) -> Value {
    let members = members.as_object().expect("members").clone();
    body.as_object_mut().expect("an object").extend(members);
    body
}

/// Creates a user of the first tenant; returns the id.
async fn create(w: &World, body: &Value) -> u64 {
    let reply = post(w, 0, body).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()["id"].as_u64().expect("an id")
}

/// Returns the details of a user from the operators' API of the first tenant.
async fn get_as_operator(w: &World, id: u64) -> Value {
    let reply = w.get(&format!("/users/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

/// Asserts status, format and field of an error; returns its message.
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
