//! `muster bootstrap` against a local stack.

use std::process::Command;

use muster_local::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::home::{CommandOutput, Home};

/// The name of the local stack in the names of its tables.
const STACK: &str = "muster-local";

const TASK: &str = r#"{
  "id": 1, "enabled": true, "title": "Staff",
  "attribute_mapping": {"username": "Username", "role": "Role"},
  "role_mapping": {"catman": "Category Manager"}
}"#;

/// Returns the command in an environment without AWS settings of the machine.
fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = home.muster(&[&["bootstrap"], args].concat());
    for variable in std::env::vars_os().map(|(variable, _)| variable) {
        let name = variable.to_string_lossy().to_uppercase();
        if name.starts_with("AWS_") || name.ends_with("_PROXY") {
            command.env_remove(variable);
        }
    }
    command
        .env("AWS_CONFIG_FILE", home.path().join("no-config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.path().join("no-keys"))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// A running stack and a home directory.
struct Deployment {
    home: Home,
    stack: Stack,
}

impl Deployment {
    async fn start() -> Self {
        let home = Home::new();
        home.file("task.json", TASK);
        let stack = Stack::start(StackOptions::default()).await.unwrap();
        Self { home, stack }
    }

    fn command(&self, stack: &str, flags: &[&str]) -> Command {
        let args = [
            "--stack",
            stack,
            "--tenant",
            "initech",
            "--operator",
            "anna",
        ];
        let mut command = command(&self.home, &[&args, flags].concat());
        command
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.stack.dynamodb_endpoint)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local");
        command
    }

    fn bootstrap(&self, flags: &[&str]) -> CommandOutput {
        CommandOutput::new(self.command(STACK, flags).output().unwrap())
    }
}

/// Returns the value of a line of the table.
fn value<'a>(output: &'a CommandOutput, name: &str) -> &'a str {
    let line = output
        .stdout
        .lines()
        .find(|line| line.split("  ").next() == Some(name));
    line.unwrap()[name.len()..].trim()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_passwords_work_in_a_fresh_deployment() {
    let deployment = Deployment::start().await;
    let output = deployment.bootstrap(&["--robot", "initech-robot", "--task", "task.json"]);
    output
        .exits_with(0)
        .stdout_contains("Operator          anna\n")
        .stdout_contains("Robot             initech-robot\n")
        .stdout_contains("Task id           208\n")
        .stderr_contains("shown only this once");

    let store = &deployment.stack.store;
    let password = value(&output, "Password");
    let operator = store.operators().verify("anna", password.into()).await;
    assert_eq!(operator.unwrap().unwrap().operator.tenant, "initech");
    let task = store.tasks().get(208).await.unwrap().unwrap();
    assert_eq!(task.settings.permitted_robots, ["initech-robot"]);
    assert!(task.settings.enabled);

    let robot_password = value(&output, "Robot password");
    deployment
        .home
        .login(
            &deployment.stack.url,
            "initech-robot",
            robot_password.as_bytes(),
        )
        .exits_with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_bootstrap_is_refused_and_changes_nothing() {
    let deployment = Deployment::start().await;
    deployment.bootstrap(&[]).exits_with(0);
    deployment
        .bootstrap(&["--robot", "late-robot"])
        .exits_with(1)
        .stdout_is_empty()
        .stderr_contains("was already set up on 20")
        .stderr_contains("the operator anna of the tenant initech");
    let made = deployment
        .stack
        .store
        .robots()
        .create(
            "initech",
            "late-robot",
            "x".into(),
            "2026-11-21T08:00:00Z".parse().unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(
        made,
        muster_aws::Creation::Created,
        "the name is still free"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_given_password_is_not_printed() {
    let deployment = Deployment::start().await;
    let flags = ["--password-stdin", "--output", "json"];
    let output = CommandOutput::with_input(
        deployment.command(STACK, &flags),
        b"correct horse battery\n",
    );
    let made: Value = serde_json::from_str(&output.exits_with(0).stdout).unwrap();
    assert_eq!(made, json!({"tenant": "initech", "operator": "anna"}));
    assert!(!output.stderr.contains("horse") && !output.stderr.contains("only this once"));
    let store = &deployment.stack.store;
    let operator = store
        .operators()
        .verify("anna", "correct horse battery".into())
        .await;
    assert!(operator.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_output_has_the_values_of_the_table() {
    let deployment = Deployment::start().await;
    let output = deployment.bootstrap(&["--robot", "r", "--task", "task.json", "--output", "json"]);
    let made: Value = serde_json::from_str(&output.exits_with(0).stdout).unwrap();
    assert_eq!(made["robot"], "r");
    assert_eq!(made["task_id"], 208);
    for password in ["password", "robot_password"] {
        assert_eq!(made[password].as_str().unwrap().len(), 24);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_bootstrap_can_be_repeated() {
    let deployment = Deployment::start().await;
    deployment
        .bootstrap(&["--robot", "acme-robot"])
        .exits_with(1)
        .stderr_contains("the robot acme-robot already exists in the table muster-local-control")
        .stderr_contains("--robot");
    deployment
        .bootstrap(&["--robot", " "])
        .exits_with(2)
        .stderr_contains("--robot");
    // Enabled, but no robot may run it.
    deployment
        .bootstrap(&["--task", "task.json"])
        .exits_with(1)
        .stderr_contains("permitted_robots");
    deployment.bootstrap(&[]).exits_with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_stack_is_reported() {
    let deployment = Deployment::start().await;
    let output = CommandOutput::new(deployment.command("nowhere", &[]).output().unwrap());
    output
        .exits_with(1)
        .stdout_is_empty()
        .stderr_contains("the table nowhere-control does not exist in eu-central-1")
        .stderr_contains("--stack");
}

#[test]
fn a_short_password_is_refused_before_any_request() {
    let home = Home::new();
    let args = [
        "--stack",
        STACK,
        "--tenant",
        "a",
        "--operator",
        "b",
        "--password-stdin",
    ];
    CommandOutput::with_input(command(&home, &args), b"elevenchars\n")
        .exits_with(2)
        .stderr_contains("has 11 characters: expected 12 to 128");
}

#[test]
fn missing_tables_are_reported_with_flag_and_variables() {
    let home = Home::new();
    let args = ["--tenant", "a", "--operator", "b"];
    CommandOutput::new(command(&home, &args).output().unwrap())
        .exits_with(2)
        .stderr_contains("--stack")
        .stderr_contains("MUSTER_TABLE_DIRECTORY")
        .stderr_contains("MUSTER_TABLE_CONTROL");
}

#[test]
fn a_missing_region_or_missing_credentials_are_reported() {
    let home = Home::new();
    let args = ["--stack", STACK, "--tenant", "a", "--operator", "b"];
    let mut command = command(&home, &args);
    CommandOutput::new(command.output().unwrap())
        .exits_with(2)
        .stderr_contains("AWS_REGION");
    command.env("AWS_REGION", "eu-central-1");
    CommandOutput::new(command.output().unwrap())
        .exits_with(1)
        .stderr_contains("AWS credentials");
}
