//! Access to every operation of the OpenAPI document: which tokens it accepts (401, 403), and that
//! the things of another tenant get the same bytes as missing ones
//! (contract.md#tenants-and-credentials). These tests fail for a new operation until they cover it.

mod operations;

use std::collections::BTreeMap;

use muster_local::Credentials;
use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use operations::{Things, create_things, filled, missing_things, operations, variables};

/// Returns status, headers and body, without the headers that differ in every response.
fn comparable(reply: &Reply) -> (u16, BTreeMap<String, String>, String) {
    let own = ["date", "x-request-id", "apigw-requestid"];
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (reply.status, headers.collect(), reply.text().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_requires_its_role() {
    let w = World::start().await;
    let name = format!("reader.{}", w.tag);
    let password = "a long password";
    let body = json!({"name": name, "password": password, "role": "read"});
    let created = w.send_json(Method::POST, "/operators", &body).await;
    assert_eq!(created.status, 201, "{created}");
    let reader = Credentials {
        username: name,
        password: password.to_owned(),
    };
    let ended = w.begin_session(&w.tenants[0].operator).await;
    let end = w.call(Method::DELETE, "/admin/v1/session").token(&ended);
    assert_eq!(end.send().await.status, 204);
    let things = missing_things();

    for operation in operations() {
        let Some(scheme) = &operation.scheme else {
            continue;
        };
        let robot = w.token(0).await;
        // Some operations end the session.
        let reader_session = w.begin_session(&reader).await;
        let manager_session = w.begin_session(&w.tenants[0].operator).await;
        let is_for_robots = scheme == "robot";
        for (who, token, expected) in [
            ("a robot", robot, if is_for_robots { 0 } else { 401 }),
            ("an ended session", &ended, 401),
            ("no token", "", 401),
            ("an invalid token", &"x".repeat(43), 401),
            (
                "a reader",
                &reader_session,
                match (is_for_robots, operation.needs_manage) {
                    (true, _) => 401,
                    (false, true) => 403,
                    (false, false) => 0,
                },
            ),
            (
                "a manager",
                &manager_session,
                if is_for_robots { 401 } else { 0 },
            ),
        ] {
            let call = operation.call(&w, &things, token);
            let call = if token.is_empty() {
                call.authorization(None)
            } else {
                call
            };
            let reply = call.send().await;
            match expected {
                0 => assert!(
                    reply.status != 401 && reply.status != 403,
                    "{who}, {operation:?}: {reply}"
                ),
                status => assert_eq!(reply.status, status, "{who}, {operation:?}: {reply}"),
            }
            if expected != 0 && !is_for_robots {
                reply.assert_problem(expected);
            }
        }
        assert!(
            operation.method != Method::GET || !operation.needs_manage,
            "a GET must not need the role manage: {operation:?}"
        );
        assert!(
            operation.method == Method::GET
                || operation.needs_manage
                || is_for_robots
                || operation.path.starts_with("/admin/v1/session"),
            "a change must need the role manage: {operation:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_refuses_a_dry_run_that_it_does_not_have() {
    let w = World::start().await;
    let things = create_things(&w, 1).await;
    let before = all_details(&w, &things).await;
    for operation in operations() {
        let reads = operation.method == Method::GET;
        if reads || operation.path == "/authenticate" {
            continue;
        }
        let has_a_dry_run = operation.filters.iter().any(|name| name == "dryRun");
        let token = match operation.scheme.as_deref() {
            Some("robot") => w.token(1).await,
            _ => w.session(1).await,
        };
        for query in ["dryRun", "dry-run=false", "validate", "%74est=1"] {
            if has_a_dry_run && query.starts_with("dry") {
                continue;
            }
            let call = operation.call(&w, &things, token).query(query);
            let reply = call.send().await;
            assert_eq!(reply.status, 400, "{query}, {operation:?}: {reply}");
            assert!(reply.text().contains("dry run"), "{operation:?}: {reply}");
        }
    }
    let after = all_details(&w, &things).await;
    assert_eq!(before, after, "a refused change was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn things_of_another_tenant_get_the_same_response_as_missing_ones() {
    let w = World::start().await;
    let (own, foreign) = (create_things(&w, 0).await, create_things(&w, 1).await);
    let missing = Things {
        // As long as theirs: a response may repeat the name in the body.
        robot: foreign.robot.chars().rev().collect(),
        ..missing_things()
    };
    let before = all_details(&w, &foreign).await;
    let mut compared = 0;
    for operation in operations() {
        let Some(scheme) = &operation.scheme else {
            continue;
        };
        let token = match scheme.as_str() {
            "robot" => w.token(0).await,
            _ => w.session(0).await,
        };
        let send = async |path: String, query: String, body: &Things| {
            let call = operation.call_at(&w, &path, body, token).query(&query);
            comparable(&call.send().await)
        };
        // Each variable of the path in turn; the others are the tenant's own.
        for turn in 0..variables(&operation) {
            let with = |things| {
                let mut all = vec![&own; variables(&operation)];
                all[turn] = things;
                filled(&operation, &all)
            };
            let theirs = send(with(&foreign), String::new(), &own).await;
            let missing_reply = send(with(&missing), String::new(), &own).await;
            // Withdrawing a permission is idempotent, also from a robot without it.
            let withdraws = operation.method == Method::DELETE && turn == 1;
            let expected = if withdraws { 200 } else { 404 };
            assert_eq!(theirs.0, expected, "{operation:?}: {theirs:?}");
            assert_eq!(theirs, missing_reply, "{operation:?}");
            compared += 1;
        }
        let path = filled(&operation, &vec![&own; variables(&operation)]);
        for filter in &operation.filters {
            let of = |things: &Things| {
                let value = things.of_filter(&operation, filter)?;
                Some(format!("{filter}={value}"))
            };
            if let (Some(foreign_query), Some(missing_query)) = (of(&foreign), of(&missing)) {
                let theirs = send(path.clone(), foreign_query, &own).await;
                assert_eq!(
                    theirs,
                    send(path.clone(), missing_query, &own).await,
                    "{operation:?}"
                );
                compared += 1;
            }
        }
        if own.is_in_body(&operation) {
            let mut theirs = send(path.clone(), String::new(), &foreign).await;
            theirs.2 = theirs.2.replace(&foreign.robot, &missing.robot);
            let missing_reply = send(path, String::new(), &missing).await;
            assert!(theirs.0 >= 400, "{operation:?}: {theirs:?}");
            assert_eq!(theirs, missing_reply, "{operation:?}");
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared}");
    assert_eq!(
        all_details(&w, &foreign).await,
        before,
        "something of the other tenant changed"
    );
}

/// Returns the details of all things as the second tenant's operator reads them.
async fn all_details(w: &World, things: &Things) -> Vec<Value> {
    let mut details = Vec::new();
    for operation in operations() {
        let about_one = operation.method == Method::GET && operation.path.contains('{');
        if about_one && operation.scheme.as_deref() == Some("operator") {
            let reply = operation.call(w, things, w.session(1).await).send().await;
            assert_eq!(reply.status, 200, "{operation:?}: {reply}");
            details.push(reply.json());
        }
    }
    assert!(details.len() > 5, "{details:?}");
    details
}
