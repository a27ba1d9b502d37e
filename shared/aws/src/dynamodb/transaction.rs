//! Transactions, retried with growing, jittered pauses while they conflict with other transactions
//! or the table is throttled. The SDK does not retry those failures, because they arrive as reasons
//! of a cancelled transaction.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

use super::row::Attributes;
use super::statement_client::StatementClient;
use crate::backoff::{Backoff, RetryPolicy};
use crate::client::SendBoxed;
use crate::error::StoreError;
use crate::store::Store;

/// Retry policy of callers that can report the conflict to their client.
const BRIEF: RetryPolicy = RetryPolicy {
    attempts: 6,
    total: Duration::from_secs(10),
    longest: Duration::from_secs(1),
};
/// Retry policy of writes whose content would otherwise be lost.
const PERSISTENT: RetryPolicy = RetryPolicy {
    attempts: u32::MAX,
    total: Duration::from_millis(2_500),
    longest: Duration::from_millis(250),
};
/// Maximum attempts without a response; the SDK has retried each of them by then.
const MAX_UNANSWERED_ATTEMPTS: usize = 2;

/// Outcome of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// Everything was written.
    Done,
    /// Nothing was written: a condition failed. One reason per write, in their order.
    Cancelled(Vec<CancellationReason>),
}

impl Store {
    /// Writes all of `writes`, or nothing.
    ///
    /// # Errors
    /// Returns `Contended` or `Throttled` after the last attempt: nothing was written. Returns
    /// `Unanswered` if the outcome is unknown. A caller that retries finds its own rows.
    pub(crate) async fn transact(
        &self,
        writes: &[TransactWriteItem],
    ) -> Result<Transacted, StoreError> {
        self.transact_with(writes, BRIEF).await
    }

    /// Does the same as [`Store::transact`] for longer, to outlast other callers that keep
    /// retrying.
    ///
    /// # Errors
    /// Returns the errors of [`Store::transact`].
    pub(crate) async fn transact_retrying(
        &self,
        writes: &[TransactWriteItem],
    ) -> Result<Transacted, StoreError> {
        self.transact_with(writes, PERSISTENT).await
    }

    async fn transact_with(
        &self,
        writes: &[TransactWriteItem],
        policy: RetryPolicy,
    ) -> Result<Transacted, StoreError> {
        let mut backoff = Backoff::new(policy);
        let mut unanswered: Vec<StoreError> = Vec::new();
        loop {
            let error = match attempt(self.client(), writes.to_vec()).await {
                Ok(transacted) => return Ok(transacted),
                Err(error) => error,
            };
            let retryable = match error {
                StoreError::Throttled(_) | StoreError::Contended(_) => true,
                StoreError::Unanswered(_) => {
                    unanswered.push(error.clone());
                    // Waiting for a response is not contention.
                    backoff.start_over();
                    unanswered.len() < MAX_UNANSWERED_ATTEMPTS
                }
                StoreError::Refused(_) | StoreError::Row { .. } | StoreError::Secrets(_) => false,
            };
            if !retryable || !backoff.before_next().await {
                // An attempt without a response may have written, whatever the later attempts
                // returned.
                return Err(unanswered.pop().unwrap_or(error));
            }
        }
    }

    /// Makes one attempt, which takes at most `timeout`, without the retries of the SDK.
    ///
    /// # Errors
    /// Returns the errors of [`Store::transact`].
    pub(crate) async fn transact_once(
        &self,
        writes: Vec<TransactWriteItem>,
        timeout: Duration,
    ) -> Result<Transacted, StoreError> {
        let StatementClient {
            client,
            attempt_timeout,
        } = self.statement_client();
        let timeout = attempt_timeout.map_or(timeout, |attempt| attempt.min(timeout));
        let attempt = attempt(client, writes);
        match tokio::time::timeout(timeout, attempt).await {
            Ok(transacted) => transacted,
            Err(_elapsed) => Err(StoreError::late(OPERATION, timeout)),
        }
    }
}

const OPERATION: &str = "TransactWriteItems";

async fn attempt(
    client: &Client,
    writes: Vec<TransactWriteItem>,
) -> Result<Transacted, StoreError> {
    let call = client.transact_write_items();
    let sent = call.set_transact_items(Some(writes)).send_boxed().await;
    let Err(error) = sent else {
        return Ok(Transacted::Done);
    };
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Err(StoreError::from_sdk(OPERATION, &error));
    };
    let reasons = cancelled.cancellation_reasons();
    if reasons.iter().any(condition_failed) {
        return Ok(Transacted::Cancelled(reasons.to_vec()));
    }
    let reason = reasons
        .iter()
        .find(|reason| !matches!(reason.code(), None | Some("None")));
    Err(match reason {
        Some(reason) => StoreError::from_code(
            OPERATION,
            reason.code().unwrap_or_default(),
            reason.message(),
        ),
        None => StoreError::from_sdk(OPERATION, &error),
    })
}

/// Returns true if the condition of this write failed.
pub(crate) fn condition_failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// Returns the row that made the condition of write number `index` fail.
pub(crate) fn refusing_row(reasons: &[CancellationReason], index: usize) -> Option<Attributes> {
    reasons
        .get(index)
        .and_then(|reason| reason.item().cloned())
        .filter(|row| !row.is_empty())
}
