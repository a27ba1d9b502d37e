//! The command line itself.

use crate::muster::Home;

#[test]
fn a_wrong_command_line_is_a_usage_error() {
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
        home.run(args).expect(2).prints_nothing();
    }
}

#[test]
fn a_task_id_is_a_whole_number() {
    let home = Home::new();
    home.run(&["import", "users.json", "--task", "two"])
        .expect(2)
        .says("such as 206");
}

#[test]
fn a_token_that_cannot_be_one_is_a_usage_error() {
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
            .expect(2)
            .says("MUSTER_TOKEN");
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
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
            .expect(0)
            .prints("Examples:")
            .prints(&format!("muster {command}"));
    }
    home.run(&["--help"])
        .expect(0)
        .prints("Exit codes: 0 ok, 1 failure, 2 usage");
    home.run(&["--version"]).expect(0).prints("muster 0.");
}

#[test]
fn a_server_url_that_is_none_is_a_usage_error() {
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
        home.run(&args).expect(2).says("server URL");
    }
}

#[test]
fn nothing_is_coloured_when_it_is_piped() {
    let home = Home::new();
    for args in [
        &["--help"] as &[&str],
        &["import", "x.json", "--task", "1"],
        &["frobnicate"],
    ] {
        let ended = home.run(args);
        assert!(
            !ended.out.contains('\u{1b}') && !ended.err.contains('\u{1b}'),
            "{ended:#?}"
        );
    }
}

#[test]
fn every_shell_can_complete_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        home.run(&["completions", shell])
            .expect(0)
            .prints("muster")
            .prints("no-input")
            .prints("whoami")
            .prints("shop-external-ids");
    }
}
