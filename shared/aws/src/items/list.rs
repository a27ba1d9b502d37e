//! Pages of a run's items. A page without a filter begins with the segment that its first item is
//! in. For a filter, the index says which segments can match, and only those are read; where there
//! is no index (behind the last row of it, or all along), segments are read one after the other.
//! One page reads a bounded number of rows, and says where the next one goes on.

use std::ops::ControlFlow::{self, Break, Continue};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_core::item::Item;

use super::filter::{ItemFilter, Sought};
use super::index::{Entry, IndexRow, Logins};
use super::segment::Segment;
use super::{Span, key};
use crate::runs::RunId;
use crate::{Store, StoreError, row};

/// Segments that one page reads at most.
const SEGMENTS_READ: usize = 24;
/// Rows that are read at the same time.
const READ_AT_ONCE: usize = 4;
/// Rows of the index that one page reads at most; they tell of 1.6 million items.
const INDEX_READ: usize = 8;

/// An item and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedItem {
    /// How many items of the run come before it.
    pub number: u64,
    /// The item.
    pub item: Item,
}

/// Some items of a run, in the order of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<NumberedItem>,
    /// Where the next page begins; absent: this was the last one.
    pub next: Option<u64>,
}

/// A page that is being filled.
struct Walk<'w> {
    run: &'w RunId,
    sought: Sought<'w>,
    limit: usize,
    now: Timestamp,
    /// All items before this one have been looked at.
    position: u64,
    segments_left: usize,
    page: ItemPage,
}

/// A segment that can match.
struct Candidate {
    first: u64,
    /// About how many of its items do.
    expected: u64,
}

impl Walk<'_> {
    /// How many more items the page takes.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.page.items.len())
    }

    /// The page ends here; the next one begins with item `number`.
    const fn stop(&mut self, number: u64) {
        self.page.next = Some(number);
    }

    /// Takes what matches from a segment.
    fn take(&mut self, segment: &Segment) -> Result<ControlFlow<()>, StoreError> {
        self.segments_left = self.segments_left.saturating_sub(1);
        for item in segment.items() {
            let (number, item) = item?;
            if number < self.position || !self.sought.matches(&item) {
                continue;
            }
            if self.room() == 0 {
                self.stop(number);
                return Ok(Break(()));
            }
            self.page.items.push(NumberedItem { number, item });
        }
        self.position = self.position.max(segment.end());
        Ok(Continue(()))
    }

    /// How many segments to read where nothing is known of them.
    fn at_once(&self) -> usize {
        if self.sought.is_all() || self.room() == 0 {
            1
        } else {
            READ_AT_ONCE.min(self.segments_left)
        }
    }

    /// How many of these segments to read next: what should fill the page, a few at most.
    fn round(&self, candidates: &[Candidate]) -> usize {
        let mut expected = 0;
        let most = READ_AT_ONCE.min(self.segments_left);
        candidates
            .iter()
            .take(most)
            .take_while(|candidate| {
                let wanted = expected <= self.room() as u64;
                expected += candidate.expected;
                wanted
            })
            .count()
    }
}

impl Store {
    /// At most `limit` items of a tenant's run that match `filter`, from number `from` (from 0) on.
    /// A page may hold fewer than there are; the last one has no `next`. Absent: the tenant has no
    /// such run.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_items(
        &self,
        tenant: &str,
        run: &RunId,
        filter: &ItemFilter,
        from: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Option<ItemPage>, StoreError> {
        if self.tenant_run(tenant, run, now).await?.is_none() {
            return Ok(None);
        }
        let mut walk = Walk {
            run,
            sought: Sought::new(filter),
            limit,
            now,
            position: from,
            segments_left: SEGMENTS_READ,
            page: ItemPage {
                items: Vec::new(),
                next: None,
            },
        };
        let walked = if walk.sought.is_all() {
            Continue(())
        } else {
            self.walk_index(&mut walk).await?
        };
        if walked.is_continue() {
            self.walk_on(&mut walk).await?;
        }
        Ok(Some(walk.page))
    }

    /// As far as there is an index.
    async fn walk_index(&self, walk: &mut Walk<'_>) -> Result<ControlFlow<()>, StoreError> {
        let Walk { run, now, .. } = *walk;
        let Some(first) = self.span_with(run, walk.position, now).await? else {
            return Ok(Continue(()));
        };
        let first: IndexRow = first;
        let following = self.spans_from(run, first.end(), INDEX_READ - 1, now);
        let mut rows = vec![first];
        rows.extend(following.await?);
        let (end, candidates) = self.candidates(walk, &rows).await?;
        if self.walk_candidates(walk, &candidates).await?.is_break() {
            return Ok(Break(()));
        }
        walk.position = walk.position.max(end);
        if rows.len() < INDEX_READ {
            return Ok(Continue(()));
        }
        walk.stop(walk.position);
        Ok(Break(()))
    }

    /// The segments that can match of those that the rows tell of up to a gap, and where that is.
    async fn candidates(
        &self,
        walk: &Walk<'_>,
        rows: &[IndexRow],
    ) -> Result<(u64, Vec<Candidate>), StoreError> {
        let logins: Vec<Option<Logins>> = if walk.sought.wants_logins() {
            stream::iter(rows.iter().map(IndexRow::first).collect::<Vec<_>>())
                .map(|first| self.logins(walk.run, first, walk.now))
                .buffered(READ_AT_ONCE)
                .try_collect()
                .await?
        } else {
            rows.iter().map(|_| None).collect()
        };
        let mut candidates = Vec::new();
        let mut end = rows.first().map_or(walk.position, IndexRow::first);
        for (row, logins) in rows.iter().zip(&logins) {
            if row.first() != end {
                break;
            }
            end = row.end();
            let mut logins = logins.as_ref().map(|Logins(bytes)| bytes.as_slice());
            for entry in row.entries()? {
                let own = logins.and_then(|bytes| bytes.split_at_checked(entry.login_bytes));
                logins = own.map(|(_, others)| others);
                let expected = walk.sought.expected(&entry, own.map(|(own, _)| own));
                if entry.end() > walk.position && expected > 0 {
                    let Entry { first, .. } = entry;
                    candidates.push(Candidate { first, expected });
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

    async fn walk_candidates(
        &self,
        walk: &mut Walk<'_>,
        mut candidates: &[Candidate],
    ) -> Result<ControlFlow<()>, StoreError> {
        let Walk { run, now, .. } = *walk;
        while let Some(next) = candidates.first() {
            if walk.room() == 0 || walk.segments_left == 0 {
                walk.stop(next.first.max(walk.position));
                return Ok(Break(()));
            }
            let (round, others) = candidates
                .split_at_checked(walk.round(candidates))
                .unwrap_or((candidates, &[]));
            candidates = others;
            let keys = round.iter().map(|it| key(run, Segment::PREFIX, it.first));
            let segments: Vec<Option<Segment>> = stream::iter(keys.collect::<Vec<_>>())
                .map(|key| async move { self.read_row(Segment::WHAT, &key, now).await })
                .buffered(READ_AT_ONCE)
                .try_collect()
                .await?;
            for segment in segments.into_iter().flatten() {
                if walk.take(&segment)?.is_break() {
                    return Ok(Break(()));
                }
            }
        }
        Ok(Continue(()))
    }

    /// Segment by segment from the position on.
    async fn walk_on(&self, walk: &mut Walk<'_>) -> Result<(), StoreError> {
        let Walk { run, now, .. } = *walk;
        let first: Option<Segment> = self.span_with(run, walk.position, now).await?;
        let mut segments = Vec::from_iter(first);
        loop {
            for segment in segments {
                if walk.take(&segment)?.is_break() {
                    return Ok(());
                }
            }
            if walk.segments_left == 0 {
                walk.stop(walk.position);
                return Ok(());
            }
            let most = walk.at_once();
            segments = self.spans_from(run, walk.position, most, now).await?;
            if segments.is_empty() {
                return Ok(());
            }
        }
    }
}
