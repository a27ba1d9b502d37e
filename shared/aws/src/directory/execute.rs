//! Executing statements, 25 in a request: BatchExecuteStatement, where each has a condition and an
//! answer of its own (ADR 0002).

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::BatchStatementResponse;

use super::row::Stored;
use super::statement::Statement;
use crate::Store;
use crate::error::{StoreError, Trouble};
use crate::row::Attributes;

/// Statements of one request. With 26 the whole request fails.
pub const BATCH: usize = 25;

/// What became of a statement.
#[derive(Debug)]
pub enum Executed {
    /// It was written.
    Done,
    /// Its condition did not hold. What stands there now, where DynamoDB gave it.
    Refused(Option<Box<Attributes>>),
    /// It was not written, or that is unknown; a condition makes sending it again safe.
    Again(StoreError),
    /// It can never be written.
    Failed(StoreError),
}

impl Executed {
    /// What a refused write found in the user's row, where DynamoDB gave it.
    ///
    /// # Errors
    /// The row is not what this version writes.
    pub fn found(self) -> Result<Option<Stored>, StoreError> {
        match self {
            Self::Refused(Some(row)) => Stored::read(*row).map(Some),
            Self::Refused(None) | Self::Done | Self::Again(_) | Self::Failed(_) => Ok(None),
        }
    }
}

impl Store {
    /// Executes up to [`BATCH`] statements, each for another row, in one request that takes at
    /// most `timeout`. The answers are in the order of the statements. The SDK does not try again:
    /// the caller does, who knows how much time is left and slows down.
    pub async fn execute(&self, statements: Vec<Statement>, timeout: Duration) -> Vec<Executed> {
        let count = statements.len();
        self.directory_writes
            .fetch_add(count as u64, Ordering::Relaxed);
        let requests: Result<Vec<_>, _> = statements.into_iter().map(Statement::request).collect();
        let requests = match requests {
            Ok(requests) => requests,
            Err(error) => return failed(count, &error),
        };
        let Way { client, attempt } = self.way.get_or_init(|| Way::beside(&self.client));
        let timeout = attempt.map_or(timeout, |attempt| attempt.min(timeout));
        let call = client
            .batch_execute_statement()
            .set_statements(Some(requests));
        match tokio::time::timeout(timeout, call.send()).await {
            Ok(Ok(answer)) => {
                let mut executed: Vec<_> = answer
                    .responses
                    .unwrap_or_default()
                    .into_iter()
                    .map(executed)
                    .collect();
                // One answer is owed for every statement.
                executed.truncate(count);
                while executed.len() < count {
                    executed.push(Executed::Again(StoreError::from_code(
                        OPERATION,
                        "InternalServerError",
                        Some("the answer has too few entries"),
                    )));
                }
                executed
            }
            Ok(Err(error)) => failed(count, &StoreError::from_sdk(OPERATION, &error)),
            Err(_elapsed) => failed(count, &StoreError::late(OPERATION, timeout)),
        }
    }
}

/// The way that statements take.
#[derive(Debug)]
pub(crate) struct Way {
    client: Client,
    /// What one try of the store's own client may take.
    attempt: Option<Duration>,
}

impl Way {
    /// The same connections as `client` has (where its settings name them, as they do on Lambda;
    /// else connections of its own), without what its SDK does for every call, and a
    /// caller of [`Store::execute`] does itself or has no use for: trying again, watching over the
    /// time (three times: of the call, of the try, of a stream that stalls). To say so with every
    /// call would cost more than it saves.
    fn beside(client: &Client) -> Self {
        let config = client.config();
        let timeouts = TimeoutConfig::builder()
            .disable_operation_timeout()
            .disable_operation_attempt_timeout()
            .build();
        let attempt = config
            .timeout_config()
            .and_then(TimeoutConfig::operation_attempt_timeout);
        let config = config
            .to_builder()
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Self {
            client: Client::from_conf(config.build()),
            attempt,
        }
    }
}

const OPERATION: &str = "BatchExecuteStatement";

/// The whole request went wrong. Of a clock that is wrong each client learns for itself, and this
/// one does not try again: the next request is signed right. (Keys that are wrong are found out by
/// the reads before the first write.)
fn failed(count: usize, error: &StoreError) -> Vec<Executed> {
    let retryable = error.retryable() || error.is_of_signature();
    let each = || {
        let error = error.clone();
        if retryable {
            Executed::Again(error)
        } else {
            Executed::Failed(error)
        }
    };
    std::iter::repeat_with(each).take(count).collect()
}

fn executed(response: BatchStatementResponse) -> Executed {
    let Some(error) = response.error else {
        return Executed::Done;
    };
    let code = error.code.as_ref().map_or("", |code| code.as_str());
    match code {
        "DuplicateItem" => Executed::Refused(None),
        "ConditionalCheckFailed" => Executed::Refused(
            error
                .item
                .filter(|row: &HashMap<_, _>| !row.is_empty())
                .map(Box::new),
        ),
        _ => {
            let cause = StoreError::from_code(OPERATION, code, error.message.as_deref());
            match Trouble::of(code) {
                Trouble::Throttled | Trouble::Contended | Trouble::Server => Executed::Again(cause),
                Trouble::Other => Executed::Failed(cause),
            }
        }
    }
}
