//! `muster login` and the profiles it writes.

use std::fs;

use serde_json::{Value, json};

use crate::home::{CommandOutput, Home};
use crate::mock_server::{MockServer, json_response};

const TOKEN: &str = r#"{"token":"ywJqq25pXO6oaCPq","status":"SUCCESS"}"#;

fn login(home: &Home, url: &str, flags: &[&str]) -> CommandOutput {
    let args = [&["login", "--url", url, "--username", "hr-robot"], flags].concat();
    CommandOutput::new(
        home.muster(&args)
            .env("MUSTER_PASSWORD", "s3cret")
            .output()
            .unwrap(),
    )
}

fn profile(home: &Home, name: &str) -> Value {
    serde_json::from_slice(&fs::read(home.profile(name)).unwrap()).unwrap()
}

#[test]
fn only_the_token_is_stored() {
    let (home, server) = (
        Home::new(),
        MockServer::returning(json_response(200, TOKEN)),
    );
    let output = login(&home, &server.url, &[]);
    output
        .exits_with(0)
        .stdout_is_empty()
        .stderr_contains("signed in to")
        .stderr_contains("hr-robot");
    assert!(!output.stderr.contains("ywJqq25pXO6oaCPq") && !output.stderr.contains("s3cret"));

    let request = server.request();
    assert_eq!(
        (request.method.as_str(), request.uri.path()),
        ("POST", "/authenticate")
    );
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent, json!({"username": "hr-robot", "password": "s3cret"}));

    let stored = json!({"url": server.url, "username": "hr-robot", "token": "ywJqq25pXO6oaCPq"});
    assert_eq!(profile(&home, "default"), stored);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_profile_even_if_it_existed_before() {
    use std::os::unix::fs::PermissionsExt;
    let (home, server) = (
        Home::new(),
        MockServer::returning(json_response(200, TOKEN)),
    );
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    login(&home, &server.url, &[]).exits_with(0);
    assert_eq!(mode(home.profile("default")), 0o600);
    assert_eq!(mode(home.path().join("muster")), 0o700);

    fs::set_permissions(home.profile("default"), fs::Permissions::from_mode(0o644)).unwrap();
    home.file("users.json", "[]");
    home.run(&["import", "users.json", "--task", "1"])
        .stderr_contains("chmod 600");
    login(&home, &server.url, &[]).exits_with(0);
    assert_eq!(mode(home.profile("default")), 0o600);
    let files = fs::read_dir(home.path().join("muster/profiles"))
        .unwrap()
        .count();
    assert_eq!(files, 1, "no temporary file is left");
}

#[test]
fn the_password_can_come_from_standard_input() {
    for input in [
        "pass word\n",
        "pass word\r\n",
        "pass word",
        "pass word\nsecond line\n",
    ] {
        let (home, server) = (
            Home::new(),
            MockServer::returning(json_response(200, TOKEN)),
        );
        home.login(&server.url, "hr-robot", input.as_bytes())
            .exits_with(0);
        let sent: Value = serde_json::from_slice(&server.request().body).unwrap();
        assert_eq!(sent["password"], "pass word");
    }
}

#[test]
fn without_a_terminal_the_hint_names_other_sources_of_the_password() {
    let home = Home::new();
    home.run(&["login", "--url", "http://127.0.0.1:9", "--username", "r"])
        .exits_with(2)
        .stderr_contains("--password-stdin");
}

#[test]
fn a_missing_server_or_user_name_is_reported() {
    let home = Home::new();
    home.run(&["login", "--username", "r"])
        .exits_with(2)
        .stderr_contains("pass --url");
    home.run(&["login", "--url", "http://127.0.0.1:9"])
        .exits_with(2)
        .stderr_contains("pass --username");
}

#[test]
fn signing_in_again_needs_no_arguments() {
    let (home, server) = (
        Home::new(),
        MockServer::returning(json_response(200, TOKEN)),
    );
    login(&home, &server.url, &["--profile", "test"]).exits_with(0);
    home.run_with_input(
        &["login", "--profile", "test", "--password-stdin"],
        b"other\n",
    )
    .exits_with(0);
    let sent: Value = serde_json::from_slice(&server.requests()[1].body).unwrap();
    assert_eq!(sent, json!({"username": "hr-robot", "password": "other"}));
    assert!(!home.profile("default").exists());
}

#[test]
fn a_wrong_password_keeps_the_profile() {
    let home = Home::new();
    login(
        &home,
        &MockServer::returning(json_response(200, TOKEN)).url,
        &[],
    )
    .exits_with(0);
    let before = profile(&home, "default");
    let server = MockServer::returning(json_response(
        401,
        r#"{"token":"","status":"Wrong username or password!"}"#,
    ));
    login(&home, &server.url, &[])
        .exits_with(4)
        .stderr_contains("Wrong username or password!");
    assert_eq!(profile(&home, "default"), before);
}

#[test]
fn too_many_attempts_show_when_to_retry() {
    let home = Home::new();
    let server = MockServer::returning(
        json_response(429, r#"{"token":"","status":"Too many attempts"}"#)
            .with("retry-after", "17"),
    );
    login(&home, &server.url, &[])
        .exits_with(1)
        .stderr_contains("Too many attempts")
        .stderr_contains("try again in 17 seconds");
}

#[test]
fn unexpected_and_failing_servers_are_reported() {
    let home = Home::new();
    let page = MockServer::returning(json_response(200, "<html>Welcome</html>"));
    login(&home, &page.url, &[])
        .exits_with(1)
        .stderr_contains("not as a Muster server does")
        .stderr_contains("--url");
    let failing = MockServer::returning(json_response(502, "Bad gateway"));
    login(&home, &failing.url, &[])
        .exits_with(1)
        .stderr_contains("the server failed with 502");
    login(&home, "http://127.0.0.1:1", &[])
        .exits_with(1)
        .stderr_contains("cannot reach http://127.0.0.1:1: Connection refused");
    assert!(!home.profile("default").exists());
}

#[test]
fn an_invalid_profile_is_reported_and_can_be_replaced() {
    let (home, server) = (
        Home::new(),
        MockServer::returning(json_response(200, TOKEN)),
    );
    login(&home, &server.url, &[]).exits_with(0);
    fs::write(home.profile("default"), "{").unwrap();
    home.file("users.json", "[]");
    home.run(&["import", "users.json", "--task", "1"])
        .exits_with(1)
        .stderr_contains("default.json: ")
        .stderr_contains("muster login");
    login(&home, &server.url, &[]).exits_with(0);
    assert_eq!(profile(&home, "default")["token"], "ywJqq25pXO6oaCPq");
}
