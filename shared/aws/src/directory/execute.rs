//! Execution of statements, 25 per request, by `BatchExecuteStatement`: each has its own condition
//! and its own result (ADR 0002).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::BatchStatementResponse;

use super::handle::Directory;
use super::row::LoginRow;
use super::statement::Statement;
use crate::client::SendBoxed;
use crate::dynamodb::row::Attributes;
use crate::dynamodb::statement_client::StatementClient;
use crate::error::{ErrorClass, StoreError};

/// Maximum statements of one request. With 26 the whole request fails.
pub const MAX_STATEMENTS: usize = 25;

/// Result of a statement.
#[derive(Debug)]
pub enum Executed {
    /// It was written.
    Done,
    /// Its condition failed. Holds the current row, if DynamoDB returned it.
    Refused(Option<Box<Attributes>>),
    /// It was not written, or the outcome is unknown; its condition makes a retry safe.
    Again(StoreError),
    /// It can never be written.
    Failed(StoreError),
}

impl Executed {
    /// Returns the row that a refused write found, if DynamoDB returned it.
    ///
    /// # Errors
    /// Returns an error if the row cannot be read by this version.
    pub fn found(self) -> Result<Option<LoginRow>, StoreError> {
        match self {
            Self::Refused(Some(row)) => LoginRow::read(*row).map(Some),
            Self::Refused(None) | Self::Done | Self::Again(_) | Self::Failed(_) => Ok(None),
        }
    }
}

impl Directory<'_> {
    /// Executes up to [`MAX_STATEMENTS`] statements, each for another row, in one request that
    /// takes at most `timeout`. Returns the results in the order of the statements. The SDK does
    /// not retry here: the caller does, because it knows the time that is left and slows down.
    pub async fn execute(self, statements: Vec<Statement>, timeout: Duration) -> Vec<Executed> {
        let count = statements.len();
        self.store.count_directory_writes(count);
        let requests: Result<Vec<_>, _> = statements.into_iter().map(Statement::request).collect();
        let requests = match requests {
            Ok(requests) => requests,
            Err(error) => return failed(count, &error),
        };
        let StatementClient {
            client,
            attempt_timeout,
        } = self.store.statement_client();
        let timeout = attempt_timeout.map_or(timeout, |attempt| attempt.min(timeout));
        let call = client
            .batch_execute_statement()
            .set_statements(Some(requests));
        match tokio::time::timeout(timeout, call.send_boxed()).await {
            Ok(Ok(response)) => {
                let mut executed: Vec<_> = response
                    .responses
                    .unwrap_or_default()
                    .into_iter()
                    .map(executed)
                    .collect();
                // Exactly one result per statement.
                executed.truncate(count);
                while executed.len() < count {
                    executed.push(Executed::Again(StoreError::from_code(
                        OPERATION,
                        "InternalServerError",
                        Some("the response has too few entries"),
                    )));
                }
                executed
            }
            Ok(Err(error)) => failed(count, &StoreError::from_sdk(OPERATION, &error)),
            Err(_elapsed) => failed(count, &StoreError::late(OPERATION, timeout)),
        }
    }
}

const OPERATION: &str = "BatchExecuteStatement";

/// Returns the results of a request that failed as a whole. A refused signature counts as
/// retryable: each client learns the clock difference by itself, and this one does not retry, so
/// the next request is signed correctly. (Wrong credentials are found by the reads before the first
/// write.)
fn failed(count: usize, error: &StoreError) -> Vec<Executed> {
    let retryable = error.retryable() || error.is_signature_error();
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
            match ErrorClass::of(code) {
                ErrorClass::Throttled | ErrorClass::Contended | ErrorClass::Server => {
                    Executed::Again(cause)
                }
                ErrorClass::Other => Executed::Failed(cause),
            }
        }
    }
}
