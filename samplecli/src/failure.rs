//! How a command ends: the exit codes, and failures that say what is wrong and what to do next.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::terminal::{self, shown};

/// The exit codes of the client. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// It failed.
    Failure = 1,
    /// The command line or the environment is wrong.
    Usage = 2,
    /// The import or check went through and gave warnings.
    Partial = 3,
    /// There is no token, or the server refused it.
    NotSignedIn = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug, Clone)]
pub struct Failure {
    exit: Exit,
    message: String,
    next: Option<String>,
}

impl Failure {
    /// It failed: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failure,
            message: message.into(),
            next: None,
        }
    }

    /// The command line or the environment is wrong: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
            next: None,
        }
    }

    /// There is no token, or the server refused it: exit code 4.
    pub fn not_signed_in(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::NotSignedIn,
            message: message.into(),
            next: None,
        }
    }

    /// Names the next step.
    pub fn next(self, next: impl Into<String>) -> Self {
        Self {
            next: Some(next.into()),
            ..self
        }
    }

    /// Names one more step, after those that are named.
    pub fn then(self, next: impl Into<String>) -> Self {
        let next = next.into();
        let next = match &self.next {
            Some(first) => format!("{first}\n{next}"),
            None => next,
        };
        self.next(next)
    }

    /// What is wrong, in its first line.
    pub fn message(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Says it on standard error.
    pub fn report(&self) {
        let red: Style = AnsiColor::Red.on_default().bold();
        let mut lines = self
            .message
            .lines()
            .chain(self.next.iter().flat_map(|next| next.lines()));
        terminal::say(&format!(
            "{red}error:{red:#} {}",
            shown(lines.next().unwrap_or_default())
        ));
        for line in lines {
            terminal::say(&format!("  {}", shown(line)));
        }
    }
}
