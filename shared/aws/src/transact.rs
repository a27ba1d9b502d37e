//! Transactions over the `control` table, tried again with a growing, jittered pause while other
//! transactions are at the same rows or the table is throttled. The SDK does not retry those: they
//! come as reasons of a cancelled transaction.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use crate::pauses::{Patience, Pauses};
use crate::row::Attributes;
use crate::{Store, StoreError};

/// For a caller that can be told to come back.
const BRIEF: Patience = Patience {
    tries: 6,
    total: Duration::from_secs(10),
    longest: Duration::from_secs(1),
};
/// For what is lost if it is not written.
const STUBBORN: Patience = Patience {
    tries: u32::MAX,
    total: Duration::from_millis(2_500),
    longest: Duration::from_millis(250),
};
/// How often one without an answer is tried; the SDK has retried each by then.
const UNANSWERED_TRIES: usize = 2;

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// Everything is written.
    Done,
    /// Nothing is written: a condition failed. One reason per write, in their order.
    Cancelled(Vec<CancellationReason>),
}

impl Store {
    /// A write of a transaction: it puts a row where there is none.
    pub(crate) fn put_new(&self, row: Attributes) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.control)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Writes all of `writes`, or nothing.
    ///
    /// # Errors
    /// `Contended` and `Throttled` after the last try; then nothing is written. `Unanswered`:
    /// nobody knows. A caller that tries again finds its own rows.
    pub(crate) async fn transact(
        &self,
        writes: &[TransactWriteItem],
    ) -> Result<Transacted, StoreError> {
        self.transact_for(writes, BRIEF).await
    }

    /// [`Store::transact`] for longer: it does not give way to those who come back every moment.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn transact_stubbornly(
        &self,
        writes: &[TransactWriteItem],
    ) -> Result<Transacted, StoreError> {
        self.transact_for(writes, STUBBORN).await
    }

    async fn transact_for(
        &self,
        writes: &[TransactWriteItem],
        patience: Patience,
    ) -> Result<Transacted, StoreError> {
        let mut pauses = Pauses::new(patience);
        let mut unanswered: Vec<StoreError> = Vec::new();
        loop {
            let error = match self.transact_once(writes).await {
                Ok(transacted) => return Ok(transacted),
                Err(error) => error,
            };
            let worthwhile = match error {
                StoreError::Throttled(_) | StoreError::Contended(_) => true,
                StoreError::Unanswered(_) => {
                    unanswered.push(error.clone());
                    // The wait for its answer was not spent on others.
                    pauses.start_over();
                    unanswered.len() < UNANSWERED_TRIES
                }
                StoreError::Refused(_) | StoreError::Row { .. } | StoreError::Secrets(_) => false,
            };
            if !worthwhile || !pauses.before_next().await {
                // A try without an answer may have written, whatever the later ones met.
                return Err(unanswered.pop().unwrap_or(error));
            }
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
