//! `muster users create` and `muster users update`: what a robot sends to QVALON's resource of
//! users, and what is made of every answer.

use std::fs;

use serde_json::{Value, json};

use crate::muster::{Ended, Home};
use crate::peer::{Answer, Peer, Request, json as answer};

/// A user as the resource answers one, with what is not asked for left out.
const KIM: &str = r#"{"id":1615,"active":true,"login":"kim","firstName":"Kim","position":"Lead\u202e","level":"COMPANY","businessDirId":1002,"lang":"ru_RU","timeZoneId":"Europe/Kyiv"}"#;

fn muster(peer: &Peer, args: &[&str]) -> Ended {
    with_input(peer, args, b"")
}

fn with_input(peer: &Peer, args: &[&str], input: &[u8]) -> Ended {
    let home = Home::new();
    let mut command = home.muster(args);
    command
        .env("MUSTER_URL", &peer.url)
        .env("MUSTER_TOKEN", "r0b0t");
    Ended::with_input(command, input)
}

/// `muster users create kim`, by LDAP, so that no password is needed.
fn create(peer: &Peer, flags: &[&str]) -> Ended {
    let args = ["users", "create", "kim", "--auth-type", "LDAP"];
    muster(peer, &[&args, flags].concat())
}

fn update(peer: &Peer, flags: &[&str]) -> Ended {
    muster(peer, &[&["users", "update", "1615"], flags].concat())
}

fn refusal(status: u16, message: &str, field: Option<&str>) -> Answer {
    let mut body = json!({"status": status, "error": "Refused", "message": message});
    if let Some(field) = field {
        body["field"] = json!(field);
    }
    answer(status, body.to_string())
}

fn sent(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn a_user_is_created_by_a_robot_and_shown() {
    let peer = Peer::answering(answer(200, KIM));
    let args = ["users", "create", "kim", "--password-stdin"];
    let flags = [
        "--external-id",
        "e-17",
        "--first-name",
        "Kim",
        "--lang",
        "ru_RU",
        "--admin",
    ];
    let ended = with_input(&peer, &[&args[..], &flags].concat(), b"s3cret pass\nrest");
    ended
        .expect(0)
        .prints("Id                1615\nLogin             kim\nfirst_name        Kim\n")
        .prints("active            yes\n")
        .prints("position          Lead\\u{202e}\n")
        .prints("business_dir_id   1002\n");
    assert_eq!(ended.err, "");
    assert!(!ended.out.contains("s3cret"));
    let request = peer.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), "/v1/orgstruct/users");
    assert_eq!(request.header("authorization"), "Bearer r0b0t");
    assert_eq!(request.header("content-type"), "application/json");
    let expected = json!({
        "login": "kim", "password": "s3cret pass", "externalId": "e-17", "firstName": "Kim",
        "lang": "ru_RU", "admin": true,
    });
    assert_eq!(sent(&request), expected);
}

#[test]
fn json_is_the_user_as_received() {
    let peer = Peer::answering(answer(200, KIM));
    let ended = create(&peer, &["--output", "json"]);
    assert_eq!(ended.expect(0).out, format!("{KIM}\n"));
}

#[test]
fn every_kind_of_attribute_is_sent_as_the_json_that_it_is() {
    let peer = Peer::answering(answer(200, KIM));
    let flags = [
        "--email=kim@example.com",
        "--active=false",
        "--supervisor",
        "--can-edit-all-chl-templates=false",
        "--level",
        "SHOP",
        "--business-dir-id",
        "1002",
        "--shop-ids",
        "17, 18",
        "--region-ids",
        "-3",
        "--shop-external-ids",
        "s1,s2",
        "--division-external-ids",
        r#"["north, east","south"]"#,
        "--time-zone",
        "Europe/Kyiv",
        "--ldap-login",
        "17",
    ];
    create(&peer, &flags).expect(0);
    let expected = json!({
        "login": "kim", "authType": "LDAP", "email": "kim@example.com", "active": false,
        "supervisor": true, "canEditAllChlTemplates": false, "level": "SHOP",
        "businessDirId": 1002, "shopIds": [17, 18], "regionIds": [-3],
        "shopExternalIds": ["s1", "s2"], "divisionExternalIds": ["north, east", "south"],
        "timeZoneId": "Europe/Kyiv", "ldapLogin": "17",
    });
    assert_eq!(sent(&peer.request()), expected);
}

#[test]
fn a_user_is_found_by_login_and_changed_by_id() {
    let others = r#"{"id":7,"active":true,"login":"kim.lee"}"#;
    let found = answer(200, format!("[{others},{KIM}]"));
    let peer = Peer::answering_each([found, answer(200, KIM)]);
    let args = ["users", "update", "KIM", "--new-login", "kim+lee"];
    let clears = ["--clear", "time-zone", "--clear", "shop-external-ids"];
    muster(&peer, &[&args[..], &clears].concat())
        .expect(0)
        .prints("Id                1615\n");
    let requests = peer.requests();
    assert_eq!(requests[0].method, "GET");
    assert_eq!(requests[0].uri, "/v1/orgstruct/users?login=KIM");
    assert_eq!(requests[1].method, "PUT");
    assert_eq!(requests[1].uri, "/v1/orgstruct/users/1615");
    let expected = json!({"login": "kim+lee", "timeZoneId": null, "shopExternalIds": null});
    assert_eq!(sent(&requests[1]), expected);
}

#[test]
fn digits_are_an_id_unless_they_are_said_to_be_a_login() {
    let peer = Peer::answering(answer(200, KIM));
    update(&peer, &["--admin=false"]).expect(0);
    assert_eq!(peer.request().uri, "/v1/orgstruct/users/1615");

    let digits = r#"[{"id":42,"active":true,"login":"1615"}]"#;
    let peer = Peer::answering_each([answer(200, digits), answer(200, KIM)]);
    update(&peer, &["--login", "--admin=false"]).expect(0);
    assert_eq!(peer.requests()[0].uri, "/v1/orgstruct/users?login=1615");
    assert_eq!(peer.requests()[1].uri, "/v1/orgstruct/users/42");
}

#[test]
fn nobody_else_is_changed_when_the_login_is_not_found() {
    for (login, found) in [
        ("ghost", "[]".to_owned()),
        // A comma separates logins there.
        ("kim,ghost", format!("[{KIM}]")),
    ] {
        let peer = Peer::answering(answer(200, found));
        muster(&peer, &["users", "update", login, "--admin"])
            .expect(1)
            .prints_nothing()
            .says(&format!(
                "there is no user {login}\n  `muster users list --text"
            ));
        assert_eq!(peer.request().method, "GET");
    }
}

#[test]
fn a_generated_password_is_sent_and_shown_once() {
    let peer = Peer::answering(answer(200, KIM));
    let ended = muster(&peer, &["users", "create", "kim", "--generate"]);
    ended.expect(0).says("only this once");
    let password = sent(&peer.request())["password"].clone();
    ended.prints(&format!(
        "Password          {}\n",
        password.as_str().unwrap()
    ));

    let peer = Peer::answering(answer(200, KIM));
    let ended = update(&peer, &["--generate", "--output", "json"]);
    let shown: Value = serde_json::from_str(&ended.expect(0).out).unwrap();
    assert_eq!(shown["password"], sent(&peer.request())["password"]);
}

#[test]
fn a_password_is_needed_unless_ldap_has_it() {
    let peer = Peer::answering(answer(200, KIM));
    for flags in [&[] as &[&str], &["--auth-type", "LOCAL"]] {
        muster(&peer, &[&["users", "create", "kim"], flags].concat())
            .expect(2)
            .says("--generate");
    }
    update(&peer, &["--password"]).expect(2).says("--generate");
    with_input(
        &peer,
        &["users", "update", "1615", "--password-stdin"],
        b"\n",
    )
    .expect(2)
    .says("the password is empty");
    assert!(peer.requests().is_empty());
    create(&peer, &[]).expect(0);
    assert_eq!(
        sent(&peer.request()),
        json!({"login": "kim", "authType": "LDAP"})
    );
}

#[test]
fn a_refusal_names_the_flags_that_are_to_blame() {
    let message = "login: this user name is not available";
    create(
        &Peer::answering(refusal(409, message, Some("login"))),
        &[],
    )
    .expect(1)
    .prints_nothing()
    .says("error: LOGIN: this user name is not available\n  nothing was changed; `muster users update`");
    update(
        &Peer::answering(refusal(409, message, Some("login"))),
        &["--new-login", "jo"],
    )
    .expect(1)
    .says("error: --new-login: this user name is not available\n  nothing was changed: choose");

    let several = "email: not a valid e-mail address; timeZoneId: unknown; see IANA: zones; password: 1 to 128 characters; shopIds: needed \u{1b}[2J";
    create(
        &Peer::answering(refusal(400, several, Some("email"))),
        &["--email", "x"],
    )
    .expect(1)
    .says(
        "error: the server refuses the user\n  \
         - --email: not a valid e-mail address\n  \
         - --time-zone: unknown; see IANA: zones\n  \
         - the password: 1 to 128 characters\n  \
         - --shop-ids: needed \\u{1b}[2J\n  \
         nothing was changed: put it right and run it again\n",
    );

    let whole = refusal(400, "must not be null", Some("externalId"));
    update(&Peer::answering(whole), &["--admin"])
        .expect(1)
        .says("error: --external-id: must not be null\n");
}

#[test]
fn every_failure_names_the_next_step() {
    for (failure, code, said) in [
        (
            refusal(401, "the token is missing or invalid", None),
            4,
            "the token is missing or invalid\n  run `muster login --url http://127",
        ),
        (
            refusal(401, "the token is missing or invalid", None),
            4,
            "the robot's scopes hold qvalon",
        ),
        (
            refusal(404, "there is no user with this id", None),
            1,
            "user 1615 was not found\n  `muster users list",
        ),
        (
            refusal(413, "the body is too large", None),
            1,
            "error: the body is too large\n",
        ),
        (
            refusal(429, "others write this user", None).with("retry-after", "2"),
            1,
            "others write this user\n  try again in 2 seconds",
        ),
        (
            answer(429, r#"{"message":"Too Many Requests"}"#),
            1,
            "takes no more requests from here for now\n  try again in a minute",
        ),
        (
            refusal(500, "it broke", None).with("x-request-id", "r-17"),
            1,
            "it broke\n  (request r-17)",
        ),
        (answer(502, "<html>"), 1, "the server failed with 502"),
        (answer(404, ""), 1, "not as a Muster server does"),
        (answer(200, "<html>"), 1, "not as a Muster server does"),
    ] {
        update(&Peer::answering(failure), &["--admin"])
            .expect(code)
            .prints_nothing()
            .says(said);
    }
    Home::new()
        .run(&[
            "users",
            "update",
            "1615",
            "--admin",
            "--token",
            "t",
            "--url",
            "http://127.0.0.1:1",
        ])
        .expect(1)
        .says("cannot reach http://127.0.0.1:1");
}

#[test]
fn it_is_the_robot_of_the_profile_who_asks_not_the_operator() {
    let peer = Peer::answering(answer(200, KIM));
    let home = Home::new();
    fs::create_dir_all(home.path().join("muster/profiles")).unwrap();
    let both = json!({
        "url": peer.url, "username": "hr-robot", "token": "r0b0t",
        "operator": {"username": "anna", "token": "s3ss10n"},
    });
    fs::write(home.profile("default"), both.to_string()).unwrap();
    home.run(&["users", "update", "1615", "--admin"]).expect(0);
    assert_eq!(peer.request().header("authorization"), "Bearer r0b0t");

    let operator = json!({"url": peer.url, "operator": both["operator"]});
    fs::write(home.profile("default"), operator.to_string()).unwrap();
    home.run(&["users", "update", "1615", "--admin"])
        .expect(4)
        .says("run `muster login --url");
    assert_eq!(peer.requests().len(), 1);
}

#[test]
fn a_change_that_says_nothing_or_two_things_is_not_sent() {
    let peer = Peer::answering(answer(200, KIM));
    for (flags, said) in [
        (&[] as &[&str], "there is nothing to change"),
        (
            &["--email", "a@example.com", "--clear", "email"],
            "--email sets what --clear takes away",
        ),
        (&["--email", ""], "an empty text sets nothing"),
        (&["--new-login", " "], "an empty text sets nothing"),
        (&["--clear", "level"], "invalid value 'level'"),
        (&["--external-id", "x"], "unexpected argument"),
        (&["--admin", "false"], "unexpected argument 'false'"),
        (&["--shop-ids", "1,x"], "write whole numbers with commas"),
        (&["--level", "shop"], "possible values: COMPANY"),
    ] {
        update(&peer, flags).expect(2).prints_nothing().says(said);
    }
    assert!(peer.requests().is_empty());
}
