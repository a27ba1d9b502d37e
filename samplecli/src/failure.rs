//! Exit codes, and failures with hints on what to do next.

use std::process::ExitCode;

/// The exit codes of the client. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Ok = 0,
    /// The command failed.
    Failure = 1,
    /// The command line or the environment is invalid.
    Usage = 2,
    /// The import or check succeeded with warnings.
    Partial = 3,
    /// The token is missing, or the server refused it.
    NotSignedIn = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failed command: exit code, message and hints.
#[derive(Debug, Clone)]
pub struct Failure {
    exit: Exit,
    message: String,
    hints: Vec<String>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Returns a failure with exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// Returns a failure of the command line or the environment, with exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Returns a failure for a missing or refused token, with exit code 4.
    pub fn not_signed_in(message: impl Into<String>) -> Self {
        Self::new(Exit::NotSignedIn, message)
    }

    /// Replaces the hints by this one.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hints: vec![hint.into()],
            ..self
        }
    }

    /// Appends a hint.
    pub fn add_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the first line of the message.
    pub fn message(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the lines of the message and the hints.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let hints = self.hints.iter().flat_map(|hint| hint.lines());
        self.message.lines().chain(hints)
    }
}
