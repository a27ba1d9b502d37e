//! Segments: a row that holds up to 1,000 items of a run as NDJSON.

use muster_core::item::Item;
use serde::{Deserialize, Serialize};

use super::Span;
use crate::StoreError;

/// Items of a segment.
const ITEMS: usize = 1_000;
/// Bytes of a segment's NDJSON; a row ends at 400 KB.
const BYTES: usize = 300_000;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Segment {
    /// The number of its first item, from 0.
    first: u64,
    /// How many items it has.
    count: u64,
    /// One item a line; see [`line`].
    ndjson: String,
    expires_at: i64,
}

impl Span for Segment {
    const WHAT: &'static str = "a segment of items";
    const PREFIX: &'static str = "ITEMS#";

    fn first(&self) -> u64 {
        self.first
    }

    fn end(&self) -> u64 {
        self.first + self.count
    }
}

impl Segment {
    /// As many of `items` as fit; the first one fits always.
    fn of(items: &[Item], first: u64, expires_at: i64) -> Result<Self, StoreError> {
        let mut ndjson = String::new();
        let mut taken = 0;
        for item in items.iter().take(ITEMS) {
            let line = line(item)?;
            if taken > 0 && ndjson.len() + line.len() + 1 > BYTES {
                break;
            }
            ndjson.push_str(&line);
            ndjson.push('\n');
            taken += 1;
        }
        Ok(Self {
            first,
            count: taken,
            ndjson,
            expires_at,
        })
    }

    /// Its items, each with its number.
    pub(super) fn items(&self) -> impl Iterator<Item = Result<(u64, Item), StoreError>> {
        (self.first..)
            .zip(self.ndjson.lines())
            .map(|(number, line)| match serde_json::from_str(line) {
                Ok(item) => Ok((number, item)),
                Err(error) => Err(broken(&error)),
            })
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
        row: Segment::WHAT,
        reason: format!(
            "an item is not what this version writes ({:?}, column {})",
            error.classify(),
            error.column()
        ),
    }
}

/// The segments of all `items`, each with the items that are in it, and made when it is asked for:
/// together they may be large. The first item has the number `first`.
pub(super) fn segments(
    items: &[Item],
    mut first: u64,
    expires_at: i64,
) -> impl Iterator<Item = Result<(Segment, &[Item]), StoreError>> + Send {
    let mut rest = items;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let segment = match Segment::of(rest, first, expires_at) {
            Ok(segment) => segment,
            Err(error) => {
                rest = &[];
                return Some(Err(error));
            }
        };
        let taken = usize::try_from(segment.count).unwrap_or(usize::MAX);
        let (its, others) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
        (first, rest) = (segment.end(), others);
        Some(Ok((segment, its)))
    })
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
            code: "odd".into(),
            severity: Severity::Warning,
            message: message.into(),
        }
    }

    fn cut(items: &[Item]) -> Vec<(Segment, &[Item])> {
        segments(items, 0, 0).map(Result::unwrap).collect()
    }

    fn segment_of(ndjson: &str) -> Segment {
        Segment {
            first: 0,
            count: 1,
            ndjson: ndjson.to_owned(),
            expires_at: 0,
        }
    }

    #[test]
    fn a_segment_ends_at_a_thousand_items() {
        let items: Vec<_> = (0..2_500).map(|n| item(n, "x".into())).collect();
        let segments = cut(&items);
        let sizes: Vec<_> = segments.iter().map(|(s, _)| (s.first, s.count)).collect();
        assert_eq!(sizes, [(0, 1_000), (1_000, 1_000), (2_000, 500)]);
        assert_eq!(segments[2].1, &items[2_000..]);
    }

    #[test]
    fn a_segment_ends_before_its_row_gets_too_large() {
        let items: Vec<_> = (0..10).map(|n| item(n, "x".repeat(100_000))).collect();
        let segments = cut(&items);
        assert!(segments.iter().all(|(s, _)| s.ndjson.len() <= BYTES));
        assert_eq!(segments.iter().map(|(s, _)| s.count).sum::<u64>(), 10);
        assert_eq!(segments[1].0.first, segments[0].0.count);
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
        let object = segment_of(&serde_json::to_string(&item).unwrap());
        for segment in [segment, object] {
            let read: Vec<_> = segment.items().map(Result::unwrap).collect();
            assert_eq!(read, [(0, item.clone())]);
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
