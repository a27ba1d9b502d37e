//! Pages of a run's items. A page without a filter begins with the segment that its first item is
//! in. For a filter, the index says which segments can match, and only those are read; where there
//! is no index (behind the last row of it, or all along), segments are read one after the other.
//! One page reads a bounded number of rows, and says where the next one goes on.

use std::ops::ControlFlow::{self, Break, Continue};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::filter::ItemFilter;
use super::index::{IndexRow, Logins};
use super::page::{Candidate, Filling, ItemPage, READ_AT_ONCE, Stretch};
use super::segment::Segment;
use super::{Span, key};
use crate::background::Objects;
use crate::row::Key;
use crate::runs::{Run, RunId};
use crate::{Store, StoreError, kept, row};

/// Rows of the index that one page reads at most; they tell of 1.6 million items.
const INDEX_READ: usize = 8;

/// The way through the rows of a run.
struct Walk<'w> {
    run: &'w RunId,
    now: Timestamp,
    filling: Filling<'w>,
}

/// At most `limit` items of a run that match `filter`, from number `from` (from 0) on. A page may
/// hold fewer than there are; the last one has no `next`. Of a run that goes on in the background,
/// there are those of the chunks that are done.
///
/// # Errors
/// What the store says, or the bucket.
pub async fn list_items(
    store: &Store,
    objects: &Objects,
    run: &Run,
    filter: &ItemFilter,
    from: u64,
    limit: usize,
    now: Timestamp,
) -> Result<ItemPage, StoreError> {
    let mut walk = Walk {
        run: &run.id,
        now,
        filling: Filling::new(filter, from, limit),
    };
    match &run.job {
        None => store.walk(&mut walk).await?,
        Some(job) => {
            if let Some(round) = job.shown {
                kept::fill(store, objects, &run.id, round, &mut walk.filling).await?;
            }
        }
    }
    Ok(walk.filling.page)
}

impl Store {
    async fn walk(&self, walk: &mut Walk<'_>) -> Result<(), StoreError> {
        let walked = if walk.filling.sought.is_all() {
            Continue(())
        } else {
            self.walk_index(walk).await?
        };
        if walked.is_continue() {
            self.walk_on(walk).await?;
        }
        Ok(())
    }

    /// As far as there is an index.
    async fn walk_index(&self, walk: &mut Walk<'_>) -> Result<ControlFlow<()>, StoreError> {
        let Walk { run, now, .. } = *walk;
        let Some(first) = self.span_with(run, walk.filling.position, now).await? else {
            return Ok(Continue(()));
        };
        let first: IndexRow = first;
        let following = self.spans_from(run, first.end(), INDEX_READ - 1, now);
        let mut rows = vec![first];
        rows.extend(following.await?);
        let (end, candidates) = self.candidates(walk, &rows).await?;
        let read = |place| async move {
            let segment: Option<Segment> = self.read_row(Segment::WHAT, &place, now).await?;
            Ok(segment.map(Stretch::from))
        };
        if walk.filling.fill(candidates, read).await?.is_break() {
            return Ok(Break(()));
        }
        walk.filling.position = walk.filling.position.max(end);
        if rows.len() < INDEX_READ {
            return Ok(Continue(()));
        }
        walk.filling.stop(walk.filling.position);
        Ok(Break(()))
    }

    /// The segments that can match of those that the rows tell of up to a gap, and where that is.
    async fn candidates(
        &self,
        walk: &Walk<'_>,
        rows: &[IndexRow],
    ) -> Result<(u64, Vec<Candidate<Key>>), StoreError> {
        let logins: Vec<Option<Logins>> = if walk.filling.sought.wants_logins() {
            stream::iter(rows.iter().map(IndexRow::first).collect::<Vec<_>>())
                .map(|first| self.logins(walk.run, first, walk.now))
                .buffered(READ_AT_ONCE)
                .try_collect()
                .await?
        } else {
            rows.iter().map(|_| None).collect()
        };
        let mut candidates = Vec::new();
        let mut end = rows.first().map_or(walk.filling.position, IndexRow::first);
        for (row, logins) in rows.iter().zip(&logins) {
            if row.first() != end {
                break;
            }
            end = row.end();
            let mut logins = logins.as_ref().map(|Logins(bytes)| bytes.as_slice());
            for entry in row.entries()? {
                let own = logins.and_then(|bytes| bytes.split_at_checked(entry.login_bytes));
                logins = own.map(|(_, others)| others);
                let expected = walk
                    .filling
                    .sought
                    .expected(&entry, own.map(|(own, _)| own));
                if entry.end() > walk.filling.position && expected > 0 {
                    candidates.push(Candidate {
                        first: entry.first,
                        expected,
                        place: key(walk.run, Segment::PREFIX, entry.first),
                    });
                }
            }
        }
        Ok((end, candidates))
    }

    async fn logins(
        &self,
        run: &RunId,
        first: u64,
        now: Timestamp,
    ) -> Result<Option<Logins>, StoreError> {
        let row = self.read_attributes(&Logins::key(run, first)).await?;
        row.filter(|row| row::is_live(row, now))
            .map(Logins::decode)
            .transpose()
    }

    /// Segment by segment from the position on.
    async fn walk_on(&self, walk: &mut Walk<'_>) -> Result<(), StoreError> {
        let Walk { run, now, .. } = *walk;
        let first: Option<Segment> = self.span_with(run, walk.filling.position, now).await?;
        let mut segments = Vec::from_iter(first);
        loop {
            for segment in segments {
                if walk.filling.take(&segment.into())?.is_break() {
                    return Ok(());
                }
            }
            if walk.filling.segments_left == 0 {
                walk.filling.stop(walk.filling.position);
                return Ok(());
            }
            let most = walk.filling.at_once();
            segments = self
                .spans_from(run, walk.filling.position, most, now)
                .await?;
            if segments.is_empty() {
                return Ok(());
            }
        }
    }
}
