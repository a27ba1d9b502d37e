//! The command line.

use crate::home::Home;

#[test]
fn a_dry_run_in_another_spelling_sends_nothing() {
    let home = Home::new();
    home.file("users.json", "[]");
    for flag in [
        "--dryrun",
        "--dryRun",
        "--dry_run",
        "--DRY-RUN",
        "--dry",
        "--dry-run=true",
        "--dry-run=false",
        "--validate",
        "--test",
        "-n",
    ] {
        home.run(&["import", "users.json", "--task", "2", flag])
            .exits_with(2)
            .stdout_is_empty();
    }
}

#[test]
fn an_invalid_command_line_is_a_usage_error() {
    let home = Home::new();
    for args in [
        &[] as &[&str],
        &["frobnicate"],
        &["import"],
        &["import", "users.json"],
        &["import", "users.json", "--task", "two"],
        &["import", "users.json", "--task", "2", "--output", "xml"],
        &["import", "users.json", "--task", "2", "--parallel", "0"],
        &["import", "users.json", "--task", "2", "--format", "csv"],
        &[
            "import",
            "users.json",
            "--task",
            "2",
            "--resume",
            "r",
            "--format",
            "json",
        ],
        &["status"],
        &["status", "a/b"],
        &["cancel"],
        &["rejected", "0198c7"],
        &["check", "users.json"],
        &[
            "check",
            "users.json",
            "--settings",
            "task.json",
            "--threads",
            "0",
        ],
        &["generate"],
        &["generate", "-5"],
        &["generate", "many"],
        &["login", "--profile", "../../etc"],
        &["bootstrap", "--stack", "muster-prod"],
        &[
            "bootstrap",
            "--stack",
            "a#b",
            "--tenant",
            "acme",
            "--operator",
            "anna",
        ],
    ] {
        home.run(args).exits_with(2).stdout_is_empty();
    }
}

#[test]
fn a_task_id_is_a_whole_number() {
    let home = Home::new();
    home.run(&["import", "users.json", "--task", "two"])
        .exits_with(2)
        .stderr_contains("such as 206");
}

#[test]
fn an_invalid_token_is_a_usage_error() {
    let home = Home::new();
    let args = [
        "import",
        "users.json",
        "--task",
        "2",
        "--url",
        "http://127.0.0.1:1",
    ];
    for token in ["two words", "žeton", "two\nlines"] {
        home.run(&[&args[..], &["--token", token]].concat())
            .exits_with(2)
            .stderr_contains("MUSTER_TOKEN");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let home = Home::new();
    for command in [
        "login",
        "import",
        "status",
        "cancel",
        "rejected",
        "check",
        "generate",
        "task",
        "runs",
        "users",
        "bootstrap",
    ] {
        home.run(&[command, "--help"])
            .exits_with(0)
            .stdout_contains("Examples:")
            .stdout_contains(&format!("muster {command}"));
    }
    home.run(&["--help"])
        .exits_with(0)
        .stdout_contains("Exit codes: 0 ok, 1 failure, 2 usage");
    home.run(&["--version"])
        .exits_with(0)
        .stdout_contains("muster 0.");
}

#[test]
fn an_invalid_server_url_is_a_usage_error() {
    let home = Home::new();
    home.file("users.json", "[]");
    for url in [
        "127.0.0.1:9000",
        "ftp://127.0.0.1",
        "http://robot:secret@127.0.0.1",
    ] {
        let args = [
            "import",
            "users.json",
            "--task",
            "2",
            "--token",
            "t",
            "--url",
            url,
        ];
        home.run(&args).exits_with(2).stderr_contains("server URL");
    }
}

#[test]
fn piped_output_has_no_colours() {
    let home = Home::new();
    for args in [
        &["--help"] as &[&str],
        &["import", "x.json", "--task", "1"],
        &["frobnicate"],
    ] {
        let output = home.run(args);
        assert!(
            !output.stdout.contains('\u{1b}') && !output.stderr.contains('\u{1b}'),
            "{output:#?}"
        );
    }
}

#[test]
fn every_shell_has_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        home.run(&["completions", shell])
            .exits_with(0)
            .stdout_contains("muster")
            .stdout_contains("no-input")
            .stdout_contains("whoami")
            .stdout_contains("shop-external-ids");
    }
}
