//! `muster login` and the profiles it writes.

use std::fs;

use serde_json::{Value, json};

use crate::muster::{Ended, Home};
use crate::peer::{Peer, json as answer};

const TOKEN: &str = r#"{"token":"ywJqq25pXO6oaCPq","status":"SUCCESS"}"#;

fn login(home: &Home, url: &str, flags: &[&str]) -> Ended {
    let args = [&["login", "--url", url, "--username", "hr-robot"], flags].concat();
    Ended::new(
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
fn it_trades_the_password_for_a_token_and_keeps_only_the_token() {
    let (home, peer) = (Home::new(), Peer::answering(answer(200, TOKEN)));
    let ended = login(&home, &peer.url, &[]);
    ended
        .expect(0)
        .prints_nothing()
        .says("signed in to")
        .says("hr-robot");
    assert!(!ended.err.contains("ywJqq25pXO6oaCPq") && !ended.err.contains("s3cret"));

    let request = peer.request();
    assert_eq!(
        (request.method.as_str(), request.uri.path()),
        ("POST", "/authenticate")
    );
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent, json!({"username": "hr-robot", "password": "s3cret"}));

    let stored = json!({"url": peer.url, "username": "hr-robot", "token": "ywJqq25pXO6oaCPq"});
    assert_eq!(profile(&home, "default"), stored);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_profile_whatever_was_there_before() {
    use std::os::unix::fs::PermissionsExt;
    let (home, peer) = (Home::new(), Peer::answering(answer(200, TOKEN)));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    login(&home, &peer.url, &[]).expect(0);
    assert_eq!(mode(home.profile("default")), 0o600);
    assert_eq!(mode(home.path().join("muster")), 0o700);

    fs::set_permissions(home.profile("default"), fs::Permissions::from_mode(0o644)).unwrap();
    home.file("users.json", "[]");
    home.run(&["import", "users.json", "--task", "1"])
        .says("chmod 600");
    login(&home, &peer.url, &[]).expect(0);
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
        let (home, peer) = (Home::new(), Peer::answering(answer(200, TOKEN)));
        let args = [
            "login",
            "--url",
            &peer.url,
            "--username",
            "hr-robot",
            "--password-stdin",
        ];
        home.run_with_input(&args, input.as_bytes()).expect(0);
        let sent: Value = serde_json::from_slice(&peer.request().body).unwrap();
        assert_eq!(sent["password"], "pass word");
    }
}

#[test]
fn without_a_terminal_it_says_how_to_give_the_password() {
    let home = Home::new();
    home.run(&["login", "--url", "http://127.0.0.1:9", "--username", "r"])
        .expect(2)
        .says("--password-stdin");
}

#[test]
fn without_a_server_or_a_user_name_it_asks_for_them() {
    let home = Home::new();
    home.run(&["login", "--username", "r"])
        .expect(2)
        .says("give --url");
    home.run(&["login", "--url", "http://127.0.0.1:9"])
        .expect(2)
        .says("give --username");
}

#[test]
fn signing_in_again_needs_no_arguments() {
    let (home, peer) = (Home::new(), Peer::answering(answer(200, TOKEN)));
    login(&home, &peer.url, &["--profile", "test"]).expect(0);
    home.run_with_input(
        &["login", "--profile", "test", "--password-stdin"],
        b"other\n",
    )
    .expect(0);
    let sent: Value = serde_json::from_slice(&peer.requests()[1].body).unwrap();
    assert_eq!(sent, json!({"username": "hr-robot", "password": "other"}));
    assert!(!home.profile("default").exists());
}

#[test]
fn a_wrong_password_leaves_the_profile_as_it_was() {
    let home = Home::new();
    login(&home, &Peer::answering(answer(200, TOKEN)).url, &[]).expect(0);
    let before = profile(&home, "default");
    let peer = Peer::answering(answer(
        401,
        r#"{"token":"","status":"Wrong username or password!"}"#,
    ));
    login(&home, &peer.url, &[])
        .expect(4)
        .says("Wrong username or password!");
    assert_eq!(profile(&home, "default"), before);
}

#[test]
fn too_many_attempts_say_when_to_come_back() {
    let home = Home::new();
    let peer = Peer::answering(
        answer(429, r#"{"token":"","status":"Too many attempts"}"#).with("retry-after", "17"),
    );
    login(&home, &peer.url, &[])
        .expect(1)
        .says("Too many attempts")
        .says("try again in 17 seconds");
}

#[test]
fn a_server_that_is_none_is_told_from_one_that_fails() {
    let home = Home::new();
    let page = Peer::answering(answer(200, "<html>Welcome</html>"));
    login(&home, &page.url, &[])
        .expect(1)
        .says("not as a Muster server does")
        .says("--url");
    let failing = Peer::answering(answer(502, "Bad gateway"));
    login(&home, &failing.url, &[])
        .expect(1)
        .says("the server failed with 502");
    login(&home, "http://127.0.0.1:1", &[])
        .expect(1)
        .says("cannot reach http://127.0.0.1:1: Connection refused");
    assert!(!home.profile("default").exists());
}

#[test]
fn a_damaged_profile_is_named_and_can_be_written_anew() {
    let (home, peer) = (Home::new(), Peer::answering(answer(200, TOKEN)));
    login(&home, &peer.url, &[]).expect(0);
    fs::write(home.profile("default"), "{").unwrap();
    home.file("users.json", "[]");
    home.run(&["import", "users.json", "--task", "1"])
        .expect(1)
        .says("default.json is damaged")
        .says("muster login");
    login(&home, &peer.url, &[]).expect(0);
    assert_eq!(profile(&home, "default")["token"], "ywJqq25pXO6oaCPq");
}
