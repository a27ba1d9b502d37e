//! The settings of an import task, as they travel in JSON and are stored
//! (contract.md#task-settings), and their validation. [`crate::rules::Rules`] is the form that an
//! import uses.

mod formats;
#[cfg(feature = "openapi")]
mod schema;
mod separator;
mod task;
mod threshold;
mod validation;

pub use self::formats::{NationalPhoneFormat, Replacement, ValueFormats};
pub use self::separator::Separator;
pub use self::task::{ExternalIdConflicts, NotifyOn, TaskSettings};
pub use self::threshold::{Figure, Limit, SafetyThreshold};
pub(crate) use self::validation::{REJECTED_ELEMENT_KEY, REJECTION_ERRORS_KEY};
pub use crate::field_problem::FieldProblem;

#[cfg(test)]
mod tests;
