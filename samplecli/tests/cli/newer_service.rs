//! Responses of a newer service, with members, states and names that this version does not know.

use serde_json::json;

use crate::admin::muster;
use crate::home::Home;
use crate::mock_server::{MockServer, json_response};

#[test]
fn an_unknown_state_of_an_import_is_shown() {
    let status = json!({
        "import_id": "0198c7", "task": 206, "state": "paused", "dry_run": false, "size": 12345,
        "started_at": "2026-11-22T01:02:03.004Z", "progress": {"records": 300}, "reason": "night",
    });
    let server = MockServer::returning(json_response(200, status.to_string()));
    let args = ["status", "0198c7", "--url", &server.url, "--token", "t0ken"];
    Home::new()
        .run(&args)
        .exits_with(0)
        .stdout_contains("State             paused\n");
}

#[test]
fn an_unknown_state_of_a_run_is_shown() {
    let run = json!({
        "id": "r1", "task": 206, "task_title": "HR", "robot": "hr-robot",
        "started_at": "2026-11-22T01:02:03.004Z", "ended_at": null, "duration_ms": null,
        "size": 1, "dry_run": false, "state": "paused", "status": null, "items": {},
        "errors": [], "counts": null,
    });
    let page = json!({"items": [run], "next": null});
    let server = MockServer::returning(json_response(200, page.to_string()));
    muster(&server, &["runs"])
        .exits_with(0)
        .stdout_contains("\tpaused\t");
}

#[test]
fn unknown_scopes_of_a_robot_are_shown() {
    let robot = json!({
        "name": "hr-robot", "enabled": true, "scopes": ["quant", "scim"],
        "created_at": "2026-11-22T01:02:03.004Z", "updated_at": "2026-11-22T01:02:03.004Z",
        "last_used_at": null,
    });
    let page = json!({"items": [robot], "next": null});
    let server = MockServer::returning(json_response(200, page.to_string()));
    muster(&server, &["robot", "list"])
        .exits_with(0)
        .stdout_contains("quant, scim");
}

#[test]
fn unknown_settings_do_not_hide_the_history_of_a_task() {
    let version = json!({
        "version": 2, "at": "2026-11-22T01:02:03.004Z", "by": "anna", "changed": ["colour"],
        "settings": {"id": 206, "title": "HR", "colour": "red"},
    });
    let page = json!({"items": [version], "next": null});
    let server = MockServer::returning(json_response(200, page.to_string()));
    muster(&server, &["task", "history", "206"])
        .exits_with(0)
        .stdout_contains("anna\tcolour\n");
}
