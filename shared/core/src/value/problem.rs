//! Reason why a value is refused.

use std::borrow::Cow;

use crate::json::Json;

/// Reason why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Second half of the code: `malformed` in `email.malformed`.
    pub code: &'static str,
    /// The problem, and the accepted values.
    pub message: Cow<'static, str>,
}

impl Problem {
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        Self {
            code,
            message: Cow::Borrowed(message),
        }
    }

    pub(super) fn one_of(words: &[&str]) -> Self {
        Self {
            code: "unknown",
            message: Cow::Owned(format!("must be one of {}", words.join(", "))),
        }
    }

    pub(super) fn wrong_type(expected: &str, found: &Json<'_>) -> Self {
        Self {
            code: "wrong_type",
            message: Cow::Owned(format!("expected {expected}, found {}", found.type_name())),
        }
    }
}
