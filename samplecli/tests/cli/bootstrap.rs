//! `muster bootstrap`, against the whole service on this machine, whose tables know nothing of
//! who is to be set up.

use std::process::Command;

use muster_local::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::muster::{Ended, Home};

/// What the tables of a local stack are called after.
const STACK: &str = "muster-local";

const TASK: &str = r#"{
  "id": 1, "enabled": true, "title": "Staff",
  "attribute_mapping": {"username": "Username", "role": "Role"},
  "role_mapping": {"catman": "Category Manager"}
}"#;

/// The command in an environment of its own, in which the SDK finds nothing of the machine's.
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

/// A service that runs, and a home.
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

    fn bootstrap(&self, flags: &[&str]) -> Ended {
        Ended::new(self.command(STACK, flags).output().unwrap())
    }
}

/// The value of a line of the table.
fn value<'a>(ended: &'a Ended, name: &str) -> &'a str {
    let line = ended
        .out
        .lines()
        .find(|line| line.split("  ").next() == Some(name));
    line.unwrap()[name.len()..].trim()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_deployment_can_be_used_with_what_is_printed() {
    let deployment = Deployment::start().await;
    let ended = deployment.bootstrap(&["--robot", "initech-robot", "--task", "task.json"]);
    ended
        .expect(0)
        .prints("Operator          anna\n")
        .prints("Robot             initech-robot\n")
        .prints("Task id           208\n")
        .says("shown only this once");

    let store = &deployment.stack.store;
    let password = value(&ended, "Password");
    let operator = store.verify_operator("anna", password.into()).await;
    assert_eq!(operator.unwrap().unwrap().operator.tenant, "initech");
    let task = store.get_task(208).await.unwrap().unwrap();
    assert_eq!(task.settings.permitted_robots, ["initech-robot"]);
    assert!(task.settings.enabled);

    let args = [
        "login",
        "--url",
        &deployment.stack.url,
        "--username",
        "initech-robot",
        "--password-stdin",
    ];
    let robot_password = value(&ended, "Robot password");
    deployment
        .home
        .run_with_input(&args, robot_password.as_bytes())
        .expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_time_says_who_was_first_and_changes_nothing() {
    let deployment = Deployment::start().await;
    deployment.bootstrap(&[]).expect(0);
    deployment
        .bootstrap(&["--robot", "late-robot"])
        .expect(1)
        .prints_nothing()
        .says("was set up on 20")
        .says("the operator anna of the tenant initech");
    let made = deployment
        .stack
        .store
        .create_robot(
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
async fn a_chosen_password_is_not_repeated() {
    let deployment = Deployment::start().await;
    let flags = ["--password-stdin", "--output", "json"];
    let ended = Ended::with_input(
        deployment.command(STACK, &flags),
        b"correct horse battery\n",
    );
    let made: Value = serde_json::from_str(&ended.expect(0).out).unwrap();
    assert_eq!(made, json!({"tenant": "initech", "operator": "anna"}));
    assert!(!ended.err.contains("horse") && !ended.err.contains("only this once"));
    let store = &deployment.stack.store;
    let operator = store
        .verify_operator("anna", "correct horse battery".into())
        .await;
    assert!(operator.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_holds_what_the_table_does() {
    let deployment = Deployment::start().await;
    let ended = deployment.bootstrap(&["--robot", "r", "--task", "task.json", "--output", "json"]);
    let made: Value = serde_json::from_str(&ended.expect(0).out).unwrap();
    assert_eq!(made["robot"], "r");
    assert_eq!(made["task_id"], 208);
    for password in ["password", "robot_password"] {
        assert_eq!(made[password].as_str().unwrap().len(), 24);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_names_what_and_leaves_the_deployment_fresh() {
    let deployment = Deployment::start().await;
    deployment
        .bootstrap(&["--robot", "acme-robot"])
        .expect(1)
        .says("the robot acme-robot is already in the table muster-local-control")
        .says("--robot");
    deployment
        .bootstrap(&["--robot", " "])
        .expect(2)
        .says("--robot");
    // Enabled, and nobody may run it.
    deployment
        .bootstrap(&["--task", "task.json"])
        .expect(1)
        .says("permitted_robots");
    deployment.bootstrap(&[]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_does_not_exist_is_named() {
    let deployment = Deployment::start().await;
    let ended = Ended::new(deployment.command("nowhere", &[]).output().unwrap());
    ended
        .expect(1)
        .prints_nothing()
        .says("the table nowhere-control does not exist in eu-central-1")
        .says("--stack");
}

#[test]
fn a_password_that_is_too_short_is_refused_before_anything_is_asked() {
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
    Ended::with_input(command(&home, &args), b"elevenchars\n")
        .expect(2)
        .says("has 11 characters; an operator's has 12 to 128");
}

#[test]
fn without_tables_it_names_both_ways_to_name_them() {
    let home = Home::new();
    let args = ["--tenant", "a", "--operator", "b"];
    Ended::new(command(&home, &args).output().unwrap())
        .expect(2)
        .says("--stack")
        .says("MUSTER_TABLE_DIRECTORY")
        .says("MUSTER_TABLE_CONTROL");
}

#[test]
fn without_a_region_or_credentials_it_says_so() {
    let home = Home::new();
    let args = ["--stack", STACK, "--tenant", "a", "--operator", "b"];
    let mut command = command(&home, &args);
    Ended::new(command.output().unwrap())
        .expect(2)
        .says("AWS_REGION");
    command.env("AWS_REGION", "eu-central-1");
    Ended::new(command.output().unwrap())
        .expect(1)
        .says("AWS credentials");
}
