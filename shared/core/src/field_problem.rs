//! A problem with one field of settings or roles.

use serde::Serialize;

/// A problem with one field of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Path of the field, such as `attribute_mapping.username`.
    pub field: String,
    /// The problem, and how to correct it.
    pub message: String,
}

impl FieldProblem {
    /// Returns a problem with `field`.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl std::fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}
