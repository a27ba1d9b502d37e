//! Tests of the binary: signals, ports, ready file, kill -9. Every wait is for an observable event
//! (a line, a file, the end of the process) and has an upper bound.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod killed;
mod workers;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use muster_aws::{Config, Store, Tables};
use muster_local::{Ready, loopback_client};
use rustix::process::{Pid, Signal, kill_process};

/// Upper bound of every wait.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

fn muster_local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster-local"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

/// Runs a command to its end.
fn run(arguments: &[&str]) -> Output {
    muster_local(arguments).output().unwrap()
}

/// A running `up`; killed on drop.
struct UpProcess {
    child: Child,
    stderr: BufReader<ChildStderr>,
    ready: Ready,
}

impl UpProcess {
    fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_with(folder, more, &[])
    }

    /// Starts `up` with additional environment variables.
    fn start_with(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let file = folder.join("ready.json");
        // A file left by a killed process would exist before this process clears it.
        drop(std::fs::remove_file(&file));
        let mut child = muster_local(&["up", "--port", "0", "--ready-file"])
            .arg(&file)
            .args(more)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let ready = until("the ready file", || {
            assert_eq!(child.try_wait().unwrap(), None, "up ended early");
            // Written atomically, so an existing file is complete.
            let json = std::fs::read(&file).ok()?;
            Some(serde_json::from_slice(&json).unwrap())
        });
        Self {
            child,
            stderr,
            ready,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(mut self) -> ExitStatus {
        until("the end of the process", || self.child.try_wait().unwrap())
    }

    fn log_line_with(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "no {text}");
        }
    }
}

impl Drop for UpProcess {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Polls until `poll` returns a value.
fn until<T>(event: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(
            started.elapsed() < WAIT_TIMEOUT,
            "timed out waiting for {event}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// Signs in as the first tenant's robot; returns the client and the token.
async fn sign_in(ready: &Ready) -> (reqwest::Client, String) {
    let client = loopback_client().unwrap();
    let request = client.post(format!("{}/authenticate", ready.url));
    let response = request.json(&ready.tenants[0].robot).send().await.unwrap();
    let signed_in: serde_json::Value = response.json().await.unwrap();
    (client, signed_in["token"].as_str().unwrap().to_owned())
}

/// Signs in and imports one user; returns the HTTP status and the body.
async fn import(ready: &Ready) -> (u16, serde_json::Value) {
    let (client, token) = sign_in(ready).await;
    let task_id = ready.tenants[0].task_id;
    let url = format!("{}/v1/import/user-data/{task_id}", ready.url);
    let response = client
        .post(url)
        .bearer_auth(token)
        .json(&serde_json::json!([{
            "Username": "jack.woo", "Role": "catman", "E-mail": "jack.woo@example.com",
        }]))
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[test]
fn the_demo_passes_all_checks_and_prints_no_colours_to_a_pipe() {
    let output = run(&["demo", "--users", "3000"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("checks passed"), "{text}");
    assert!(text.contains("jack.woo@example.com"), "{text}");
    assert!(text.contains("3,000 records in"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_signal_stops_the_stack_and_removes_the_ready_file() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let up = UpProcess::start(folder.path(), &[]);
        let address = up.ready.url.trim_start_matches("http://").to_owned();
        TcpStream::connect(&address).unwrap();
        up.signal(signal);
        assert_eq!(up.end().code(), Some(0));
        assert!(!folder.path().join("ready.json").exists());
        assert!(TcpStream::connect(&address).is_err());
    }
}

#[test]
fn a_second_signal_cuts_off_requests_in_progress() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = UpProcess::start(folder.path(), &[]);
    let mut half_request = TcpStream::connect(up.ready.url.trim_start_matches("http://")).unwrap();
    half_request
        .write_all(b"POST /authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    // The server is processing the request when it asks for the body.
    let mut response = [0; 12];
    half_request.read_exact(&mut response).unwrap();
    assert_eq!(&response, b"HTTP/1.1 100");
    up.signal(Signal::TERM);
    up.log_line_with("stopping");
    up.signal(Signal::TERM);
    assert_eq!(up.end().code(), Some(130));
}

#[test]
fn a_port_in_use_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for command in ["up", "aws"] {
        let output = run(&[command, "--port", &port]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!(
                "error: port {port} is in use by another program: stop it, or choose another port with --port\n"
            )
        );
    }
}

#[test]
fn a_data_directory_is_used_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let first = UpProcess::start(folder.path(), &["--data", data]);
    for command in ["up", "aws"] {
        let ready = folder.path().join("ready.json");
        let mut second = muster_local(&[command, "--port", "0", "--data", data]);
        if command == "up" {
            second.arg("--ready-file").arg(&ready);
        }
        let output = second.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("in use by another muster-local"), "{error}");
        assert!(
            ready.exists(),
            "the ready file of the first process is kept"
        );
    }
    first.signal(Signal::TERM);
    assert_eq!(first.end().code(), Some(0));
}

#[tokio::test]
async fn acknowledged_users_and_passwords_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let first = UpProcess::start(folder.path(), &["--data", data]);
    let (status, body) = import(&first.ready).await;
    assert_eq!((status, &body["Status"]), (200, &"SUCCESS".into()));
    let tenants = first.ready.tenants.clone();
    first.signal(Signal::KILL);
    first.end();

    let mut aws = muster_local(&["aws", "--port", "0", "--data", data])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let environment: Vec<(String, String)> = BufReader::new(aws.stdout.take().unwrap())
        .lines()
        .take(11)
        .map(|line| {
            let line = line.unwrap();
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let of = |name: &str| {
        let variable = environment.iter().find(|(found, _)| found == name);
        variable
            .unwrap_or_else(|| panic!("{name} in {environment:?}"))
            .1
            .clone()
    };
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(!of(name).is_empty());
    }
    let store = Store::connect(&Config::local(
        of("AWS_ENDPOINT_URL_DYNAMODB"),
        Tables {
            directory: of("MUSTER_TABLE_DIRECTORY"),
            control: of("MUSTER_TABLE_CONTROL"),
        },
    ))
    .await;
    let users = store.directory().users(["jack.woo"]).await.unwrap();
    let jack = users["jack.woo"].user.clone().unwrap();
    assert_eq!(jack.tenant, tenants[0].name);
    kill_process(Pid::from_child(&aws), Signal::TERM).unwrap();
    assert_eq!(aws.wait().unwrap().code(), Some(0));

    let third = UpProcess::start(folder.path(), &["--data", data]);
    assert_eq!(third.ready.tenants, tenants);
    assert_eq!(import(&third.ready).await.0, 200);
    third.signal(Signal::TERM);
    assert_eq!(third.end().code(), Some(0));
}

#[test]
fn an_invalid_command_line_exits_with_2() {
    assert_eq!(run(&["up", "--port", "70000"]).status.code(), Some(2));
    assert_eq!(run(&["down"]).status.code(), Some(2));
    assert!(run(&["--help"]).status.success());
}
