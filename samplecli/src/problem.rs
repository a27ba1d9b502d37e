//! What the server says when it refuses a request: `application/problem+json` (RFC 9457).

use serde::Deserialize;

use crate::server::Answer;
use crate::terminal::shown;

/// The body of a refusal.
#[derive(Deserialize)]
pub struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

#[derive(Deserialize)]
struct FieldError {
    field: String,
    message: String,
}

impl Problem {
    /// What an answer holds of it, if it does.
    pub fn of(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }

    /// What the server says, and below it what it says of each field.
    pub fn text(&self) -> String {
        let said = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        let fields = self
            .errors
            .iter()
            .map(|error| format!("\n- {}: {}", shown(&error.field), shown(&error.message)));
        std::iter::once(shown(said).into_owned())
            .chain(fields)
            .collect()
    }
}
