//! The items of a run (what it has to say about its records), in segments: one row holds up to
//! 1,000 of them as NDJSON, with how often each code occurs. A segment's key is the number of its
//! first item, so a page is found without reading what comes before it. All segments of a run are
//! in one partition, which takes 1,000 KB a second: they are written patiently, a few at a time.

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
const WRITTEN_AT_ONCE: usize = 3;
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
    /// One item a line; see [`line`].
    ndjson: String,
    expires_at: i64,
}

impl Segment {
    /// As many of `items` as fit; the first one fits always.
    fn of(items: &[Item], first: u64, expires_at: i64) -> Result<Self, StoreError> {
        let mut ndjson = String::new();
        let mut taken = 0;
        for item in items.iter().take(SEGMENT_ITEMS) {
            let line = line(item)?;
            if taken > 0 && ndjson.len() + line.len() + 1 > SEGMENT_BYTES {
                break;
            }
            ndjson.push_str(&line);
            ndjson.push('\n');
            taken += 1;
        }
        Ok(Self {
            first,
            count: taken as u64,
            codes: count_codes(items.iter().take(taken)),
            ndjson,
            expires_at,
        })
    }

    fn items(&self) -> impl Iterator<Item = Result<Item, StoreError>> {
        self.ndjson
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| broken(&error)))
    }
}

/// An item as an array of its members in their order, which serde reads as well as an object:
/// their names would be a third of most lines.
fn line(item: &Item) -> Result<String, StoreError> {
    let Item {
        record,
        login,
        key,
        code,
        severity,
        message,
    } = item;
    serde_json::to_string(&(record, login, key, code, severity, message))
        .map_err(|error| broken(&error))
}

/// Only what cannot quote an item, as the error's own message does.
fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Row {
        row: WHAT,
        reason: format!(
            "an item is not what this version writes ({:?}, column {})",
            error.classify(),
            error.column()
        ),
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

/// The segments of all `items`, each made when it is asked for: together they may be large.
fn segments(
    items: &[Item],
    expires_at: i64,
) -> impl Iterator<Item = Result<Segment, StoreError>> + Send {
    let mut rest = items;
    let mut first = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let segment = Segment::of(rest, first, expires_at);
        let taken = segment.as_ref().map_or(rest.len() as u64, |it| it.count);
        first += taken;
        let taken = usize::try_from(taken).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        Some(segment)
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
        let segments = segments(items, row::expiry(row::later(now, KEPT)));
        stream::iter(segments)
            .map(|segment| async move { self.write_segment(run, &segment?).await })
            .buffer_unordered(WRITTEN_AT_ONCE)
            .try_collect()
            .await
    }

    async fn write_segment(&self, run: &RunId, segment: &Segment) -> Result<(), StoreError> {
        let row = row::encode(WHAT, &Key::new(pk(run), sk(segment.first)), segment)?;
        self.put_patiently(row).await
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

    fn cut(items: &[Item]) -> Vec<Segment> {
        segments(items, 0).map(Result::unwrap).collect()
    }

    fn segment_of(ndjson: &str) -> Segment {
        Segment {
            first: 0,
            count: 1,
            codes: BTreeMap::new(),
            ndjson: ndjson.to_owned(),
            expires_at: 0,
        }
    }

    #[test]
    fn a_segment_ends_at_a_thousand_items() {
        let items: Vec<_> = (0..2_500).map(|n| item(n, "x".into())).collect();
        let segments = cut(&items);
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
        let segments = cut(&items);
        assert!(segments.iter().all(|s| s.ndjson.len() <= SEGMENT_BYTES));
        assert_eq!(segments.iter().map(|s| s.count).sum::<u64>(), 10);
        assert_eq!(segments[1].first, segments[0].count);
    }

    #[test]
    fn no_items_make_no_segment() {
        assert!(cut(&[]).is_empty());
    }

    #[test]
    fn a_line_does_not_spend_room_on_names_and_is_read_as_an_item() {
        let item = item(7, "not a \"valid\"\naddress".into());
        let segment = Segment::of(std::slice::from_ref(&item), 0, 0).unwrap();
        assert_eq!(
            segment.ndjson,
            "[7,null,null,\"odd\",\"warning\",\"not a \\\"valid\\\"\\naddress\"]\n"
        );
        let object = Segment {
            ndjson: serde_json::to_string(&item).unwrap(),
            ..segment_of("")
        };
        for segment in [segment, object] {
            let read: Vec<_> = segment.items().map(Result::unwrap).collect();
            assert_eq!(read, std::slice::from_ref(&item));
        }
    }

    #[test]
    fn an_unreadable_item_is_reported_without_what_it_holds() {
        for planted in [
            r#"["jack.woo@example.org"]"#,
            r#"[1,null,null,"email.malformed","jack.woo@example.org","?"]"#,
            r#"{"jack.woo@example.org"#,
        ] {
            let error = segment_of(planted).items().next().unwrap().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
            assert!(error.to_string().contains("column"), "{error}");
        }
    }
}
