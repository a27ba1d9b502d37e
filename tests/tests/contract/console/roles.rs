//! The roles of a tenant.

use muster_tests::World;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_are_replaced_only_in_their_current_version() {
    let w = World::start().await;
    let before = w.get("/roles").await.json();
    assert_eq!(
        before["roles"],
        json!(["Category Manager", "Store Manager"])
    );
    let version = before["version"].as_u64().unwrap();
    let more = json!({
        "version": version, "roles": ["Store Manager", "Auditor", "Category Manager"]
    });
    let reply = w.send_json(Method::PUT, "/roles", &more).await;
    let after = json!({
        "version": version + 1, "roles": ["Auditor", "Category Manager", "Store Manager"]
    });
    assert_eq!((reply.status, reply.json()), (200, after.clone()));
    assert_eq!(w.get("/roles").await.json(), after);

    let late = json!({"version": version, "roles": ["Category Manager", "Store Manager"]});
    let reply = w.send_json(Method::PUT, "/roles", &late).await;
    reply.assert_problem(409);
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&w.tenants[0].operator.username), "{detail}");
    let other = w.operator(1, Method::GET, "/roles").await.send().await;
    assert_eq!(
        other.json(),
        before,
        "the roles of the other tenant changed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_invalid_role_is_reported() {
    let w = World::start().await;
    let version = w.get("/roles").await.json()["version"].clone();
    let roles = [
        "Category Manager",
        "",
        "Robot",
        &"x".repeat(257),
        "Category Manager",
    ];
    let body = json!({"version": version, "roles": roles});
    let reply = w.send_json(Method::PUT, "/roles", &body).await;
    reply.assert_problem(422);
    for (index, field) in ["roles.1", "roles.2", "roles.3", "roles.4"]
        .iter()
        .enumerate()
    {
        assert_eq!(reply.json()["errors"][index]["field"], *field, "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_in_the_mapping_of_a_task_cannot_be_removed() {
    let w = World::start().await;
    let version = w.get("/roles").await.json()["version"].clone();
    let body = json!({"version": version, "roles": ["Store Manager"]});
    let reply = w.send_json(Method::PUT, "/roles", &body).await;
    reply.assert_problem(409);
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    let task = w.tenants[0].task_id.to_string();
    assert!(
        detail.contains("Category Manager") && detail.contains(&task),
        "{detail}"
    );
    assert_eq!(w.get("/roles").await.json()["version"], version);
}
