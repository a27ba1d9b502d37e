//! What a run has to say, as operators and robots see it.

use muster_core::item::{Item, Severity};
use serde::Serialize;
use utoipa::ToSchema;

/// What a run has to say about a record, or about itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedItem {
    /// Where it stands among the run's items: numbers grow, and may leave some out.
    pub number: u64,
    /// The number of the record in the data, from 1; null: about the whole run.
    #[schema(required)]
    pub record: Option<u64>,
    /// The user name in that record, shortened and with control characters escaped.
    #[schema(required)]
    pub login: Option<String>,
    /// The JSON key that is meant.
    #[schema(required, example = "E-mail")]
    pub key: Option<String>,
    /// What kind of trouble it is.
    #[schema(example = "email.malformed")]
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, and what is right.
    pub message: String,
}

impl LoggedItem {
    /// An item, and where it stands.
    #[must_use]
    pub fn new(number: u64, item: Item) -> Self {
        let Item {
            record,
            login,
            key,
            code,
            severity,
            message,
        } = item;
        Self {
            number,
            record,
            login,
            key,
            code: code.into_owned(),
            severity,
            message: message.into_owned(),
        }
    }
}
