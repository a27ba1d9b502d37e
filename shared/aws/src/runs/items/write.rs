//! Writing of items: the segments first, then their index, so that the index never refers to a
//! missing segment. A DynamoDB partition accepts 1,000 KB per second, so rows are written a few at
//! a time, with retries.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_core::item::Item;

use super::index::{self, IndexRows};
use super::segment::{Segment, segments};
use super::summary::SegmentSummary;
use super::{Items, Span as _, key};
use crate::dynamodb::row::{self, Attributes};
use crate::error::StoreError;
use crate::runs::ending::RUN_LIFETIME;
use crate::runs::id::RunId;

/// Maximum rows written concurrently.
const CONCURRENT_WRITES: usize = 3;

/// The row of a segment, its summary and its Bloom filter.
type SegmentRow = (Attributes, (SegmentSummary, Vec<u8>));

/// Returns the rows of all segments, built lazily.
fn segment_rows(
    run: &RunId,
    items: &[Item],
    expires_at: i64,
) -> impl Iterator<Item = Result<SegmentRow, StoreError>> + Send {
    segments(items, 0, expires_at).map(|segment| {
        let (segment, items) = segment?;
        let key = key(run, Segment::PREFIX, segment.first());
        let row = row::encode(Segment::ROW, &key, &segment)?;
        Ok((row, SegmentSummary::of(segment.first(), items)))
    })
}

impl Items<'_> {
    /// Writes the items of a run, in the order of its records. Repeating a call changes nothing.
    ///
    /// # Errors
    /// Returns an error if the store request fails; some segments may have been written.
    pub async fn write(
        self,
        run: &RunId,
        items: &[Item],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = row::expiry(row::later(now, RUN_LIFETIME));
        let summaries: Vec<(SegmentSummary, Vec<u8>)> =
            stream::iter(segment_rows(run, items, expires_at))
                .map(|row| async move {
                    let (row, summary) = row?;
                    self.store.put_retrying(row).await.map(|()| summary)
                })
                .buffered(CONCURRENT_WRITES)
                .try_collect()
                .await?;
        stream::iter(index::rows(run, summaries, expires_at)?)
            .map(|IndexRows { logins, index }| async move {
                self.store.put_retrying(logins).await?;
                self.store.put_retrying(index).await
            })
            .buffer_unordered(CONCURRENT_WRITES)
            .try_collect()
            .await
    }
}
