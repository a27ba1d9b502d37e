//! The settings of an import task, as they travel in JSON and are stored
//! (contract.md#task-settings), and their validation. [`crate::rules::Rules`] is the form that an
//! import uses.

mod formats;
mod percent;
mod person;
#[cfg(feature = "openapi")]
mod schema;
mod separator;
mod task;
mod threshold;
mod undo_days;
mod validation;

use serde::{Deserialize, Deserializer};

pub use self::formats::{NationalPhoneFormat, Replacement, ValueFormats};
pub use self::person::{ExternalIdConflicts, IdentifyBy, PersonRules};
pub use self::separator::Separator;
pub use self::task::{NotifyOn, TaskSettings};
pub use self::threshold::{Figure, Limit, SafetyThreshold};
pub(crate) use self::validation::{REJECTED_ELEMENT_KEY, REJECTION_ERRORS_KEY};
pub use crate::field_problem::FieldProblem;

/// Reads `null` as if the member were absent.
fn null_as_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests;
