//! Workers as processes of their own, beside a stack that has none.

use std::collections::BTreeMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use muster_local::Ready;
use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{PATIENCE, Up, muster, run, sign_in, until};

/// A running worker; killed when a test fails.
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts a function against this environment.
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

impl Drop for Worker {
    fn drop(&mut self) {
        // Ended already, where all went well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A worker without anything of the environment that these tests run in.
fn command(function: &[&str]) -> Command {
    let mut command = muster(&["worker"]);
    command.args(function).env_clear();
    command.stdout(Stdio::null());
    command
}

/// What a client does with a large import.
pub(crate) struct Robot {
    client: Client,
    token: String,
    url: String,
    task_id: u64,
}

impl Robot {
    pub(crate) async fn of(ready: &Ready) -> Self {
        let (client, token) = sign_in(ready).await;
        Self {
            client,
            token,
            url: ready.url.clone(),
            task_id: ready.tenants[0].task_id,
        }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token);
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        let reply = request.send().await.unwrap();
        assert!(reply.status().is_success(), "{path}: {}", reply.status());
        reply.json().await.unwrap()
    }

    /// Sends a file that is one part, and has it imported; the import's id.
    pub(crate) async fn import(&self, file: Vec<u8>) -> String {
        let path = format!("/v1/import/user-data/{}/uploads", self.task_id);
        let upload = self
            .ask(Method::POST, &path, &json!({"size": file.len()}))
            .await;
        assert_eq!(upload["part_count"], 1);
        let url = upload["parts"][0]["url"].as_str().unwrap();
        let sent = self.client.put(url).body(file).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 200);
        let import = upload["import_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/imports/{import}/complete");
        self.ask(Method::POST, &path, &Value::Null).await;
        import
    }

    /// How an import stands.
    pub(crate) async fn standing(&self, import: &str) -> Value {
        let path = format!("/v1/imports/{import}");
        self.ask(Method::GET, &path, &Value::Null).await
    }
}

#[test]
fn a_worker_that_does_not_know_where_the_services_are_says_what_is_missing() {
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
fn times_that_cannot_be_are_refused_before_anything_starts() {
    let mut up = muster(&["up", "--port", "0"]);
    let output = up.env("MUSTER_TIMES", r#"{"heartbeat": 0}"#).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("MUSTER_TIMES cannot be used"), "{error}");
}

#[tokio::test]
async fn workers_of_their_own_do_what_a_stack_without_workers_leaves_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path(), &["--no-workers"]);
    let robot = Robot::of(&up.ready).await;
    let file = r#"[{"Username":"jack.woo","Role":"catman","E-mail":"jack.woo@example.com"}]"#;
    let import = robot.import(file.into()).await;
    assert_eq!(robot.standing(&import).await["state"], "queued");

    let environment = &up.ready.environment;
    let functions: [&[&str]; 3] = [&["processor"], &["writer", "--workers", "2"], &["sweeper"]];
    let workers = functions.map(|function| Worker::start(environment, function));
    let began = Instant::now();
    let ended = loop {
        let standing = robot.standing(&import).await;
        if standing["state"] == "finished" {
            break standing;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end: {standing}");
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
