//! Runs the binary with an environment and a configuration folder of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A home for one test: nothing in it is shared with another one, or with the person's own.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and answers its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn profile(&self, name: &str) -> PathBuf {
        self.path().join(format!("muster/profiles/{name}.json"))
    }

    /// The command, ready to be run.
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

    /// Starts the command, whose output is kept.
    pub fn start(&self, args: &[&str]) -> Child {
        self.muster(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the command with nothing on standard input.
    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::new(self.muster(args).output().unwrap())
    }

    /// Runs the command with this on standard input.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ended {
        Ended::with_input(self.muster(args), input)
    }
}

/// Presses Ctrl-C on a command that runs, and answers how it ended.
#[cfg(unix)]
pub fn interrupt(child: Child) -> Ended {
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    Ended::new(child.wait_with_output().unwrap())
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command with this on standard input.
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
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.err.contains(text),
            "standard error lacks {text:?}: {self:#?}"
        );
        self
    }

    #[track_caller]
    pub fn prints(&self, text: &str) -> &Self {
        assert!(
            self.out.contains(text),
            "standard output lacks {text:?}: {self:#?}"
        );
        self
    }

    #[track_caller]
    pub fn prints_nothing(&self) -> &Self {
        assert_eq!(self.out, "", "{self:#?}");
        self
    }
}
