//! Who writes users, and when: `created_by`, `updated_by` and their times in a user's row.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::row::{broken, take_text};
use crate::error::StoreError;
use crate::row::{Attributes, text};

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

    pub(super) fn attribute(&self) -> AttributeValue {
        let role = match self {
            Self::Robot { .. } => "robot",
            Self::Operator(_) => "operator",
        };
        let mut fields = HashMap::from([
            ("dialect".to_owned(), text(self.dialect())),
            (role.to_owned(), text(self.name())),
        ]);
        if let Some(run) = self.run() {
            fields.insert("run".to_owned(), text(run));
        }
        AttributeValue::M(fields)
    }

    fn read(stored: AttributeValue, name: &'static str) -> Result<Self, StoreError> {
        let AttributeValue::M(mut fields) = stored else {
            return Err(broken(name));
        };
        if fields.contains_key("operator") {
            return take_text(&mut fields, "operator").map(Self::Operator);
        }
        let run = match fields.remove("run") {
            None => None,
            Some(AttributeValue::S(run)) => Some(run),
            Some(_) => return Err(broken(name)),
        };
        Ok(Self::Robot {
            dialect: take_text(&mut fields, "dialect")?,
            robot: take_text(&mut fields, "robot")?,
            run,
        })
    }
}

impl Author {
    /// Takes an author out of a row that has the time as `at` and the rest as `by`.
    pub(super) fn take(
        row: &mut Attributes,
        at: &'static str,
        by: &'static str,
    ) -> Result<Self, StoreError> {
        let writer = row.remove(by).ok_or_else(|| broken(by))?;
        Ok(Self {
            writer: Writer::read(writer, by)?,
            at: take_text(row, at)?.parse().map_err(|_| broken(at))?,
        })
    }
}
