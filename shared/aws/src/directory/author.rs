//! Who writes users, and when.

use jiff::Timestamp;

/// What stands in the place of a dialect where an operator wrote.
pub(super) const CONSOLE: &str = "console";

/// Who writes, and when: kept with the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub writer: Writer,
    /// When.
    pub at: Timestamp,
}

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// A robot, through one of the dialects.
    Robot {
        /// `quant`, `collaborator` or `qvalon`.
        dialect: String,
        /// The robot that sent the request.
        robot: String,
        /// The run that wrote, where there is one.
        run: Option<String>,
    },
    /// The operator of this name, through `console`.
    Operator(String),
}

impl Writer {
    /// The dialect, or `console`.
    #[must_use]
    pub fn dialect(&self) -> &str {
        match self {
            Self::Robot { dialect, .. } => dialect,
            Self::Operator(_) => CONSOLE,
        }
    }

    /// The name of the robot or operator.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Robot { robot, .. } => robot,
            Self::Operator(name) => name,
        }
    }

    /// The run that wrote, where there is one.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::Robot { run, .. } => run.as_deref(),
            Self::Operator(_) => None,
        }
    }
}
