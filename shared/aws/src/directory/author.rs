//! Author of a write: a robot or an operator, and the time.

use jiff::Timestamp;

/// Stored in place of the dialect when an operator wrote.
pub(super) const CONSOLE_DIALECT: &str = "console";

/// Author and time of a write, stored with the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The robot or operator.
    pub writer: Writer,
    /// Time of the write.
    pub at: Timestamp,
}

/// The robot or operator that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// A robot, through one of the dialects.
    Robot {
        /// `quant`, `collaborator` or `qvalon`.
        dialect: String,
        /// The robot that sent the request.
        robot: String,
        /// The run that wrote, if there is one.
        run: Option<String>,
    },
    /// The operator of this name, through `console`.
    Operator(String),
}

impl Writer {
    /// Returns the dialect, or `console`.
    #[must_use]
    pub fn dialect(&self) -> &str {
        match self {
            Self::Robot { dialect, .. } => dialect,
            Self::Operator(_) => CONSOLE_DIALECT,
        }
    }

    /// Returns the name of the robot or operator.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Robot { robot, .. } => robot,
            Self::Operator(name) => name,
        }
    }

    /// Returns the run that wrote, if there is one.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::Robot { run, .. } => run.as_deref(),
            Self::Operator(_) => None,
        }
    }
}
