//! Time of last use of tokens and robots, precise to ten minutes. Recording it never delays a
//! request for long or fails it.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use super::Tokens;
use crate::client::SendBoxed;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, Key};
use crate::dynamodb::write::unless_refused;
use crate::error::StoreError;

/// Precision of the stored time. Uses within it are not recorded.
const LAST_USE_PRECISION: Duration = Duration::from_secs(10 * 60);
/// Maximum time that a request waits for the record.
const RECORD_TIME_LIMIT: Duration = Duration::from_millis(500);

/// Returns true if a use at `now` should be recorded.
fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| row::later(last, LAST_USE_PRECISION) <= now)
}

impl Tokens<'_> {
    /// Records a use of each row, given with its last recorded use, if that is due. Failures are
    /// only logged.
    pub(super) async fn record_uses(self, rows: Vec<(Key, Option<Timestamp>)>, now: Timestamp) {
        let due = rows.into_iter().filter(|(_, last)| is_due(*last, now));
        let writes = join_all(due.map(|(key, _)| async move { self.record_use(&key, now).await }));
        match tokio::time::timeout(RECORD_TIME_LIMIT, writes).await {
            Ok(recorded) => {
                for error in recorded.into_iter().filter_map(Result::err) {
                    tracing::warn!(%error, "failed to record the use of a token");
                }
            }
            Err(_elapsed) => tracing::warn!("recording the use of a token timed out"),
        }
    }

    /// Records a use, unless another request just did.
    async fn record_use(self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        let millis = now.as_millisecond();
        let precision = i64::try_from(LAST_USE_PRECISION.as_millis()).unwrap_or(i64::MAX);
        let due = row::number(millis.saturating_sub(precision));
        let due = Condition::absent("last_used_at").or(Condition::at_most("last_used_at", due));
        let update = UpdateExpression::new().set("last_used_at", row::number(millis));
        let recorded = self
            .store
            .update_item(key, update, Some(Condition::row_exists().and(due)))
            .send_boxed()
            .await;
        unless_refused(recorded).map(drop)
    }
}
