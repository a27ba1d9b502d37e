//! Filling a page of items from segments, wherever they are stored. A page reads a bounded number
//! of segments in order, and reads those concurrently that together should fill it.

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use muster_core::item::Item;

use super::filter::{ItemFilter, ItemQuery};
use super::{MAX_SEGMENT_BYTES, ndjson};
use crate::error::StoreError;

/// Maximum segments read per page.
const MAX_SEGMENTS: usize = 24;
/// Maximum rows or objects read concurrently.
pub(super) const CONCURRENT_READS: usize = 4;

/// An item and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedItem {
    /// Number of the item within its run: numbers increase, possibly with gaps.
    pub number: u64,
    /// The item.
    pub item: Item,
}

/// A page of a run's items, in the order of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<NumberedItem>,
    /// Number of the first item of the next page; absent on the last page.
    pub next: Option<u64>,
}

/// Builder of a page.
pub(in crate::runs) struct PageBuilder<'f> {
    pub(in crate::runs) query: ItemQuery<'f>,
    limit: usize,
    /// Number of the next item to examine.
    pub(in crate::runs) position: u64,
    pub(super) segments_left: usize,
    pub(super) page: ItemPage,
}

/// A segment that can match.
pub(in crate::runs) struct Candidate<P> {
    /// Number of its first item.
    pub(in crate::runs) first: u64,
    /// Estimated number of matching items.
    pub(in crate::runs) expected: u64,
    /// Location of the segment.
    pub(in crate::runs) location: P,
}

/// A segment that was read.
pub(in crate::runs) struct SegmentText {
    /// Number of its first item.
    pub(in crate::runs) first: u64,
    /// Number after its last item.
    pub(in crate::runs) end: u64,
    pub(in crate::runs) ndjson: Bytes,
}

impl<'f> PageBuilder<'f> {
    pub(super) fn new(filter: &'f ItemFilter, from: u64, limit: usize) -> Self {
        Self {
            query: ItemQuery::new(filter),
            limit,
            position: from,
            segments_left: MAX_SEGMENTS,
            page: ItemPage {
                items: Vec::new(),
                next: None,
            },
        }
    }

    /// Returns how many more items fit into the page.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.page.items.len())
    }

    /// Ends the page; the next page starts with item `number`.
    pub(in crate::runs) const fn stop(&mut self, number: u64) {
        self.page.next = Some(number);
    }

    /// Adds the matching items of a segment. A large segment counts as several.
    pub(super) fn push_segment(
        &mut self,
        segment: &SegmentText,
    ) -> Result<ControlFlow<()>, StoreError> {
        let segments = segment.ndjson.len().div_ceil(MAX_SEGMENT_BYTES).max(1);
        self.segments_left = self.segments_left.saturating_sub(segments);
        for item in ndjson::items(segment.first, &segment.ndjson) {
            let (number, item) = item?;
            if number < self.position || !self.query.matches(&item) {
                continue;
            }
            if self.room() == 0 {
                self.stop(number);
                return Ok(Break(()));
            }
            self.page.items.push(NumberedItem { number, item });
        }
        self.position = self.position.max(segment.end);
        Ok(Continue(()))
    }

    /// Returns the number of segments to read next where there is no index.
    pub(super) fn read_ahead(&self) -> usize {
        if self.query.is_all() || self.room() == 0 {
            1
        } else {
            CONCURRENT_READS.min(self.segments_left)
        }
    }

    /// Returns how many of these segments to read next: enough to fill the page, but only a few.
    fn batch_len<P>(&self, candidates: &[Candidate<P>]) -> usize {
        let mut expected = 0;
        let max = CONCURRENT_READS.min(self.segments_left);
        candidates
            .iter()
            .take(max)
            .take_while(|candidate| {
                let needed = expected <= self.room() as u64;
                expected += candidate.expected;
                needed
            })
            .count()
    }

    /// Reads these segments until the page is full.
    pub(in crate::runs) async fn fill<P, R>(
        &mut self,
        mut candidates: Vec<Candidate<P>>,
        read: impl Fn(P) -> R,
    ) -> Result<ControlFlow<()>, StoreError>
    where
        R: Future<Output = Result<Option<SegmentText>, StoreError>>,
    {
        while let Some(next) = candidates.first() {
            if self.room() == 0 || self.segments_left == 0 {
                self.stop(next.first.max(self.position));
                return Ok(Break(()));
            }
            let batch = candidates.drain(..self.batch_len(&candidates));
            let locations: Vec<P> = batch.map(|candidate| candidate.location).collect();
            let segments: Vec<Option<SegmentText>> = stream::iter(locations)
                .map(&read)
                .buffered(CONCURRENT_READS)
                .try_collect()
                .await?;
            for segment in segments.into_iter().flatten() {
                if self.push_segment(&segment)?.is_break() {
                    return Ok(Break(()));
                }
            }
        }
        Ok(Continue(()))
    }
}
