//! Workers in processes of their own, with a stack that has none.

use std::collections::BTreeMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use muster_local::Ready;
use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{UpProcess, WAIT_TIMEOUT, muster_local, run, sign_in, until};

/// A running worker; killed on drop.
pub(crate) struct WorkerProcess(Child);

impl WorkerProcess {
    /// Starts a function with this environment.
    pub(crate) fn start(environment: &BTreeMap<String, String>, function: &[&str]) -> Self {
        let mut command = command(function);
        let child = command.envs(environment).spawn().unwrap();
        Self(child)
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        until("the end of the worker", || self.0.try_wait().unwrap())
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Returns the command of a worker with an empty environment.
fn command(function: &[&str]) -> Command {
    let mut command = muster_local(&["worker"]);
    command.args(function).env_clear();
    command.stdout(Stdio::null());
    command
}

/// A client that imports large files.
pub(crate) struct ImportClient {
    client: Client,
    token: String,
    url: String,
    task_id: u64,
}

impl ImportClient {
    pub(crate) async fn sign_in(ready: &Ready) -> Self {
        let (client, token) = sign_in(ready).await;
        Self {
            client,
            token,
            url: ready.url.clone(),
            task_id: ready.tenants[0].task_id,
        }
    }

    async fn request(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token);
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        let response = request.send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.status()
        );
        response.json().await.unwrap()
    }

    /// Uploads a file of one part, starts its import, and returns the id of the import.
    pub(crate) async fn import(&self, file: Vec<u8>) -> String {
        let path = format!("/v1/import/user-data/{}/uploads", self.task_id);
        let upload = self
            .request(Method::POST, &path, &json!({"size": file.len()}))
            .await;
        assert_eq!(upload["part_count"], 1);
        let url = upload["parts"][0]["url"].as_str().unwrap();
        let uploaded = self.client.put(url).body(file).send().await.unwrap();
        assert_eq!(uploaded.status().as_u16(), 200);
        let import = upload["import_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/imports/{import}/complete");
        self.request(Method::POST, &path, &Value::Null).await;
        import
    }

    /// Returns the status of an import.
    pub(crate) async fn status(&self, import: &str) -> Value {
        let path = format!("/v1/imports/{import}");
        self.request(Method::GET, &path, &Value::Null).await
    }
}

#[test]
fn a_worker_without_environment_names_the_missing_variable() {
    for function in ["processor", "writer", "sweeper"] {
        let output = command(&[function]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("MUSTER_TABLE_DIRECTORY is not set"),
            "{error}"
        );
    }
    assert_eq!(run(&["worker", "auth"]).status.code(), Some(2));
    let none = run(&["worker", "writer", "--workers", "0"]);
    assert_eq!(none.status.code(), Some(2));
    let both = run(&["up", "--no-workers", "--writers", "3"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn invalid_times_are_refused_before_anything_starts() {
    let mut up = muster_local(&["up", "--port", "0"]);
    let output = up.env("MUSTER_TIMES", r#"{"heartbeat": 0}"#).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("MUSTER_TIMES cannot be used"), "{error}");
}

#[tokio::test]
async fn separate_workers_process_the_imports_of_a_stack_without_workers() {
    let folder = tempfile::tempdir().unwrap();
    let up = UpProcess::start(folder.path(), &["--no-workers"]);
    let client = ImportClient::sign_in(&up.ready).await;
    let file = r#"[{"Username":"jack.woo","Role":"catman","E-mail":"jack.woo@example.com"}]"#;
    let import = client.import(file.into()).await;
    assert_eq!(client.status(&import).await["state"], "queued");

    let environment = &up.ready.environment;
    let functions: [&[&str]; 3] = [&["processor"], &["writer", "--workers", "2"], &["sweeper"]];
    let workers = functions.map(|function| WorkerProcess::start(environment, function));
    let started = Instant::now();
    let ended = loop {
        let status = client.status(&import).await;
        if status["state"] == "finished" {
            break status;
        }
        assert!(
            started.elapsed() < WAIT_TIMEOUT,
            "the import does not end: {status}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&ended["Status"], &ended["Created"]),
        (&json!("SUCCESS"), &json!(1))
    );
    for mut worker in workers {
        assert_eq!(worker.end().code(), Some(0));
    }
    up.signal(Signal::TERM);
    assert_eq!(up.end().code(), Some(0));
}
