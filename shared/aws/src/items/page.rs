//! A page of items that is being filled, wherever they are stored: segment after segment, of which
//! it reads a bounded number, and those that together should fill it at the same time.

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use muster_core::item::Item;

use super::filter::{ItemFilter, Sought};
use super::{ndjson, segment};
use crate::StoreError;

/// Segments that one page reads at most.
const SEGMENTS_READ: usize = 24;
/// What is read at the same time.
pub(super) const READ_AT_ONCE: usize = 4;

/// An item and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedItem {
    /// Where the item stands among those of its run: numbers grow, and may leave some out.
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
pub(crate) struct Filling<'f> {
    pub(crate) sought: Sought<'f>,
    limit: usize,
    /// All items before this one have been looked at.
    pub(crate) position: u64,
    pub(super) segments_left: usize,
    pub(super) page: ItemPage,
}

/// A segment that can match.
pub(crate) struct Candidate<P> {
    /// The number of its first item.
    pub(crate) first: u64,
    /// About how many of its items match.
    pub(crate) expected: u64,
    /// Where it is read.
    pub(crate) place: P,
}

/// A segment that was read.
pub(crate) struct Stretch {
    /// The number of its first item.
    pub(crate) first: u64,
    /// The number behind its last item.
    pub(crate) end: u64,
    pub(crate) ndjson: Bytes,
}

impl<'f> Filling<'f> {
    pub(super) fn new(filter: &'f ItemFilter, from: u64, limit: usize) -> Self {
        Self {
            sought: Sought::new(filter),
            limit,
            position: from,
            segments_left: SEGMENTS_READ,
            page: ItemPage {
                items: Vec::new(),
                next: None,
            },
        }
    }

    /// How many more items the page takes.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.page.items.len())
    }

    /// The page ends here; the next one begins with item `number`.
    pub(crate) const fn stop(&mut self, number: u64) {
        self.page.next = Some(number);
    }

    /// Takes what matches from a segment. A large one counts as several.
    pub(super) fn take(&mut self, stretch: &Stretch) -> Result<ControlFlow<()>, StoreError> {
        let segments = stretch.ndjson.len().div_ceil(segment::BYTES).max(1);
        self.segments_left = self.segments_left.saturating_sub(segments);
        for item in ndjson::items(stretch.first, &stretch.ndjson) {
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
        self.position = self.position.max(stretch.end);
        Ok(Continue(()))
    }

    /// How many segments to read where nothing is known of them.
    pub(super) fn at_once(&self) -> usize {
        if self.sought.is_all() || self.room() == 0 {
            1
        } else {
            READ_AT_ONCE.min(self.segments_left)
        }
    }

    /// How many of these segments to read next: what should fill the page, a few at most.
    fn round<P>(&self, candidates: &[Candidate<P>]) -> usize {
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

    /// Reads these segments, as far as the page takes them.
    pub(crate) async fn fill<P, R>(
        &mut self,
        mut candidates: Vec<Candidate<P>>,
        read: impl Fn(P) -> R,
    ) -> Result<ControlFlow<()>, StoreError>
    where
        R: Future<Output = Result<Option<Stretch>, StoreError>>,
    {
        while let Some(next) = candidates.first() {
            if self.room() == 0 || self.segments_left == 0 {
                self.stop(next.first.max(self.position));
                return Ok(Break(()));
            }
            let round = candidates.drain(..self.round(&candidates));
            let places: Vec<P> = round.map(|candidate| candidate.place).collect();
            let stretches: Vec<Option<Stretch>> = stream::iter(places)
                .map(&read)
                .buffered(READ_AT_ONCE)
                .try_collect()
                .await?;
            for stretch in stretches.into_iter().flatten() {
                if self.take(&stretch)?.is_break() {
                    return Ok(Break(()));
                }
            }
        }
        Ok(Continue(()))
    }
}
