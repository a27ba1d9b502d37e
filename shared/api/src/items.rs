//! Items of the execution log: warnings and errors about the records of a run.

use muster_core::item::{Item, Severity};
use serde::{Deserialize, Serialize};

/// A warning or an error about a record of a run, or about the run itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LoggedItem))]
pub struct ItemResponse {
    /// Position among the items of the run. Numbers ascend and may have gaps.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub number: u64,
    /// Number of the record in the data, from 1; null if the item is about the whole run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub record: Option<u64>,
    /// User name in the record, shortened and with control characters escaped.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub login: Option<String>,
    /// JSON key that the item is about.
    #[cfg_attr(feature = "openapi", schema(required, example = "E-mail"))]
    pub key: Option<String>,
    /// Stable code of the problem.
    #[cfg_attr(feature = "openapi", schema(example = "email.malformed"))]
    pub code: String,
    /// Severity of the problem.
    pub severity: Severity,
    /// What is wrong, and what is expected.
    pub message: String,
    /// The value that the item is about as it was sent: its first 200 characters, with invisible ones
    /// escaped. Null if there is none, and for `custom_info`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, example = "jack@"))]
    pub value: Option<String>,
}

impl ItemResponse {
    /// Creates the response for the item at position `number`.
    #[must_use]
    pub fn new(number: u64, item: Item) -> Self {
        let Item {
            record,
            login,
            key,
            code,
            severity,
            message,
            value,
        } = item;
        Self {
            number,
            record,
            login,
            key,
            code: code.into_owned(),
            severity,
            message: message.into_owned(),
            value,
        }
    }
}
