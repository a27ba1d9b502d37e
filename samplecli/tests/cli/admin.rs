//! The operator's commands before answers that the real server does not give on demand: several
//! pages, refusals, breakdowns, hostile texts.

use serde_json::{Value, json};

use crate::muster::{Ended, Home};
use crate::peer::{Answer, Peer, json as answer};

fn muster(peer: &Peer, args: &[&str]) -> Ended {
    let home = Home::new();
    let mut command = home.muster(args);
    command
        .env("MUSTER_URL", &peer.url)
        .env("MUSTER_OPERATOR_TOKEN", "s3ss10n");
    Ended::new(command.output().unwrap())
}

fn problem(status: u16, detail: &str) -> Answer {
    answer(
        status,
        json!({"title": "Refused", "status": status, "detail": detail}).to_string(),
    )
}

fn run(id: &str) -> Value {
    json!({
        "id": id, "task": 206, "task_title": "HR", "robot": "hr-robot",
        "started_at": "2026-11-22T01:02:03.004Z", "ended_at": "2026-11-22T01:02:04.254Z",
        "duration_ms": 1250, "size": 12345, "dry_run": false, "state": "finished",
        "status": "SUCCESS", "items": {}, "errors": [],
        "counts": {"total": 1200, "empty": 0, "ignored": 1, "duplicated": 0, "created": 1199,
            "updated": 0, "unchanged": 0},
    })
}

fn page(ids: &[&str], next: Option<&str>) -> Answer {
    let items: Vec<Value> = ids.iter().map(|id| run(id)).collect();
    answer(200, json!({"items": items, "next": next}).to_string())
}

const TASK: &str = r#"{"id":206,"version":3,"created_at":"2026-11-22T01:02:03.004Z","updated_at":"2026-11-22T01:02:03.004Z","created_by":null,"updated_by":"anna","settings":{"id":206,"title":"HR","enabled":false,"attribute_mapping":{"username":"Username"}}}"#;

#[test]
fn a_list_follows_its_pages_even_over_an_empty_one() {
    let peer = Peer::answering_each([
        page(&["a", "b"], Some("two")),
        page(&[], Some("th/ree")),
        page(&["c"], None),
    ]);
    let ended = muster(
        &peer,
        &["runs", "--task", "206", "--status", "failure,running"],
    );
    ended.expect(0);
    assert_eq!(
        ended.out,
        "Started\tTask\tRobot\tStatus\tDuration\tTotal\tIgnored\tId\n".to_owned()
            + &["a", "b", "c"]
                .map(|id| format!(
                    "2026-11-22T01:02:03.004Z\t206\thr-robot\tSUCCESS\t1.2 s\t1200\t1\t{id}\n"
                ))
                .concat()
    );
    assert_eq!(ended.err, "");
    let asked: Vec<String> = peer
        .requests()
        .iter()
        .map(|request| request.uri.to_string())
        .collect();
    assert_eq!(
        asked,
        [
            "/admin/v1/runs?task=206&status=FAILURE%2Crunning&limit=101",
            "/admin/v1/runs?task=206&status=FAILURE%2Crunning&limit=99&after=two",
            "/admin/v1/runs?task=206&status=FAILURE%2Crunning&limit=99&after=th%2Free",
        ]
    );
    assert_eq!(peer.requests()[0].header("authorization"), "Bearer s3ss10n");
}

#[test]
fn what_a_limit_leaves_out_is_pointed_out() {
    let peer = Peer::answering(page(&["a", "b", "c"], None));
    let ended = muster(&peer, &["runs", "--limit", "2"]);
    ended.expect(0).says("more runs: --limit 4, or --all");
    assert_eq!(ended.out.lines().count(), 3);
    assert_eq!(peer.request().uri.query(), Some("limit=3"));
    let all = muster(&peer, &["runs", "--limit", "3"]);
    assert_eq!(all.expect(0).err, "");
}

#[test]
fn json_is_the_objects_as_received_in_one_array() {
    let peer = Peer::answering_each([
        answer(200, r#"{"items":[{"z":1,"a":2},{"b":3}],"next":"x"}"#),
        answer(200, r#"{"items":[{"unknown":{"d":4}}],"next":null}"#),
    ]);
    let ended = muster(&peer, &["items", "r1", "--all", "--output", "json"]);
    assert_eq!(
        ended.expect(0).out,
        "[{\"z\":1,\"a\":2},{\"b\":3},{\"unknown\":{\"d\":4}}]\n"
    );
    assert_eq!(peer.requests()[0].uri.path(), "/admin/v1/runs/r1/items");
}

#[test]
fn an_array_that_breaks_off_is_still_valid_json() {
    let peer = Peer::answering_each([
        answer(200, r#"{"items":[{"a":1}],"next":"x"}"#),
        problem(503, "the store is busy").with("retry-after", "3"),
    ]);
    let ended = muster(&peer, &["items", "r1", "--output", "json"]);
    ended.expect(1).says("try again in 3 seconds");
    assert_eq!(ended.out, "[{\"a\":1}]\n");
}

#[test]
fn an_empty_list_says_so_and_is_no_failure() {
    let peer = Peer::answering(page(&[], None));
    let ended = muster(&peer, &["users", "list"]);
    ended.expect(0).says("no users");
    assert_eq!(ended.out.lines().count(), 1, "the names of the columns");
    let ended = muster(&peer, &["users", "list", "--output", "json"]);
    assert_eq!(ended.expect(0).out, "[]\n");
}

#[test]
fn every_refusal_names_the_next_step() {
    for (refusal, code, said) in [
        (
            problem(401, "the session has ended"),
            4,
            "run `muster login --operator --url http://127",
        ),
        (
            problem(403, "this needs the role manage"),
            1,
            "muster operator update NAME --role manage",
        ),
        (
            problem(404, "not found"),
            1,
            "task 206 was not found\n  `muster task list`",
        ),
        (problem(409, "the task is in use"), 1, "the task is in use"),
        (
            problem(500, "it broke").with("x-request-id", "r-17"),
            1,
            "(request r-17)",
        ),
        (
            problem(503, "busy").with("retry-after", "1"),
            1,
            "try again in 1 second",
        ),
        (answer(502, "<html>"), 1, "the server failed with 502"),
        (answer(404, "<html>"), 1, "not as a Muster server does"),
        (answer(200, "<html>"), 1, "not as a Muster server does"),
    ] {
        let peer = Peer::answering(refusal);
        muster(&peer, &["task", "enable", "206"])
            .expect(code)
            .prints_nothing()
            .says(said);
    }
}

#[test]
fn every_field_that_is_to_blame_is_listed() {
    let body = r#"{"title":"Unprocessable","status":422,"detail":"the settings cannot be stored","errors":[{"field":"permitted_robots.0","message":"there is no such robot"},{"field":"role_mapping.catman","message":"\u001b[2J"}]}"#;
    let peer = Peer::answering_each([answer(200, TASK), answer(422, body)]);
    muster(&peer, &["task", "update", "206", "--robot", "ghost"])
        .expect(1)
        .says("\n  - permitted_robots.0: there is no such robot\n")
        .says("- role_mapping.catman: \\u{1b}[2J");
}

#[test]
fn an_update_keeps_what_it_does_not_name_and_is_based_on_a_version() {
    let peer = Peer::answering(answer(200, TASK));
    let args = [
        "task",
        "update",
        "206",
        "--map",
        "email=Mail",
        "--threshold",
        "5%",
    ];
    muster(&peer, &args)
        .expect(0)
        .prints("Task              206\n");
    let requests = peer.requests();
    assert_eq!(requests[1].method, "PUT");
    let sent: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(sent["version"], 3);
    assert_eq!(sent["settings"]["title"], "HR");
    assert_eq!(
        sent["settings"]["attribute_mapping"],
        json!({"username": "Username", "email": "Mail"})
    );
    assert_eq!(sent["settings"]["safety_threshold"], json!({"percent": 5}));
}

#[test]
fn an_update_that_somebody_overtook_says_what_they_changed() {
    let body = r#"{"title":"Conflict","status":409,"detail":"ben changed title since version 3","errors":[{"field":"title","message":"ben, 2026-11-22T01:02:03.004Z"}]}"#;
    let peer = Peer::answering_each([answer(200, TASK), answer(409, body)]);
    muster(&peer, &["task", "update", "206", "--title", "x"])
        .expect(1)
        .says("ben changed title since version 3\n  - title: ben, 2026")
        .says("running it again is safe");
}

#[test]
fn settings_that_are_wrong_are_not_sent() {
    let peer = Peer::answering(answer(200, TASK));
    muster(&peer, &["task", "update", "206", "--enabled"])
        .expect(1)
        .says("- permitted_robots: an enabled task needs at least one robot");
    muster(&peer, &["task", "update", "206", "--no-robot", "ghost"])
        .expect(2)
        .says("cannot be taken away");
    assert!(
        peer.requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}

#[test]
fn a_piped_token_is_the_token_alone() {
    let token = r#"{"id":"t1","robot":"hr-robot","title":"","scopes":["quant"],"created_at":"2026-11-22T01:02:03.004Z","created_by":"anna","expires_at":null,"last_used_at":null,"revoked_at":null,"status":"active","token":"m_s3cret"}"#;
    let peer = Peer::answering(answer(201, token));
    let args = [
        "token",
        "create",
        "--robot",
        "hr-robot",
        "--lifetime",
        "90d",
    ];
    let ended = muster(&peer, &args);
    assert_eq!(ended.expect(0).out, "m_s3cret\n");
    let sent: Value = serde_json::from_slice(&peer.request().body).unwrap();
    assert_eq!(
        sent,
        json!({"robot": "hr-robot", "lifetime_seconds": 7_776_000})
    );
    let ended = muster(&peer, &[&args[..], &["--output", "json"]].concat());
    assert_eq!(ended.expect(0).out, format!("{token}\n"));
}

#[test]
fn a_generated_password_is_sent_and_shown_once() {
    let robot = r#"{"name":"shop 1","enabled":true,"scopes":["quant"],"created_at":"2026-11-22T01:02:03.004Z","updated_at":"2026-11-22T01:02:03.004Z","last_used_at":null,"tasks":[]}"#;
    let peer = Peer::answering(answer(200, robot));
    let args = [
        "robot",
        "update",
        "shop 1",
        "--generate",
        "--output",
        "json",
    ];
    let ended = muster(&peer, &args);
    let shown: Value = serde_json::from_str(&ended.expect(0).says("only this once").out).unwrap();
    let sent: Value = serde_json::from_slice(&peer.request().body).unwrap();
    assert_eq!(shown["password"], sent["password"]);
    assert_eq!(peer.request().uri.path(), "/admin/v1/robots/shop%201");
}

#[test]
fn a_user_is_found_by_login_and_blocked_by_id() {
    let user = r#"{"id":4711,"login":"jack.woo","version":2,"created_at":"2026-11-22T01:02:03.004Z","updated_at":"2026-11-22T01:02:03.004Z","created_by":{"dialect":"quant","robot":"hr-robot","run":"r1"},"updated_by":{"dialect":"console","operator":"anna"},"attributes":{"name":"Jack\u202e","active":false},"changes":[]}"#;
    let peer = Peer::answering_each([
        answer(200, format!(r#"{{"items":[{user}],"next":null}}"#)),
        answer(200, user),
    ]);
    muster(&peer, &["users", "block", "jack.woo"])
        .expect(0)
        .prints("name              Jack\\u{202e}\n")
        .prints("active            no\n")
        .prints("Changed by        the operator anna\n");
    let requests = peer.requests();
    assert_eq!(requests[0].uri.query(), Some("login=jack.woo&limit=1000"));
    assert_eq!(requests[1].uri.path(), "/admin/v1/users/4711/block");
}
