//! Runs the binary with its own environment and configuration directory.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A home directory of one test, not shared with other tests or the user.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn profile(&self, name: &str) -> PathBuf {
        self.path().join(format!("muster/profiles/{name}.json"))
    }

    /// Returns the command.
    pub fn muster(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(args)
            .current_dir(self.path())
            .env("XDG_CONFIG_HOME", self.path())
            .stdin(Stdio::null());
        for variable in [
            "MUSTER_URL",
            "MUSTER_TOKEN",
            "MUSTER_OPERATOR_TOKEN",
            "MUSTER_PASSWORD",
            "MUSTER_TABLE_DIRECTORY",
            "MUSTER_TABLE_CONTROL",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// Starts the command and captures its output.
    pub fn start(&self, args: &[&str]) -> Child {
        self.muster(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the command with nothing on standard input.
    pub fn run(&self, args: &[&str]) -> CommandOutput {
        CommandOutput::new(self.muster(args).output().unwrap())
    }

    /// Signs a robot in.
    pub fn login(&self, url: &str, username: &str, password: &[u8]) -> CommandOutput {
        let args = ["login", "--url", url, "--username", username];
        self.run_with_input(&[&args[..], &["--password-stdin"]].concat(), password)
    }

    /// Runs the command with standard input.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> CommandOutput {
        CommandOutput::with_input(self.muster(args), input)
    }
}

/// Returns the command line of an import with a robot's token.
pub fn import_args<'a>(file: &'a str, url: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    let import = ["import", file, "--task", "206"];
    [&import, &["--url", url, "--token", "t0ken"], flags].concat()
}

/// Interrupts a running command, as Ctrl-C does, and returns its output.
#[cfg(unix)]
pub fn interrupt(child: Child) -> CommandOutput {
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    CommandOutput::new(child.wait_with_output().unwrap())
}

/// Exit code and output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl CommandOutput {
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command with standard input.
    pub fn with_input(mut command: Command, input: &[u8]) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Self::new(child.wait_with_output().unwrap())
    }

    #[track_caller]
    pub fn exits_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn stderr_contains(&self, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text),
            "standard error lacks {text:?}: {self:#?}"
        );
        self
    }

    #[track_caller]
    pub fn stdout_contains(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text),
            "standard output lacks {text:?}: {self:#?}"
        );
        self
    }

    #[track_caller]
    pub fn stdout_is_empty(&self) -> &Self {
        assert_eq!(self.stdout, "", "{self:#?}");
        self
    }
}
