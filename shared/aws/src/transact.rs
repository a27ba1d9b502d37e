//! Transactions over the `control` table, tried again with a growing, jittered pause while other
//! transactions are at the same rows or the table is throttled. The SDK does not retry those: they
//! come as reasons of a cancelled transaction.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

use crate::row::Attributes;
use crate::{Store, StoreError};

/// How often a transaction that meets others is tried.
const TRIES: u32 = 6;
/// How often one without an answer is tried; the SDK has retried each by then.
const UNANSWERED_TRIES: u32 = 2;
/// The longest first pause; each further one may be twice as long.
const PAUSE: Duration = Duration::from_millis(25);

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// Everything is written.
    Done,
    /// Nothing is written: a condition failed. One reason per write, in their order.
    Cancelled(Vec<CancellationReason>),
}

impl Store {
    /// Writes all of `writes`, or nothing.
    ///
    /// # Errors
    /// `Contended` and `Throttled` after the last try; then nothing is written. `Unanswered`:
    /// nobody knows. A caller that tries again finds its own rows.
    pub(crate) async fn transact(
        &self,
        writes: &[TransactWriteItem],
    ) -> Result<Transacted, StoreError> {
        let mut tried = 0;
        loop {
            let error = match self.transact_once(writes).await {
                Ok(transacted) => return Ok(transacted),
                Err(error) => error,
            };
            tried += 1;
            let tries = match error {
                StoreError::Throttled(_) | StoreError::Contended(_) => TRIES,
                StoreError::Unanswered(_) => UNANSWERED_TRIES,
                StoreError::Refused(_) | StoreError::Row { .. } | StoreError::Secrets(_) => 1,
            };
            if tried >= tries {
                return Err(error);
            }
            tokio::time::sleep(pause(tried)).await;
        }
    }

    async fn transact_once(&self, writes: &[TransactWriteItem]) -> Result<Transacted, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes.to_vec()))
            .send()
            .await;
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
}

/// Whether this write's condition failed.
pub(crate) fn condition_failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// The row that made the condition of write number `index` fail.
pub(crate) fn found(reasons: &[CancellationReason], index: usize) -> Option<Attributes> {
    reasons
        .get(index)
        .and_then(|reason| reason.item().cloned())
        .filter(|row| !row.is_empty())
}

pub(crate) fn pause(tried: u32) -> Duration {
    let longest = PAUSE.saturating_mul(2_u32.saturating_pow(tried.saturating_sub(1)));
    longest.mul_f64(rand::random_range(0.0..1.0))
}
