//! The CPU time of a writer per statement, compared with the bare SDK: of a process that writes the
//! chunks of an import, and of one that sends the same statements in the same batches and does
//! nothing else. The services run in a process of their own, a new one for each, so their time is
//! not counted.
//!
//! `cargo bench -p muster-tests --bench apply -- [USERS]`
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench that cannot measure should end"
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
use muster_tests::background::{receive_messages, upload};
use muster_tests::interceptor::{
    BATCH_EXECUTE_STATEMENT, Interceptor, Response, intercepted, json_body, operation,
};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum CPU time of a statement, in statements of the bare SDK.
const MAX_RATIO: f64 = 1.5;
/// The goal for the same ratio.
const TARGET_RATIO: f64 = 1.25;
const DEFAULT_USERS: u64 = 20_000;
const ROUNDS: usize = 5;
/// Batches in flight at the same time, as in a writer.
const PARALLEL_BATCHES: usize = 4;

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
                .unwrap_or(DEFAULT_USERS),
        ),
    }
}

/// Measures both in turns, and prints the medians.
fn compare(users: u64) {
    let kept = tempfile::NamedTempFile::new().expect("a temporary file");
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
        "{users} new users, {} statements; CPU time of the client, medians of {ROUNDS}",
        recorded.statements
    );
    for (what, cpu) in [("a writer", writer), ("bare SDK", bare)] {
        println!("  {what}: {:.1} µs per statement", cpu / statements * 1e6);
    }
    println!(
        "  ratio {:.2} (at most {MAX_RATIO}, target {TARGET_RATIO})",
        writer / bare
    );
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// The measurement that a client process prints.
#[derive(Debug, Serialize, Deserialize)]
struct Measurement {
    /// CPU time of all threads, in seconds.
    cpu: f64,
    statements: u64,
}

/// Returns a command that runs this program with other arguments.
fn this_program(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// The services in a process of their own, which ends when this is dropped.
struct Services(Child);

impl Services {
    fn start() -> (Self, Ready) {
        let child = this_program(&["services"]).stdin(Stdio::piped()).spawn();
        let mut services = Self(child.expect("starting the services"));
        let output = services.0.stdout.take().expect("the output is piped");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the services print a line");
        (
            services,
            serde_json::from_str(&line).expect("a ready file as JSON"),
        )
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// Runs a client process against services of its own.
fn client(what: &str, users: u64, file: Option<&Path>) -> Measurement {
    let (services, ready) = Services::start();
    let (task, users) = (ready.tenants[0].task_id.to_string(), users.to_string());
    let mut command = this_program(&[what, &task, &users]);
    command.args(file).envs(ready.environment);
    // As deployed; the SDK's default connection cannot be intercepted.
    command
        .env("MUSTER_TLS_ROOTS", "amazon")
        .stderr(Stdio::inherit());
    let output = command.output().expect("running the client");
    drop(services);
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{what}: {} {printed}", output.status))
}

/// Runs the services until the standard input is closed.
async fn serve() {
    let options = StackOptions {
        workers: WorkerOptions::NONE,
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await.expect("the stack starts");
    println!("{}", serde_json::to_string(&stack.ready()).expect("JSON"));
    let wait = || std::io::stdin().read_to_end(&mut Vec::new());
    let ended = tokio::task::spawn_blocking(wait).await;
    ended.expect("a thread").expect("reading the input");
    stack.stop().await.expect("the stack stops");
}

/// Writes all chunks of an import, one after the other. With a file, records the statements there.
async fn write(task: &str, users: &str, file: Option<&Path>) {
    let task = task.parse().expect("a task id");
    let users = users.parse().expect("a number");
    let mut runner = Runner::from_env()
        .await
        .expect("the environment of the services");
    let recorder = Arc::new(Recorder::default());
    if file.is_some() {
        let config = runner.store.client().config();
        let http_client = intercepted(&recorder, config.http_client());
        let config = config.to_builder().http_client(http_client).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        runner.store = runner.store.through(client);
    }
    let (run, chunks) = queue_chunks(&runner, task, users).await;
    let began = cpu();
    for chunk in chunks {
        runner.write(chunk).await.expect("writing a chunk");
    }
    let spent = cpu() - began;
    let run = runner.store.runs().get(&run, Timestamp::now()).await;
    let run = run.expect("reading the run").expect("the run exists");
    let counts = run.counts.expect("the run has ended");
    assert_eq!(counts.created, users, "{run:?}");
    if let Some(file) = file {
        let batches = recorder.batches();
        let batches = serde_json::to_vec(&*batches).expect("JSON");
        fs::write(file, batches).expect("writing the statements");
    }
    print_measurement(spent, recorder.batches().iter().map(Vec::len).sum());
}

/// Imports new users until their chunks are queued.
async fn queue_chunks(runner: &Runner, task: u64, users: u64) -> (RunId, Vec<ChunkMessage>) {
    let options = Options {
        users,
        seed: 1,
        anomalies: false,
    };
    let mut file = Vec::new();
    generate(&options, &mut file).expect("writing to memory");
    let task = runner
        .store
        .tasks()
        .get(task)
        .await
        .expect("reading the task");
    let task = task.expect("the task exists");
    let (run, _) = upload(&runner.store, &runner.background, &task, &file, false).await;
    let queues = &runner.background.queues;
    let client = &queues.client;
    for message in receive_messages::<ProcessMessage>(client, queues.imports_url()).await {
        runner.process(message).await.expect("processing the file");
    }
    let mut chunks = Vec::new();
    loop {
        let more = receive_messages(client, queues.chunks_url()).await;
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
    let store = Runner::from_env()
        .await
        .expect("the environment of the services")
        .store;
    // A writer has an open connection when it begins.
    let task = store.tasks().get(task.parse().expect("a task id")).await;
    assert!(task.expect("reading the task").is_some());
    let client = store.client();
    let began = cpu();
    let mut sent = futures::stream::iter(batches)
        .map(|batch| client.batch_execute_statement().set_statements(Some(batch)))
        .map(|call| call.send())
        .buffer_unordered(PARALLEL_BATCHES);
    let mut done = 0;
    while let Some(output) = sent.next().await {
        let output = output.expect("sending a batch");
        let responses = output.responses.unwrap_or_default();
        assert!(responses.iter().all(|response| response.error.is_none()));
        done += responses.len();
    }
    let spent = cpu() - began;
    assert_eq!(done, count);
    print_measurement(spent, count);
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

/// Parses a value in DynamoDB's JSON form: `{"S": "text"}`.
fn value(written: &Value) -> AttributeValue {
    let (kind, value) = written
        .as_object()
        .and_then(|value| value.iter().next())
        .expect("a type and a value");
    let values = || value.as_array().into_iter().flatten();
    let string = |value: &Value| value.as_str().expect("a string").to_owned();
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
        _ => panic!("unexpected type in a statement: {written}"),
    }
}

/// Returns the CPU time of this process so far, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn print_measurement(cpu: f64, statements: usize) {
    let statements = statements as u64;
    let measurement = Measurement { cpu, statements };
    println!("{}", serde_json::to_string(&measurement).expect("JSON"));
}

/// Records the batches of statements that pass through it.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Vec<Value>>>);

impl Recorder {
    fn batches(&self) -> MutexGuard<'_, Vec<Vec<Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interceptor for Recorder {
    async fn intercept(
        self: Arc<Self>,
        request: HttpRequest,
        next: SharedHttpConnector,
    ) -> Response {
        if operation(&request).1 == BATCH_EXECUTE_STATEMENT {
            let statements = json_body(&request)["Statements"].take();
            let statements = statements.as_array().cloned();
            let statements = statements.expect("a list of statements");
            self.batches().push(statements);
        }
        next.call(request).await
    }
}
