//! `muster import`: what is sent, and what is made of every answer.

use crate::muster::{Ended, Home};
use crate::peer::{Answer, Peer, json};

const USERS: &str = r#"[{"Username":"john.foo"}]"#;
const SUCCESS: &str = "{\"Status\":\"SUCCESS\",\"Total Lines\":1200,\"Empty IDs\":0,\"Ignored Users\":0,\"Duplicated Users\":0}";
const PARTIAL: &str = r#"{"Status":"PARTIAL_SUCCESS","Warnings":["Record 2 (jack.woo), \"E-mail\": not a valid e-mail address [email.malformed]"],"Total Lines":3,"Empty IDs":1,"Ignored Users":1,"Duplicated Users":0}"#;

fn failure(error: &str) -> String {
    serde_json::json!({"Status": "FAILURE", "Errors": [error]}).to_string()
}

fn home() -> Home {
    let home = Home::new();
    home.file("users.json", USERS);
    home
}

fn import(url: &str, flags: &[&str]) -> Ended {
    let args = [
        &[
            "import",
            "users.json",
            "--task",
            "206",
            "--url",
            url,
            "--token",
            "t0ken",
        ],
        flags,
    ]
    .concat();
    home().run(&args)
}

fn answered(answer: Answer) -> Ended {
    import(&Peer::answering(answer).url, &[])
}

#[test]
fn it_sends_the_file_as_the_api_wants_it_and_shows_the_figures() {
    let run = r#"{"import_id":"0198c7","task":206,"state":"finished","Status":"SUCCESS","Created":3,"Updated":4,"Unchanged":1193}"#;
    let reply = json(200, SUCCESS).with("import-id", "0198c7");
    let peer = Peer::answering_each([reply, json(200, run)]);
    let ended = import(&peer.url, &[]);
    ended
        .expect(0)
        .prints("SUCCESS")
        .prints("Total Lines       1,200\n")
        .prints("Created           3\nUpdated           4\nUnchanged         1,193\n")
        .prints("Import-Id         0198c7");
    assert_eq!(ended.err, "");
    let [request, then] = &peer.requests()[..] else {
        panic!("{:#?}", peer.requests());
    };
    assert_eq!(then.uri.to_string(), "/v1/imports/0198c7");
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), "/v1/import/user-data/206");
    assert_eq!(request.header("authorization"), "Bearer t0ken");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.body, USERS);
}

#[test]
fn debug_asks_for_the_warnings_and_shows_them() {
    let peer = Peer::answering(json(200, PARTIAL));
    import(&peer.url, &["--debug"])
        .expect(3)
        .prints("1 warning:\nRecord 2 (jack.woo), \"E-mail\": not a valid");
    assert_eq!(
        peer.request().uri.to_string(),
        "/v1/import/user-data/206?debug"
    );
}

#[test]
fn a_dry_run_shows_what_would_change_and_says_that_nothing_did() {
    let body = SUCCESS.replace(
        '}',
        ",\"Dry Run\":true,\"Created\":1150,\"Updated\":0,\"Unchanged\":50}",
    );
    let peer = Peer::answering(json(200, body));
    import(&peer.url, &["--dry-run"])
        .expect(0)
        .prints("Would create      1,150\nWould update      0\nWould not change  50\n")
        .says("nothing was changed");
    assert_eq!(
        peer.request().uri.to_string(),
        "/v1/import/user-data/206?dryRun"
    );
    let both = Peer::answering(json(200, SUCCESS));
    import(&both.url, &["--dry-run", "--debug"]).expect(0);
    assert_eq!(
        both.request().uri.to_string(),
        "/v1/import/user-data/206?debug&dryRun"
    );
}

#[test]
fn a_key_names_the_request_and_a_replay_is_pointed_out() {
    let replayed = json(200, SUCCESS).with("idempotent-replayed", "true");
    let peer = Peer::answering(replayed);
    import(&peer.url, &["--idempotency-key", "monday"])
        .expect(0)
        .prints("SUCCESS")
        .says("given this answer before");
    assert_eq!(peer.request().header("idempotency-key"), "monday");

    let running = json(409, failure("still running")).with("retry-after", "30");
    let peer = Peer::answering(running);
    import(&peer.url, &["--idempotency-key", "monday"])
        .expect(1)
        .says("still running")
        .says("try again in 30 seconds");

    let peer = Peer::answering(json(200, SUCCESS));
    let long = "k".repeat(256);
    for wrong in ["", " k", &long] {
        import(&peer.url, &["--idempotency-key", wrong])
            .expect(2)
            .says("1 to 255 characters");
    }
    assert!(peer.requests().is_empty());
}

#[test]
fn warnings_that_were_not_asked_for_are_pointed_out() {
    let body = PARTIAL.replace("\"Warnings\"", "\"Unshown\"");
    answered(json(200, body))
        .expect(3)
        .prints("PARTIAL_SUCCESS")
        .says("--debug");
}

#[test]
fn json_output_is_one_object_with_what_was_done() {
    let run = r#"{"import_id":"0198c7","task":206,"state":"finished","Status":"SUCCESS","Created":2,"Updated":0,"Unchanged":1}"#;
    let reply = json(200, PARTIAL).with("import-id", "0198c7");
    let peer = Peer::answering_each([reply, json(200, run)]);
    let ended = import(&peer.url, &["--output", "json", "--debug"]);
    let more = r#","Created":2,"Updated":0,"Unchanged":1,"import_id":"0198c7"}"#;
    let all = PARTIAL.replace('}', more);
    assert_eq!(ended.expect(3).out, format!("{all}\n"));
    assert_eq!(ended.err, "");

    // A server that does not know the run has still imported it.
    let reply = json(200, SUCCESS).with("import-id", "0198c7");
    let peer = Peer::answering_each([reply, json(404, "{}")]);
    let ended = import(&peer.url, &["--output", "json"]);
    let all = SUCCESS.replace('}', r#","import_id":"0198c7"}"#);
    assert_eq!(ended.expect(0).out, format!("{all}\n"));

    let refused = r#"{"Status":"FAILURE","Errors":["the task is disabled"]}"#;
    let ended = import(
        &Peer::answering(json(400, refused)).url,
        &["--output", "json"],
    );
    assert_eq!(
        ended.expect(1).says("the task is disabled").out,
        format!("{refused}\n")
    );
    let page = import(
        &Peer::answering(json(502, "<html>")).url,
        &["--output", "json"],
    );
    page.expect(1).prints_nothing();
}

#[test]
fn a_minus_stands_for_standard_input() {
    let peer = Peer::answering(json(200, SUCCESS));
    let args = [
        "import", "-", "--task", "7", "--url", &peer.url, "--token", "t",
    ];
    home().run_with_input(&args, b"[]").expect(0);
    assert_eq!(peer.request().body, "[]");
}

#[test]
fn a_refused_token_is_not_signed_in() {
    let answer = Answer {
        status: Some(401),
        headers: vec![("content-type", "text/plain".into())],
        body: "Token is missing or invalid!".into(),
    };
    answered(answer)
        .expect(4)
        .says("Token is missing or invalid!")
        .says("muster login --url http://127.0.0.1:");
}

#[test]
fn a_robot_without_permission_is_signed_in_all_the_same() {
    answered(json(401, failure("the robot may not run this task")))
        .expect(1)
        .says("may not run this task")
        .says("permitted on task 206");
}

#[test]
fn an_unknown_task_is_told_from_a_wrong_address() {
    answered(json(404, failure("no such task")))
        .expect(1)
        .says("task 206 was not found, or belongs to another customer");
    answered(json(404, r#"{"title":"Not Found","status":404}"#))
        .expect(1)
        .says("not as a Muster server does");
}

#[test]
fn a_refused_file_says_why() {
    let ended = answered(json(400, failure("line 9, column 7: expected a comma")));
    ended
        .expect(1)
        .says("line 9, column 7: expected a comma")
        .says("nothing was changed")
        .prints_nothing();
    let two = r#"{"Status":"FAILURE","Errors":["first","second"]}"#;
    answered(json(400, two))
        .expect(1)
        .says("- first")
        .says("- second");
}

#[test]
fn a_busy_task_says_when_to_come_back() {
    let busy = json(503, failure("the import is already running")).with("retry-after", "42");
    answered(busy)
        .expect(1)
        .says("the import is already running")
        .says("try again in 42 seconds");
    answered(json(503, ""))
        .expect(1)
        .says("try again in a minute");
}

#[test]
fn a_server_that_gives_up_leaves_no_doubt_about_sending_again() {
    let answer = json(500, failure("internal error")).with("import-id", "0198c7");
    answered(answer)
        .expect(1)
        .says("internal error")
        .says("import 0198c7")
        .says("sending the same file again is safe");
    answered(json(504, "Gateway Timeout"))
        .expect(1)
        .says("504")
        .says("sending the same file again is safe");
}

#[test]
fn an_import_that_goes_on_by_itself_is_followed() {
    let accepted = json(202, r#"{"import_id":"0198c7","state":"queued"}"#)
        .with("import-id", "0198c7")
        .with("location", "/v1/imports/0198c7");
    let run = r#"{"import_id":"0198c7","task":206,"state":"finished","Status":"SUCCESS","Total Lines":7,"Created":7,"Updated":0,"Unchanged":0}"#;
    let peer = Peer::answering_each([accepted.clone(), json(200, run)]);
    import(&peer.url, &[])
        .expect(0)
        .says("import 0198c7 goes on by itself")
        .prints("Created           7\n");
    assert_eq!(peer.requests()[0].header("prefer"), "");

    let peer = Peer::answering(accepted);
    let ended = import(&peer.url, &["--no-wait"]);
    assert_eq!(ended.expect(0).out, "0198c7\n");
    assert_eq!(peer.request().header("prefer"), "respond-async");
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    let target = Peer::answering(json(200, SUCCESS));
    let answer = json(307, "").with(
        "location",
        &format!("{}/v1/import/user-data/206", target.url),
    );
    answered(answer).expect(1).says(&target.url);
    assert!(target.requests().is_empty());
}

#[test]
fn a_server_that_is_not_there_is_named() {
    import("http://127.0.0.1:1", &[])
        .expect(1)
        .says("cannot reach http://127.0.0.1:1: Connection refused")
        .says("muster-local up");
}

#[test]
fn a_file_that_is_not_there_is_named_before_anything_is_sent() {
    let peer = Peer::answering(json(200, SUCCESS));
    let args = [
        "import",
        "nowhere.json",
        "--task",
        "1",
        "--url",
        &peer.url,
        "--token",
        "t",
    ];
    home().run(&args).expect(1).says("cannot read nowhere.json");
    assert!(peer.requests().is_empty());
}

#[test]
fn what_a_server_answers_cannot_steer_the_terminal() {
    let body = PARTIAL.replace("jack.woo", "\\u001b]0;owned\\u0007\\u202e");
    let ended = import(&Peer::answering(json(200, body)).url, &["--debug"]);
    assert!(
        !ended
            .expect(3)
            .out
            .contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{ended:?}"
    );
}

#[test]
fn without_a_token_nothing_is_sent() {
    let peer = Peer::answering(json(200, SUCCESS));
    let home = home();
    let args = ["import", "users.json", "--task", "206"];
    home.run(&args)
        .expect(4)
        .says("not signed in")
        .says("muster login");
    home.run(&[&args[..], &["--url", &peer.url]].concat())
        .expect(4)
        .says(&format!("muster login --url {}", peer.url));
    home.run(&[&args[..], &["--token", "t"]].concat())
        .expect(2)
        .says("MUSTER_URL");
    assert!(peer.requests().is_empty());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_profile() {
    let stored = r#"{"token":"from-profile","status":"SUCCESS"}"#;
    let (home, login) = (home(), Peer::answering(json(200, stored)));
    let args = [
        "login",
        "--url",
        &login.url,
        "--username",
        "r",
        "--password-stdin",
    ];
    home.run_with_input(&args, b"p").expect(0);

    let import = |flags: &[&str], env: &[(&str, &str)]| {
        let mut command = home.muster(&[&["import", "users.json", "--task", "1"], flags].concat());
        command.envs(env.iter().copied()).output().unwrap();
    };
    let last_token = |peer: &Peer| {
        peer.requests()
            .last()
            .unwrap()
            .header("authorization")
            .to_owned()
    };
    import(&[], &[]);
    assert_eq!(last_token(&login), "Bearer from-profile");
    import(&[], &[("MUSTER_TOKEN", ""), ("MUSTER_URL", "")]);
    assert_eq!(last_token(&login), "Bearer from-profile");
    import(&[], &[("MUSTER_TOKEN", "from-environment")]);
    assert_eq!(last_token(&login), "Bearer from-environment");
    import(
        &["--token", "from-flag"],
        &[("MUSTER_TOKEN", "from-environment")],
    );
    assert_eq!(last_token(&login), "Bearer from-flag");

    let other = Peer::answering(json(200, SUCCESS));
    import(
        &["--url", &other.url],
        &[("MUSTER_TOKEN", "t"), ("MUSTER_URL", "http://127.0.0.1:1")],
    );
    assert_eq!(last_token(&other), "Bearer t");
}

#[test]
fn a_stored_token_is_never_shown_to_another_server() {
    let stored = r#"{"token":"from-profile","status":"SUCCESS"}"#;
    let (home, login) = (home(), Peer::answering(json(200, stored)));
    let args = [
        "login",
        "--url",
        &login.url,
        "--username",
        "r",
        "--password-stdin",
    ];
    home.run_with_input(&args, b"p").expect(0);
    let other = Peer::answering(json(200, SUCCESS));
    let args = ["import", "users.json", "--task", "1", "--url", &other.url];
    home.run(&args)
        .expect(4)
        .says(&format!("not signed in to {}", other.url));
    assert!(other.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn an_interrupt_says_that_the_request_may_have_been_applied() {
    use std::time::Duration;

    use crate::muster::interrupt;

    let silent = Peer::answering(Answer {
        status: None,
        headers: Vec::new(),
        body: String::new(),
    });
    let home = home();
    let args = [
        "import",
        "users.json",
        "--task",
        "1",
        "--url",
        &silent.url,
        "--token",
        "t",
    ];
    let child = home.start(&args);
    while silent.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = interrupt(child);
    ended
        .expect(1)
        .says("may have been applied")
        .says("sending the same file again is safe")
        .prints_nothing();
}
