//! No log contains personal data: marked passwords, tokens, e-mail addresses, names and logins go
//! through every path of the API, and none of them may appear in a log line, at any level. Against a
//! deployment, tests/deployed/run searches the logs for the marks that this test lists in
//! `MUSTER_CANARY_FILE`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue has failed"
)]

mod marks;
mod singles;
mod uploads;

use std::io::Write;
use std::sync::{Arc, Mutex};

use muster_aws::telemetry;
use muster_local::Credentials;
use muster_tests::{Call, World};
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::marks::Marks;

/// The environment variable with the path of the list of marks.
const CANARY_FILE: &str = "MUSTER_CANARY_FILE";

/// The log of this process, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panicked").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("no writer panicked").clone();
        String::from_utf8(bytes).expect("a log is UTF-8")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_personal_data_on_any_path_is_logged() {
    let log = Log::default();
    tracing::subscriber::set_global_default(telemetry::subscriber(LevelFilter::DEBUG, log.clone()))
        .expect("no other test sets a log in this process");
    let w = World::start().await;
    let mut marks = Marks::new(&w.tag);
    sign_ins(&w, &mut marks).await;
    imports(&w, &mut marks).await;
    singles::collaborator(&w, &mut marks).await;
    singles::qvalon(&w, &mut marks).await;
    uploads::files(&w, &mut marks).await;
    uploads::refusals(&w, &mut marks).await;
    refusals(&w, &mut marks).await;
    paths(&w, &mut marks).await;
    operators(&w, &mut marks).await;
    operations(&w, &mut marks).await;

    assert!(marks.all.len() > 20, "only {} marks", marks.all.len());
    if let Some(path) = std::env::var_os(CANARY_FILE).filter(|path| !path.is_empty()) {
        let sent = json!({"marks": marks.all, "runs": marks.runs}).to_string();
        std::fs::write(path, sent).expect("writing the list of marks");
    }
    if std::env::var_os(muster_tests::READY_FILE).is_some() {
        // The functions of a running stack do not log into this process.
        return;
    }
    broken_store(&w, &mut marks).await;
    let text = log.text();
    let runs = marks.runs.iter().map(String::as_str);
    let expected = ["import finished", "\"message\":\"call\"", "request.id"];
    for expected in expected.into_iter().chain(runs) {
        assert!(
            text.contains(expected),
            "the log does not contain {expected}: is it the log of the functions?"
        );
    }
    for (message, field) in [
        ("request failed", "\"request.route\":\"/authenticate\""),
        (
            "request failed",
            "\"request.route\":\"/v1/import/user-data/{task_id}\"",
        ),
        (
            "request failed",
            "\"request.route\":\"/v1/orgstruct/users\"",
        ),
        (
            "import finished",
            "\"error\":\"the body is not a JSON array of objects",
        ),
    ] {
        let mut lines = text.lines();
        assert!(
            lines.any(|line| line.contains(message) && line.contains(field)),
            "no line of the log contains {message} and {field}"
        );
    }
    let lower = text.to_lowercase();
    for mark in &marks.all {
        if let Some(line) = lower
            .lines()
            .find(|line| line.contains(&mark.to_lowercase()))
        {
            panic!("the log contains {mark}: {line}");
        }
    }
}

async fn sign_ins(w: &World, marks: &mut Marks) {
    let robot = &w.tenants[0].robot;
    marks.add_secret(&robot.password);
    for name in [marks.mark("robot"), robot.username.clone()] {
        let password = marks.mark("password");
        let body = json!({"username": name, "password": password}).to_string();
        assert_eq!(w.authenticate(body).await.status, 401);
    }
    let password = marks.mark("password");
    let broken = format!(
        r#"{{"username":"{}","password":"{password}""#,
        robot.username
    );
    assert_eq!(w.authenticate(broken).await.status, 400);
    let large = json!({"username": marks.mark("robot").repeat(1_000), "password": password});
    assert_eq!(w.authenticate(large.to_string()).await.status, 400);
    // Wrong passwords until the robot is throttled.
    let guessed = json!({"username": marks.mark("robot"), "password": password}).to_string();
    let mut status = 401;
    for _ in 0..50 {
        if status == 429 {
            break;
        }
        status = w.authenticate(guessed.clone()).await.status;
    }
    assert_eq!(status, 429);
    marks.add_secret(&w.sign_in(robot).await);
}

/// Users that are created, updated, rejected and unchanged.
async fn imports(w: &World, marks: &mut Marks) {
    marks.add_secret(w.token(0).await);
    marks.add_secret(w.token(1).await);
    let login = marks.mark("login");
    let user = |name: String, email: String, id: String| {
        json!({"Username": login, "Name": name, "Role": "catman", "E-mail": email,
               "External ID": id, "All Stores": true})
    };
    let at = |local: String| format!("{local}@example.com");
    for _ in 0..2 {
        let email = at(marks.mark("email"));
        let records = json!([user(marks.mark("name"), email, marks.mark("uid"))]);
        // Each twice: created or updated, then unchanged.
        for _ in 0..2 {
            marks.add_run(&w.send(&records).await);
        }
    }
    let invalid = json!([
        user(marks.mark("name"), marks.mark("email"), "x".repeat(2_000)),
        {"Username": marks.mark("login"), "Role": marks.mark("role"), "E-mail": marks.mark("email")},
        {"Username": format!("{} !", marks.mark("login"))},
        {"Username": {"first": marks.mark("name")}},
        marks.mark("name"),
    ]);
    let reply = w.send(&invalid).await;
    assert!(!reply.warnings().is_empty(), "{reply}");
    marks.add_run(&reply);
    // The login belongs to the other tenant.
    let taken = json!([user(
        marks.mark("name"),
        at(marks.mark("email")),
        marks.mark("uid")
    )]);
    let reply = w.import(1).await.debug().records(&taken).send().await;
    assert_eq!(reply.counts()[2], 1, "{reply}");
    marks.add_run(&reply);
}

/// Requests that are refused before their records are read.
async fn refusals(w: &World, marks: &mut Marks) {
    let record = json!({"Username": marks.mark("login"), "Name": marks.mark("name")});
    let whole = json!([record]).to_string();
    let import = w.import(0).await;
    let with = |body: Vec<u8>| import.clone().body(body);
    let cut = whole.as_bytes()[..whole.len() - 2].to_vec();
    assert_eq!(with(cut).send().await.status, 400);
    assert_eq!(
        with(record.to_string().into_bytes()).send().await.status,
        400
    );
    let large = format!("[{}]", vec![record.to_string(); 60_000].join(","));
    assert_eq!(with(large.into_bytes()).send().await.status, 413);
    let typed = with(whole.clone().into_bytes()).content_type(Some("text/csv"));
    assert_eq!(typed.send().await.status, 415);
    for header in ["Bearer", "Basic", "bearer x"] {
        let value = format!("{header} {}", marks.mark("token"));
        let call = with(whole.clone().into_bytes()).authorization(Some(&value));
        assert_eq!(call.send().await.status, 401);
    }
}

/// Requests whose store requests all fail.
async fn broken_store(w: &World, marks: &mut Marks) {
    let import = w.import(0).await;
    w.store.delete_tables().await;
    let records = json!([{"Username": marks.mark("login"), "Name": marks.mark("name")}]);
    assert_eq!(import.records(&records).send().await.status, 500);
    singles::broken_store(w, marks).await;
    uploads::broken_store(w, marks).await;
    let robot = json!({"username": marks.mark("robot"), "password": marks.mark("password")});
    assert_eq!(w.authenticate(robot.to_string()).await.status, 500);
    let operator = json!({"name": marks.mark("operator"), "password": marks.mark("password")});
    let session = w.call(Method::POST, "/admin/v1/sessions");
    let session = session.content_type(Some("application/json"));
    let reply = session.body(operator.to_string()).send().await;
    assert_eq!(reply.status, 500, "{reply}");
}

/// Requests of an operator that succeed and that are refused.
async fn operators(w: &World, marks: &mut Marks) {
    marks.add_secret(&w.tenants[0].operator.password);
    marks.add_secret(w.session(0).await);
    let (name, password) = (marks.mark("operator"), marks.mark("password"));
    let wrong = json!({"name": name, "password": marks.mark("guess")});
    let right = json!({"name": name, "password": password, "role": "read"});
    let robot = marks.mark("robot");
    let user = marks.mark("login");
    let email = format!("{}@example.com", marks.mark("email"));
    let settings = json!({
        "title": marks.mark("title"), "notes": marks.mark("notes"),
        "notification_emails": [email], "permitted_robots": [robot],
    });
    let refused = json!({"notification_emails": [marks.mark("email")]});
    for (method, path, body, status) in [
        (Method::POST, "/operators", right, 201),
        (Method::POST, "/sessions", wrong, 401),
        (Method::POST, "/robots", json!({"name": robot}), 201),
        (
            Method::POST,
            "/tokens",
            json!({"robot": robot, "title": marks.mark("title")}),
            201,
        ),
        (Method::POST, "/tasks", json!({"settings": settings}), 201),
        (Method::POST, "/tasks", json!({"settings": refused}), 422),
    ] {
        let reply = w.send_json(method, path, &body).await;
        assert_eq!(reply.status, status, "{path}: {reply}");
        for secret in ["token", "password"] {
            if let Some(secret) = reply.json()[secret].as_str() {
                marks.add_secret(secret);
            }
        }
    }
    marks.add_secret(
        &w.begin_session(&Credentials {
            username: name,
            password,
        })
        .await,
    );
    let record = json!([{"Username": user, "Role": "catman", "E-mail": "someone@example.com"}]);
    marks.add_run(&w.send(&record).await);
    let found = w.get("/users").await;
    assert_eq!(found.status, 200, "{found}");
    for path in [
        format!("/users?login={user}"),
        format!("/users?text={user}"),
        format!("/tokens?robot={robot}"),
        format!("/robots/{robot}"),
    ] {
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let call = w.operator(0, Method::GET, path).await.query(query);
        let reply = call.send().await;
        assert_eq!(reply.status, 200, "{path}: {reply}");
    }
    let id = w.operator(0, Method::GET, "/users").await;
    let id = id.query(&format!("login={user}")).send().await.json()["items"][0]["id"].clone();
    let blocked = w
        .operator(0, Method::POST, &format!("/users/{id}/block"))
        .await;
    assert_eq!(blocked.send().await.status, 200);
}

/// Marks in every path parameter, query parameter and body of the operators' API.
async fn operations(w: &World, marks: &mut Marks) {
    let document = serde_json::to_value(muster_local::openapi::document()).expect("JSON");
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some(path) = path.strip_prefix("/admin/v1") else {
            continue;
        };
        for (method, operation) in methods.as_object().expect("methods") {
            // Would end the session that this test uses.
            if (method.as_str(), path) == ("delete", "/session") {
                continue;
            }
            let filled: Vec<String> = path
                .split('/')
                .map(|part| match part.starts_with('{') {
                    true => marks.mark("path"),
                    false => part.to_owned(),
                })
                .collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query: Vec<String> = parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| {
                    let name = parameter["name"].as_str().expect("a parameter name");
                    format!("{name}={}", marks.mark("query"))
                })
                .collect();
            let method = method.to_uppercase().parse().expect("a method");
            let call = w.operator(0, method, &filled.join("/")).await;
            let call = call.query(&query.join("&"));
            let body = json!({marks.mark("member"): marks.mark("value")});
            let call = call
                .content_type(Some("application/json"))
                .body(body.to_string());
            let reply = call.send().await;
            assert!(reply.status < 500, "{path}: {reply}");
        }
    }
}

/// Personal data where it does not belong: in paths and queries, with wrong methods as well.
async fn paths(w: &World, marks: &mut Marks) {
    let token = w.token(0).await.to_owned();
    let send = async |call: Call<'_>| call.token(&token).send().await.status;
    let mark = marks.mark("path");
    assert_eq!(send(w.call(Method::GET, &format!("/{mark}"))).await, 404);
    let user = format!("/v1/users/{mark}");
    assert_eq!(send(w.call(Method::PUT, &user).query(&mark)).await, 404);
    let import = w.import(0).await.body("[]");
    assert_eq!(send(import.clone().task(&mark)).await, 404);
    let query = format!("debug&name={}", marks.mark("query"));
    assert_eq!(send(import.clone().query(&query)).await, 200);
    assert_eq!(send(import.method(Method::DELETE).query(&query)).await, 405);
    for filter in ["text", "login", "external_id"] {
        let search = w.operator(0, Method::GET, "/users").await;
        let search = search.query(&format!("{filter}={}", marks.mark("query")));
        assert_eq!(search.send().await.status, 200);
    }
    let sign_in = w.call(Method::GET, "/authenticate");
    let query = format!("password={}", marks.mark("query"));
    assert_eq!(send(sign_in.query(&query)).await, 405);
}
