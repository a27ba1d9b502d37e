//! The items of a run (its messages about its records), all in one partition. A *segment*
//! contains up to 1,000 items. An *index*, written after the segments, summarizes each of them, so
//! that a filtered page reads only segments that can match, whatever the size of the run. The key
//! of every row has the number of its first item, so a page starts without reading earlier rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_core::item::Item;

use super::id::RunId;
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::read::Order;
use crate::dynamodb::row::{self, Key, Row};
use crate::error::StoreError;
use crate::store::Store;

mod bloom;
mod filter;
mod index;
mod list;
mod ndjson;
mod page;
mod segment;
mod summary;
mod write;

pub use self::filter::ItemFilter;
pub(super) use self::filter::ItemQuery;
pub(super) use self::ndjson::line;
pub(super) use self::page::{Candidate, PageBuilder, SegmentText};
pub use self::page::{ItemPage, NumberedItem};
pub(super) use self::summary::SegmentSummary;

/// Maximum items per segment.
pub(super) const MAX_SEGMENT_ITEMS: usize = 1_000;
/// Maximum bytes of a segment's NDJSON; DynamoDB limits a row to 400 KB.
pub(super) const MAX_SEGMENT_BYTES: usize = 300_000;

/// A row about consecutive items of a run.
trait Span: Row {
    const ROW: &'static str;
    const PREFIX: &'static str;

    /// Returns the number of its first item, from 0.
    fn first(&self) -> u64;
    /// Returns the number after its last item.
    fn end(&self) -> u64;
}

fn pk(run: &RunId) -> String {
    format!("RUN#{run}")
}

fn key(run: &RunId, prefix: &str, first: u64) -> Key {
    Key::new(pk(run), sk(prefix, first))
}

/// Pads the number to twelve digits, so that keys sort numerically.
fn sk(prefix: &str, first: u64) -> String {
    format!("{prefix}{first:012}")
}

/// Upper bound of item numbers, exclusive.
const ITEM_NUMBER_BOUND: u64 = 1_000_000_000_000;

/// Handle of the items of runs.
#[derive(Debug, Clone, Copy)]
pub struct Items<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of the items.
    #[must_use]
    pub const fn items(&self) -> Items<'_> {
        Items { store: self }
    }
}

impl Items<'_> {
    /// Returns the row that contains item `number`.
    async fn span_with<S: Span>(
        self,
        run: &RunId,
        number: u64,
        now: Timestamp,
    ) -> Result<Option<S>, StoreError> {
        let spans = self.spans(run, (0, number), Order::Descending, 1, now);
        let span = spans.await?.into_iter().next();
        Ok(span.filter(|span: &S| span.end() > number))
    }

    /// Returns at most `limit` rows whose first item is `number` or a later one.
    async fn spans_from<S: Span>(
        self,
        run: &RunId,
        number: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<S>, StoreError> {
        let numbers = (number, ITEM_NUMBER_BOUND - 1);
        self.spans(run, numbers, Order::Ascending, limit, now).await
    }

    async fn spans<S: Span>(
        self,
        run: &RunId,
        (from, to): (u64, u64),
        order: Order,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<S>, StoreError> {
        if from > to {
            return Ok(Vec::new());
        }
        let bounds = [from, to].map(|number| row::text(sk(S::PREFIX, number)));
        let spans =
            Condition::equals("pk", row::text(pk(run))).and(Condition::between("sk", bounds));
        let response = self
            .store
            .query(spans)
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send_boxed()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let rows = response.items.unwrap_or_default().into_iter();
        rows.filter(|row| row::is_live(row, now))
            .map(|row| row::decode(S::ROW, row))
            .collect()
    }
}

/// Counts items by code.
#[must_use]
pub fn count_codes<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeMap<String, u64> {
    count(items.into_iter().map(|item| item.code.as_ref()))
}

fn count<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for text in texts {
        if let Some(count) = counts.get_mut(text) {
            *count += 1;
        } else {
            counts.insert(text.to_owned(), 1);
        }
    }
    counts
}
