//! How long a task keeps the values that its runs replace (contract.md#kept-values).

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::field_problem::FieldProblem;
use crate::limits;

/// Days of a new task, and of one that was stored before the setting existed: what is not kept cannot
/// be undone later.
pub(super) const DEFAULT_UNDO_DAYS: u32 = 30;

/// Returns the problem of days that are out of range.
pub(super) fn problem(days: Option<u32>) -> Option<FieldProblem> {
    let days = days.filter(|days| *days > limits::MAX_UNDO_DAYS)?;
    Some(FieldProblem::new(
        "undo_days",
        format!(
            "expected 0 to {} days, found {days}: send 0 to keep nothing",
            limits::MAX_UNDO_DAYS
        ),
    ))
}

/// Reads a number of days: any other value, such as 7.5 or a text, gets a message that says what is
/// expected.
pub(super) fn whole_days<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let days = Option::<Days>::deserialize(deserializer)?;
    Ok(days.map(|Days(days)| days))
}

struct Days(u32);

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DaysVisitor)
    }
}

struct DaysVisitor;

impl Visitor<'_> for DaysVisitor {
    type Value = Days;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number of days, 0 to {}", limits::MAX_UNDO_DAYS)
    }

    fn visit_u64<E: Error>(self, days: u64) -> Result<Days, E> {
        let whole = u32::try_from(days).map(Days);
        whole.map_err(|_| E::invalid_value(Unexpected::Unsigned(days), &self))
    }

    fn visit_i64<E: Error>(self, days: i64) -> Result<Days, E> {
        let whole = u32::try_from(days).map(Days);
        whole.map_err(|_| E::invalid_value(Unexpected::Signed(days), &self))
    }
}
