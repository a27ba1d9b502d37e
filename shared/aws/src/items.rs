//! The items of a run (what it has to say about its records), all in one partition. A *segment*
//! holds up to 1,000 of them; an *index* written behind the segments tells what each of them
//! holds, so that a filtered page reads only those that can match, whatever the size of the run.
//! Every row's key has the number of its first item, so a page begins without what comes before it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use muster_core::item::Item;
use serde::de::DeserializeOwned;

use crate::lists::Order;
use crate::row::{self, Key};
use crate::runs::RunId;
use crate::{Store, StoreError};

mod bloom;
mod filter;
mod index;
mod list;
mod ndjson;
mod page;
mod segment;
mod write;

pub use filter::ItemFilter;
pub(crate) use filter::Sought;
pub(crate) use index::Entry;
pub use list::list_items;
pub(crate) use ndjson::line;
pub(crate) use page::{Candidate, Filling, Stretch};
pub use page::{ItemPage, NumberedItem};
pub(crate) use segment::{BYTES, ITEMS};

/// A row about some items of a run that follow each other.
trait Span: DeserializeOwned {
    const WHAT: &'static str;
    const PREFIX: &'static str;

    /// The number of its first item, from 0.
    fn first(&self) -> u64;
    /// The number behind its last item.
    fn end(&self) -> u64;
}

fn pk(run: &RunId) -> String {
    format!("RUN#{run}")
}

/// Twelve digits sort like the numbers they are.
fn key(run: &RunId, prefix: &str, first: u64) -> Key {
    Key::new(pk(run), sk(prefix, first))
}

fn sk(prefix: &str, first: u64) -> String {
    format!("{prefix}{first:012}")
}

/// No item has a number as large as this.
pub const NUMBERS: u64 = 1_000_000_000_000;

impl Store {
    /// The row that item `number` is in.
    async fn span_with<S: Span>(
        &self,
        run: &RunId,
        number: u64,
        now: Timestamp,
    ) -> Result<Option<S>, StoreError> {
        let spans = self.spans(run, (0, number), Order::Descending, 1, now);
        let span = spans.await?.into_iter().next();
        Ok(span.filter(|span: &S| span.end() > number))
    }

    /// Rows that begin with item `number` or a later one: `limit` of them, or fewer.
    async fn spans_from<S: Span>(
        &self,
        run: &RunId,
        number: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<S>, StoreError> {
        let numbers = (number, NUMBERS - 1);
        self.spans(run, numbers, Order::Ascending, limit, now).await
    }

    async fn spans<S: Span>(
        &self,
        run: &RunId,
        (from, to): (u64, u64),
        order: Order,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<S>, StoreError> {
        if from > to {
            return Ok(Vec::new());
        }
        let answer = self
            .client
            .query()
            .table_name(&self.tables.control)
            .key_condition_expression("pk = :run AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":run", row::text(pk(run)))
            .expression_attribute_values(":from", AttributeValue::S(sk(S::PREFIX, from)))
            .expression_attribute_values(":to", AttributeValue::S(sk(S::PREFIX, to)))
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let rows = answer.items.unwrap_or_default().into_iter();
        rows.filter(|row| row::is_live(row, now))
            .map(|row| row::decode(S::WHAT, row))
            .collect()
    }
}

/// How many items there are, by code.
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
