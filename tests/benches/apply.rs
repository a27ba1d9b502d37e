//! What a writer spends on a statement, against the bare SDK: CPU time of a process that writes the
//! chunks of an import, and of one that sends the very same statements in the same batches with
//! nothing around. The services are in a process of their own, new for each of them, so their time
//! counts for neither.
//!
//! `cargo bench -p muster-tests --bench apply -- [USERS]`
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a figure that cannot be taken should end the bench"
)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use futures::StreamExt as _;
use jiff::Timestamp;
use muster_aws::background::{ChunkMessage, ProcessMessage};
use muster_aws::runs::RunId;
use muster_import::Runner;
use muster_local::{Ready, Stack, StackOptions, WorkerOptions};
use muster_sample::{Options, generate};
use muster_tests::background::{received, uploaded};
use muster_tests::between::{Answer, Passage, asked, text, through};
use muster_tests::faults::BATCH;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a statement may cost, in bare ones, and what is aimed at.
const BAR: f64 = 1.5;
const AIM: f64 = 1.25;
const USERS: u64 = 20_000;
const ROUNDS: usize = 5;
/// Batches that a writer has in flight.
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["services"] => serve().await,
        ["write", task, users] => write(task, users, None).await,
        ["record", task, users, file] => write(task, users, Some(Path::new(file))).await,
        ["bare", task, _, file] => send(task, Path::new(file)).await,
        others => compare(
            others
                .iter()
                .find_map(|it| it.parse().ok())
                .unwrap_or(USERS),
        ),
    }
}

/// Measures both by turns, and prints the medians.
fn compare(users: u64) {
    let kept = tempfile::NamedTempFile::new().expect("a file");
    let file = kept.path();
    let recorded = client("record", users, Some(file));
    let (mut writers, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        writers.push(client("write", users, None).cpu);
        bare.push(client("bare", users, Some(file)).cpu);
    }
    let statements = recorded.statements as f64;
    let (writer, bare) = (median(&mut writers), median(&mut bare));
    println!(
        "{users} new users, {} statements; CPU of the client, medians of {ROUNDS}",
        recorded.statements
    );
    for (what, cpu) in [("a writer", writer), ("bare SDK", bare)] {
        println!("  {what}: {:.1} µs a statement", cpu / statements * 1e6);
    }
    println!("  ratio {:.2} (bar {BAR}, aim {AIM})", writer / bare);
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// What a client says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Spent {
    /// Seconds of CPU, all threads.
    cpu: f64,
    statements: u64,
}

/// This program, as something else.
fn again(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("its path"));
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// Services of their own. Dropping them ends them.
struct Services(Child);

impl Services {
    fn start() -> (Self, Ready) {
        let child = again(&["services"]).stdin(Stdio::piped()).spawn();
        let mut services = Self(child.expect("it starts"));
        let said = services.0.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line).expect("a line");
        (
            services,
            serde_json::from_str(&line).expect("where they are"),
        )
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// Runs a client against services of its own.
fn client(what: &str, users: u64, file: Option<&Path>) -> Spent {
    let (services, ready) = Services::start();
    let (task, users) = (ready.tenants[0].task_id.to_string(), users.to_string());
    let mut command = again(&[what, &task, &users]);
    command.args(file).envs(ready.environment);
    // As it is deployed; the SDK's own connection could not be listened to.
    command
        .env("MUSTER_TLS_ROOTS", "amazon")
        .stderr(Stdio::inherit());
    let output = command.output().expect("it starts");
    drop(services);
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{what}: {} {said}", output.status))
}

/// The services, until nobody needs them any more.
async fn serve() {
    let options = StackOptions {
        workers: WorkerOptions::NONE,
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await.expect("the stack starts");
    println!("{}", serde_json::to_string(&stack.ready()).expect("JSON"));
    let wait = || std::io::stdin().read_to_end(&mut Vec::new());
    let ended = tokio::task::spawn_blocking(wait).await;
    ended.expect("a thread").expect("the input");
    stack.stop().await.expect("the stack stops");
}

/// Writes all chunks of an import, one after the other; or puts down there what was sent.
async fn write(task: &str, users: &str, file: Option<&Path>) {
    let task = task.parse().expect("a task");
    let users = users.parse().expect("a number");
    let mut runner = Runner::from_env().await.expect("the environment");
    let recorder = Arc::new(Recorder::default());
    if file.is_some() {
        let config = runner.store.client().config();
        let between = through(&recorder, config.http_client());
        let config = config.to_builder().http_client(between).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        runner.store = runner.store.through(client);
    }
    let (run, chunks) = checked(&runner, task, users).await;
    let began = cpu();
    for chunk in chunks {
        runner.write(chunk).await.expect("it is written");
    }
    let spent = cpu() - began;
    let run = runner.store.get_run(&run, Timestamp::now()).await;
    let run = run.expect("the store").expect("the run");
    let counts = run.counts.expect("it has ended");
    assert_eq!(counts.created, users, "{run:?}");
    if let Some(file) = file {
        let batches = recorder.batches();
        let batches = serde_json::to_vec(&*batches).expect("JSON");
        fs::write(file, batches).expect("the file is written");
    }
    say(spent, recorder.batches().iter().map(Vec::len).sum());
}

/// Imports new users as far as their chunks are queued.
async fn checked(runner: &Runner, task: u64, users: u64) -> (RunId, Vec<ChunkMessage>) {
    let options = Options {
        users,
        seed: 1,
        anomalies: false,
    };
    let mut file = Vec::new();
    generate(&options, &mut file).expect("memory");
    let task = runner.store.get_task(task).await.expect("the store");
    let task = task.expect("the task");
    let (run, _) = uploaded(&runner.store, &runner.background, &task, &file, false).await;
    let queues = &runner.background.queues;
    for message in received::<ProcessMessage>(&queues.client, queues.imports_url()).await {
        runner.process(message).await.expect("it is read");
    }
    let mut chunks = Vec::new();
    loop {
        let more = received(&queues.client, queues.chunks_url()).await;
        if more.is_empty() {
            return (run, chunks);
        }
        chunks.extend(more);
    }
}

/// Sends the recorded statements, and nothing else.
async fn send(task: &str, file: &Path) {
    let recorded = fs::read(file).expect("the recorded statements");
    let recorded: Vec<Vec<Value>> = serde_json::from_slice(&recorded).expect("statements");
    let batches: Vec<Vec<_>> = recorded
        .iter()
        .map(|batch| batch.iter().map(typed).collect())
        .collect();
    drop(recorded);
    let count = batches.iter().map(Vec::len).sum();
    let store = Runner::from_env().await.expect("the environment").store;
    // A writer's connection has been made when it begins.
    let task = store.get_task(task.parse().expect("a task")).await;
    assert!(task.expect("the store").is_some());
    let client = store.client();
    let began = cpu();
    let mut sent = futures::stream::iter(batches)
        .map(|batch| client.batch_execute_statement().set_statements(Some(batch)))
        .map(|call| call.send())
        .buffer_unordered(AT_ONCE);
    let mut done = 0;
    while let Some(answer) = sent.next().await {
        let answers = answer.expect("the store").responses.unwrap_or_default();
        assert!(answers.iter().all(|answer| answer.error.is_none()));
        done += answers.len();
    }
    let spent = cpu() - began;
    assert_eq!(done, count);
    say(spent, count);
}

fn typed(recorded: &Value) -> BatchStatementRequest {
    let parameters = recorded["Parameters"].as_array().expect("parameters");
    let returned = recorded["ReturnValuesOnConditionCheckFailure"].as_str();
    BatchStatementRequest::builder()
        .statement(recorded["Statement"].as_str().expect("a statement"))
        .set_parameters(Some(parameters.iter().map(value).collect()))
        .set_return_values_on_condition_check_failure(returned.map(Into::into))
        .build()
        .expect("a statement")
}

/// A value as the protocol writes it: `{"S": "text"}`.
fn value(written: &Value) -> AttributeValue {
    let (kind, value) = written
        .as_object()
        .and_then(|value| value.iter().next())
        .expect("a kind and a value");
    let values = || value.as_array().into_iter().flatten();
    let string = |value: &Value| value.as_str().expect("a text").to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(string(value)),
        "N" => AttributeValue::N(string(value)),
        "BOOL" => AttributeValue::Bool(value == true),
        "NULL" => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(values().map(string).collect()),
        "L" => AttributeValue::L(values().map(self::value).collect()),
        "M" => {
            let fields = value.as_object().into_iter().flatten();
            let fields = fields.map(|(name, value)| (name.clone(), self::value(value)));
            AttributeValue::M(fields.collect::<HashMap<_, _>>())
        }
        _ => panic!("no statement has one: {written}"),
    }
}

/// CPU time of this process so far, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn say(cpu: f64, statements: usize) {
    let statements = statements as u64;
    let spent = Spent { cpu, statements };
    println!("{}", serde_json::to_string(&spent).expect("JSON"));
}

/// Puts down the batches of statements that are sent through it.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Vec<Value>>>);

impl Recorder {
    fn batches(&self) -> MutexGuard<'_, Vec<Vec<Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage for Recorder {
    async fn pass(self: Arc<Self>, request: HttpRequest, behind: SharedHttpConnector) -> Answer {
        if asked(&request).1 == BATCH {
            let statements = text(&request)["Statements"].take();
            let statements = statements.as_array().cloned().expect("statements");
            self.batches().push(statements);
        }
        behind.call(request).await
    }
}
