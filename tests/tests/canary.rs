//! Nothing personal in any log: marked passwords, tokens, e-mail addresses, names and logins go
//! through every path of the API, and none of them may come out in a log line, whatever its level
//! of detail. Against a deployment, whoever runs this looks through the logs for what
//! `MUSTER_CANARY_FILE` lists afterwards.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use muster_aws::telemetry;
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
        let mark = format!("{MARK}.{kind}.{}", self.tag);
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
    refusals(&w, &mut marks).await;
    paths(&w, &mut marks).await;

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
    let failed = ["sign-in failed", "import request failed"];
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
    let robot = json!({"username": marks.new_of("robot"), "password": marks.new_of("password")});
    assert_eq!(w.authenticate(robot.to_string()).await.status, 500);
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
