//! Nothing personal in any log: marked passwords, tokens, e-mail addresses, names and logins go
//! through every path of the API, and none of them may come out in a log line, whatever its level
//! of detail. Against a deployment, whoever runs this looks through the logs for what
//! `MUSTER_CANARY_FILE` lists afterwards.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod singles;
mod uploads;

use std::io::Write;
use std::sync::{Arc, Mutex};

use muster_aws::telemetry;
use muster_local::SignIn;
use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The name of the variable that says where to list what was sent.
const CANARY_FILE: &str = "MUSTER_CANARY_FILE";

/// What every mark contains, besides the digits of the run.
const MARK: &str = "kanaria";

/// The log of this process, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
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
        let bytes = self.0.lock().expect("no writer panics").clone();
        String::from_utf8(bytes).expect("a log is UTF-8")
    }
}

/// What is sent and must not be seen again.
struct Marks {
    tag: String,
    all: Vec<String>,
    /// The runs it made, which must be seen: without their lines no mark could be, either.
    runs: Vec<String>,
}

impl Marks {
    /// A new mark: the kind is part of it, so that a find tells what leaked.
    fn new_of(&mut self, kind: &str) -> String {
        let mark = format!("{MARK}.{kind}{}.{}", self.all.len(), self.tag);
        self.all.push(mark.clone());
        mark
    }

    fn ran(&mut self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{reply}");
        let run = reply.header("import-id").expect("a run has an id");
        self.runs.push(run.to_owned());
    }

    fn keep(&mut self, secret: &str) {
        self.all.push(secret.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_personal_goes_through_every_path_and_into_no_log() {
    let log = Log::default();
    tracing::subscriber::set_global_default(telemetry::subscriber(LevelFilter::DEBUG, log.clone()))
        .expect("no other test sets a log in this process");
    let w = World::start().await;
    let mut marks = Marks {
        tag: w.tag.clone(),
        all: Vec::new(),
        runs: Vec::new(),
    };
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
        std::fs::write(path, sent).expect("the marks are written");
    }
    if std::env::var_os(muster_tests::READY_FILE).is_some() {
        return;
    }
    broken_store(&w, &mut marks).await;
    let text = log.text();
    let runs = marks.runs.iter().map(String::as_str);
    let said = ["import finished", "\"message\":\"call\"", "request.id"];
    let failed = [
        "sign-in failed",
        "import request failed",
        "user request failed",
        "operator's request failed",
    ];
    for said in said.into_iter().chain(failed).chain(runs) {
        assert!(
            text.contains(said),
            "the log lacks {said}: is it the service's?"
        );
    }
    let lower = text.to_lowercase();
    for mark in &marks.all {
        if let Some(line) = lower
            .lines()
            .find(|line| line.contains(&mark.to_lowercase()))
        {
            panic!("the log holds {mark}: {line}");
        }
    }
}

async fn sign_ins(w: &World, marks: &mut Marks) {
    let robot = &w.tenants[0].robot;
    marks.keep(&robot.password);
    for name in [marks.new_of("robot"), robot.username.clone()] {
        let password = marks.new_of("password");
        let body = json!({"username": name, "password": password}).to_string();
        assert_eq!(w.authenticate(body).await.status, 401);
    }
    let password = marks.new_of("password");
    let broken = format!(
        r#"{{"username":"{}","password":"{password}""#,
        robot.username
    );
    assert_eq!(w.authenticate(broken).await.status, 400);
    let large = json!({"username": marks.new_of("robot").repeat(1_000), "password": password});
    assert_eq!(w.authenticate(large.to_string()).await.status, 400);
    // Until it is throttled.
    let guessed = json!({"username": marks.new_of("robot"), "password": password}).to_string();
    let mut status = 401;
    for _ in 0..50 {
        if status == 429 {
            break;
        }
        status = w.authenticate(guessed.clone()).await.status;
    }
    assert_eq!(status, 429);
    marks.keep(&w.sign_in(robot).await);
}

/// Users that are made, changed, complained of and left alone.
async fn imports(w: &World, marks: &mut Marks) {
    marks.keep(w.token(0).await);
    marks.keep(w.token(1).await);
    let login = marks.new_of("login");
    let user = |name: String, email: String, id: String| {
        json!({"Username": login, "Name": name, "Role": "catman", "E-mail": email,
               "External ID": id, "All Stores": true})
    };
    let at = |local: String| format!("{local}@example.com");
    for _ in 0..2 {
        let email = at(marks.new_of("email"));
        let records = json!([user(marks.new_of("name"), email, marks.new_of("uid"))]);
        // The same twice: created or updated, then unchanged.
        for _ in 0..2 {
            marks.ran(&w.send(&records).await);
        }
    }
    let troubled = json!([
        user(marks.new_of("name"), marks.new_of("email"), "x".repeat(2_000)),
        {"Username": marks.new_of("login"), "Role": marks.new_of("role"), "E-mail": marks.new_of("email")},
        {"Username": format!("{} !", marks.new_of("login"))},
        {"Username": {"first": marks.new_of("name")}},
        marks.new_of("name"),
    ]);
    let reply = w.send(&troubled).await;
    assert!(!reply.warnings().is_empty(), "{reply}");
    marks.ran(&reply);
    // Another tenant's login.
    let taken = json!([user(
        marks.new_of("name"),
        at(marks.new_of("email")),
        marks.new_of("uid")
    )]);
    let reply = w.import(1).await.debug().records(&taken).send().await;
    assert_eq!(reply.counts()[2], 1, "{reply}");
    marks.ran(&reply);
}

/// Requests whose data never get as far as a record.
async fn refusals(w: &World, marks: &mut Marks) {
    let record = json!({"Username": marks.new_of("login"), "Name": marks.new_of("name")});
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
        let value = format!("{header} {}", marks.new_of("token"));
        let call = with(whole.clone().into_bytes()).authorization(Some(&value));
        assert_eq!(call.send().await.status, 401);
    }
}

/// What the store has to say when it refuses everything.
async fn broken_store(w: &World, marks: &mut Marks) {
    let import = w.import(0).await;
    w.store
        .as_ref()
        .expect("an own stack")
        .delete_tables()
        .await;
    let records = json!([{"Username": marks.new_of("login"), "Name": marks.new_of("name")}]);
    assert_eq!(import.records(&records).send().await.status, 500);
    singles::broken_store(w, marks).await;
    uploads::broken_store(w, marks).await;
    let robot = json!({"username": marks.new_of("robot"), "password": marks.new_of("password")});
    assert_eq!(w.authenticate(robot.to_string()).await.status, 500);
    let operator = json!({"name": marks.new_of("operator"), "password": marks.new_of("password")});
    let session = w.call(Method::POST, "/admin/v1/sessions");
    let session = session.content_type(Some("application/json"));
    let reply = session.body(operator.to_string()).send().await;
    assert_eq!(reply.status, 500, "{reply}");
}

/// What an operator makes, finds and is refused.
async fn operators(w: &World, marks: &mut Marks) {
    marks.keep(&w.tenants[0].operator.password);
    marks.keep(w.session(0).await);
    let (name, password) = (marks.new_of("operator"), marks.new_of("password"));
    let wrong = json!({"name": name, "password": marks.new_of("guess")});
    let right = json!({"name": name, "password": password, "role": "read"});
    let robot = marks.new_of("robot");
    let user = marks.new_of("login");
    let email = format!("{}@example.com", marks.new_of("email"));
    let settings = json!({
        "title": marks.new_of("title"), "notes": marks.new_of("notes"),
        "notification_emails": [email], "permitted_robots": [robot],
    });
    let refused = json!({"notification_emails": [marks.new_of("email")]});
    for (method, path, body, status) in [
        (Method::POST, "/operators", right, 201),
        (Method::POST, "/sessions", wrong, 401),
        (Method::POST, "/robots", json!({"name": robot}), 201),
        (
            Method::POST,
            "/tokens",
            json!({"robot": robot, "title": marks.new_of("title")}),
            201,
        ),
        (Method::POST, "/tasks", json!({"settings": settings}), 201),
        (Method::POST, "/tasks", json!({"settings": refused}), 422),
    ] {
        let reply = w.send_json(method, path, &body).await;
        assert_eq!(reply.status, status, "{path}: {reply}");
        for secret in ["token", "password"] {
            if let Some(secret) = reply.json()[secret].as_str() {
                marks.keep(secret);
            }
        }
    }
    marks.keep(
        &w.begin_session(&SignIn {
            username: name,
            password,
        })
        .await,
    );
    let record = json!([{"Username": user, "Role": "catman", "E-mail": "someone@example.com"}]);
    marks.ran(&w.send(&record).await);
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

/// Marks in each place of each operation of the operator's API: paths, queries, bodies.
async fn operations(w: &World, marks: &mut Marks) {
    let document = serde_json::to_value(muster_local::openapi::document()).expect("JSON");
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some(path) = path.strip_prefix("/admin/v1") else {
            continue;
        };
        for (method, operation) in methods.as_object().expect("methods") {
            // Ends the session of all others.
            if (method.as_str(), path) == ("delete", "/session") {
                continue;
            }
            let filled: Vec<String> = path
                .split('/')
                .map(|part| match part.starts_with('{') {
                    true => marks.new_of("path"),
                    false => part.to_owned(),
                })
                .collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query: Vec<String> = parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| {
                    let name = parameter["name"].as_str().expect("a name");
                    format!("{name}={}", marks.new_of("query"))
                })
                .collect();
            let method = method.to_uppercase().parse().expect("a method");
            let call = w.operator(0, method, &filled.join("/")).await;
            let call = call.query(&query.join("&"));
            let body = json!({marks.new_of("member"): marks.new_of("value")});
            let call = call
                .content_type(Some("application/json"))
                .body(body.to_string());
            let reply = call.send().await;
            assert!(reply.status < 500, "{path}: {reply}");
        }
    }
}

/// Personal data where it does not belong: in paths, queries and methods.
async fn paths(w: &World, marks: &mut Marks) {
    let token = w.token(0).await.to_owned();
    let send = async |call: Call<'_>| call.token(&token).send().await.status;
    let mark = marks.new_of("path");
    assert_eq!(send(w.call(Method::GET, &format!("/{mark}"))).await, 404);
    let user = format!("/v1/users/{mark}");
    assert_eq!(send(w.call(Method::PUT, &user).query(&mark)).await, 404);
    let import = w.import(0).await.body("[]");
    assert_eq!(send(import.clone().task(&mark)).await, 404);
    let query = format!("debug&name={}", marks.new_of("query"));
    assert_eq!(send(import.clone().query(&query)).await, 200);
    assert_eq!(send(import.method(Method::DELETE).query(&query)).await, 405);
    for filter in ["text", "login", "external_id"] {
        let search = w.operator(0, Method::GET, "/users").await;
        let search = search.query(&format!("{filter}={}", marks.new_of("query")));
        assert_eq!(search.send().await.status, 200);
    }
    let sign_in = w.call(Method::GET, "/authenticate");
    let query = format!("password={}", marks.new_of("query"));
    assert_eq!(send(sign_in.query(&query)).await, 405);
}
