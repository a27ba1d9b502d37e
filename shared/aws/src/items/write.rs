//! Writing items: the segments, then their index, so that the index never tells of what is not
//! there. A partition takes 1,000 KB a second: rows are written patiently, a few at a time.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_core::item::Item;

use super::index::{self, Entry, Indexed};
use super::segment::{Segment, segments};
use super::{Span as _, key};
use crate::row::{self, Attributes};
use crate::runs::{KEPT, RunId};
use crate::{Store, StoreError};

/// Rows that are written at the same time.
const WRITTEN_AT_ONCE: usize = 3;

/// The row of a segment, and what there is to tell of it.
type Written = (Attributes, (Entry, Vec<u8>));

/// The segments of all items, each made when it is asked for.
fn written(
    run: &RunId,
    items: &[Item],
    expires_at: i64,
) -> impl Iterator<Item = Result<Written, StoreError>> + Send {
    segments(items, 0, expires_at).map(|segment| {
        let (segment, items) = segment?;
        let key = key(run, Segment::PREFIX, segment.first());
        let row = row::encode(Segment::WHAT, &key, &segment)?;
        Ok((row, Entry::of(segment.first(), items)))
    })
}

impl Store {
    /// Writes the items of a run, which are in the order of its records. Writing the same again
    /// changes nothing.
    ///
    /// # Errors
    /// What the store says; some segments may then be written.
    pub async fn write_items(
        &self,
        run: &RunId,
        items: &[Item],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = row::expiry(row::later(now, KEPT));
        let told: Vec<(Entry, Vec<u8>)> = stream::iter(written(run, items, expires_at))
            .map(|row| async move {
                let (row, told) = row?;
                self.put_patiently(row).await.map(|()| told)
            })
            .buffered(WRITTEN_AT_ONCE)
            .try_collect()
            .await?;
        stream::iter(index::rows(run, told, expires_at)?)
            .map(|Indexed { logins, index }| async move {
                self.put_patiently(logins).await?;
                self.put_patiently(index).await
            })
            .buffer_unordered(WRITTEN_AT_ONCE)
            .try_collect()
            .await
    }
}
