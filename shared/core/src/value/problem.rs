//! Reasons why a value is refused, or is not stored as it was sent.

use std::borrow::Cow;

use crate::json::Json;
use crate::text::Place;

/// Reason why a value is refused, or what is to be said about one that is taken.
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

/// Invisible characters that were removed from a value.
#[derive(Debug, Default)]
pub(super) struct Removed {
    first: Option<Place>,
    count: usize,
}

impl Removed {
    /// Adds the character at a byte index.
    pub(super) fn add(&mut self, text: &str, at: usize) {
        self.count += 1;
        self.first = self.first.take().or_else(|| Place::of(text, at));
    }

    /// Returns the problem of a value of which nothing is left, if anything was removed.
    pub(super) fn nothing_left(&self) -> Option<Problem> {
        let first = self.first.as_ref()?;
        Some(Problem {
            code: "invisible_character",
            message: Cow::Owned(format!(
                "expected a value, found nothing but invisible characters, the first: {first}"
            )),
        })
    }

    /// Returns the warning, if anything was removed.
    pub(super) fn warning(self) -> Option<Problem> {
        let first = self.first?;
        let message = match self.count {
            1 => format!("stored without an invisible character: {first}"),
            count => format!("stored without {count} invisible characters, the first: {first}"),
        };
        Some(Problem {
            code: "invisible_character_removed",
            message: Cow::Owned(message),
        })
    }
}
