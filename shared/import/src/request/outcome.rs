//! Import requests and their outcomes.

use bytes::Bytes;
use muster_aws::runs::RunId;
use muster_aws::runs::idempotency::Answer;
use muster_core::item::Item;
use muster_core::run::Counts;
use muster_core::settings::TaskSettings;

/// A request to import its body.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The tenant of the request's token.
    pub tenant: String,
    /// The robot, permitted on the task.
    pub robot: String,
    /// The task's current settings.
    pub task: TaskSettings,
    /// The version of these settings.
    pub settings_version: u64,
    /// The request's body, within the limits of a synchronous import.
    pub body: Bytes,
    /// True if the reply shows the warnings.
    pub debug: bool,
    /// True if only the execution log is written.
    pub dry_run: bool,
    /// True if the task's safety threshold does not apply.
    pub override_threshold: bool,
    /// The idempotency key, if the client sent one.
    pub key: Option<IdempotencyKey>,
}

/// The value of the `Idempotency-Key` header. It identifies a request together with its target
/// (contract.md#idempotency-keys).
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The header's text.
    pub text: String,
    /// The request's path.
    pub path: String,
    /// The URL's query, without its question mark.
    pub query: String,
}

/// The outcome of an import request.
#[derive(Debug)]
pub enum ImportResult {
    /// The task runs another import; there is no run.
    Busy {
        /// Seconds to wait, at least 1.
        retry_after: u64,
    },
    /// The key was used with another body; there is no run.
    KeyReused,
    /// The request is running already, under the same key.
    KeyRunning {
        /// Seconds to wait, at least 1.
        retry_after: u64,
    },
    /// The request was answered before, under the same key.
    Replayed {
        /// The original run.
        run: RunId,
        /// The original response.
        response: Answer,
    },
    /// The run continues in the background.
    Background {
        /// The run.
        run: RunId,
        /// The response to the client.
        response: Answer,
    },
    /// The run has ended.
    Ended {
        /// The run.
        run: RunId,
        /// Its outcome.
        outcome: RunOutcome,
    },
}

/// The outcome of a run that ended within its request.
#[derive(Debug)]
pub enum RunOutcome {
    /// The records were imported.
    Imported {
        /// The counts of the records.
        counts: Counts,
        /// The warnings, in record order.
        items: Vec<Item>,
        /// The response to the client.
        response: Answer,
    },
    /// The request was refused: nothing was applied.
    Refused {
        /// The response to the client.
        response: Answer,
    },
    /// The service abandoned the run; part of it may have been applied.
    Failed {
        /// The message for the client.
        message: String,
    },
}

/// Returns the response to a client whose import continues in the background.
pub(crate) fn accepted(run: &RunId) -> Answer {
    Answer {
        status: 202,
        body: format!(r#"{{"import_id":"{run}","state":"queued"}}"#),
    }
}
