//! The items of a run (what it has to say about its records), in segments: one row holds up to
//! 1,000 of them as NDJSON, with how often each code occurs. A segment's key is the number of its
//! first item, so a page is found without reading what comes before it.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use muster_core::item::Item;
use serde::{Deserialize, Serialize};

use crate::row::{self, Attributes, Key};
use crate::runs::{KEPT, RunId};
use crate::{Store, StoreError};

/// Items of a segment.
const SEGMENT_ITEMS: usize = 1_000;
/// Bytes of a segment's NDJSON; a row ends at 400 KB.
const SEGMENT_BYTES: usize = 300_000;
/// Segments that are written at the same time.
const WRITTEN_AT_ONCE: usize = 8;
const WHAT: &str = "a segment of items";

/// Some items of a run, in the order of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// The offset of the next page; absent: this was the last one.
    pub next: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Segment {
    /// The number of its first item, from 0.
    first: u64,
    /// How many items it has.
    count: u64,
    /// How many, by code.
    codes: BTreeMap<String, u64>,
    /// One item a line.
    ndjson: String,
    expires_at: i64,
}

impl Segment {
    fn starting_at(first: u64, expires_at: i64) -> Self {
        Self {
            first,
            count: 0,
            codes: BTreeMap::new(),
            ndjson: String::new(),
            expires_at,
        }
    }

    fn items(&self) -> impl Iterator<Item = Result<Item, StoreError>> {
        self.ndjson.lines().map(|line| {
            serde_json::from_str(line).map_err(|error| StoreError::Row {
                row: WHAT,
                reason: error.to_string(),
            })
        })
    }
}

/// How many items there are, by code.
#[must_use]
pub fn count_codes<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for item in items {
        if let Some(count) = counts.get_mut(item.code.as_ref()) {
            *count += 1;
        } else {
            counts.insert(item.code.clone().into_owned(), 1);
        }
    }
    counts
}

fn pk(run: &RunId) -> String {
    format!("RUN#{run}")
}

/// Twelve digits sort like the numbers they are.
fn sk(first: u64) -> String {
    format!("ITEMS#{first:012}")
}

fn segments(items: &[Item], expires_at: i64) -> Result<Vec<Segment>, StoreError> {
    let mut segments = Vec::new();
    let mut segment = Segment::starting_at(0, expires_at);
    let mut start = 0;
    for (index, item) in items.iter().enumerate() {
        let line = serde_json::to_string(item).map_err(|error| StoreError::Row {
            row: WHAT,
            reason: error.to_string(),
        })?;
        let full =
            index - start == SEGMENT_ITEMS || segment.ndjson.len() + line.len() + 1 > SEGMENT_BYTES;
        if full && index > start {
            segment.codes = count_codes(items.get(start..index).unwrap_or_default());
            let next = Segment::starting_at(segment.first + segment.count, expires_at);
            segments.push(std::mem::replace(&mut segment, next));
            start = index;
        }
        segment.count += 1;
        segment.ndjson.push_str(&line);
        segment.ndjson.push('\n');
    }
    if segment.count > 0 {
        segment.codes = count_codes(items.get(start..).unwrap_or_default());
        segments.push(segment);
    }
    Ok(segments)
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
        let segments = segments(items, row::expiry(row::later(now, KEPT)))?;
        stream::iter(segments)
            .map(|segment| async move {
                let key = Key::new(pk(run), sk(segment.first));
                self.client
                    .put_item()
                    .table_name(&self.tables.control)
                    .set_item(Some(row::encode(WHAT, &key, &segment)?))
                    .send()
                    .await
                    .map_err(StoreError::sdk("PutItem"))
                    .map(drop)
            })
            .buffer_unordered(WRITTEN_AT_ONCE)
            .try_collect()
            .await
    }

    /// At most `limit` items of a run, from number `offset` (from 0) on. Past the end: none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read_items(
        &self,
        run: &RunId,
        offset: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<ItemPage, StoreError> {
        let mut page = ItemPage {
            items: Vec::new(),
            next: None,
        };
        let Some(mut segment) = self.segment_with(run, offset, now).await? else {
            return Ok(page);
        };
        let mut position = segment.first;
        loop {
            for item in segment.items() {
                if position >= offset {
                    if page.items.len() == limit {
                        page.next = Some(position);
                        return Ok(page);
                    }
                    page.items.push(item?);
                }
                position += 1;
            }
            let Some(next) = self.segment_at(run, position, now).await? else {
                return Ok(page);
            };
            segment = next;
        }
    }

    /// The segment that item number `offset` is in; beyond the last item, the last segment.
    async fn segment_with(
        &self,
        run: &RunId,
        offset: u64,
        now: Timestamp,
    ) -> Result<Option<Segment>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.tables.control)
            .key_condition_expression("pk = :run AND sk BETWEEN :first AND :offset")
            .expression_attribute_values(":run", row::text(pk(run)))
            .expression_attribute_values(":first", row::text(sk(0)))
            .expression_attribute_values(":offset", row::text(sk(offset)))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        answer
            .items
            .unwrap_or_default()
            .into_iter()
            .find(|row: &Attributes| row::is_live(row, now))
            .map(|row| row::decode(WHAT, row))
            .transpose()
    }

    /// The segment that begins with item number `first`.
    async fn segment_at(
        &self,
        run: &RunId,
        first: u64,
        now: Timestamp,
    ) -> Result<Option<Segment>, StoreError> {
        self.read_row(WHAT, &Key::new(pk(run), sk(first)), now)
            .await
    }
}

#[cfg(test)]
mod tests {
    use muster_core::item::Severity;

    use super::*;

    fn item(record: u64, message: String) -> Item {
        Item {
            record: Some(record),
            login: None,
            key: None,
            code: if record.is_multiple_of(2) {
                "even"
            } else {
                "odd"
            }
            .into(),
            severity: Severity::Warning,
            message: message.into(),
        }
    }

    #[test]
    fn a_segment_ends_at_a_thousand_items() {
        let items: Vec<_> = (0..2_500).map(|n| item(n, "x".into())).collect();
        let segments = segments(&items, 0).unwrap();
        let sizes: Vec<_> = segments.iter().map(|s| (s.first, s.count)).collect();
        assert_eq!(sizes, [(0, 1_000), (1_000, 1_000), (2_000, 500)]);
        assert_eq!(
            segments[2].codes,
            BTreeMap::from([("even".into(), 250), ("odd".into(), 250)])
        );
    }

    #[test]
    fn a_segment_ends_before_its_row_gets_too_large() {
        let items: Vec<_> = (0..10).map(|n| item(n, "x".repeat(100_000))).collect();
        let segments = segments(&items, 0).unwrap();
        assert!(segments.iter().all(|s| s.ndjson.len() <= SEGMENT_BYTES));
        assert_eq!(segments.iter().map(|s| s.count).sum::<u64>(), 10);
        assert_eq!(segments[1].first, segments[0].count);
    }

    #[test]
    fn no_items_make_no_segment() {
        assert!(segments(&[], 0).unwrap().is_empty());
    }
}
