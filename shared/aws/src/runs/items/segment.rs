//! Segments: rows with up to 1,000 items of a run as NDJSON.

use muster_core::item::Item;
use serde::{Deserialize, Serialize};

use super::ndjson::line;
use super::page::SegmentText;
use super::{MAX_SEGMENT_BYTES, MAX_SEGMENT_ITEMS, Span};
use crate::dynamodb::row;
use crate::error::StoreError;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Segment {
    /// Number of its first item, from 0.
    first: u64,
    /// Number of items.
    count: u64,
    /// One item per line.
    ndjson: String,
    expires_at: i64,
}

row::codec!(Segment);

impl Span for Segment {
    const ROW: &'static str = "a segment of items";
    const PREFIX: &'static str = "ITEMS#";

    fn first(&self) -> u64 {
        self.first
    }

    fn end(&self) -> u64 {
        self.first + self.count
    }
}

impl Segment {
    /// Builds a segment of the first `items` that fit; it has at least one, however large.
    fn of(items: &[Item], first: u64, expires_at: i64) -> Result<Self, StoreError> {
        let mut ndjson = String::new();
        let mut taken = 0;
        for item in items.iter().take(MAX_SEGMENT_ITEMS) {
            let line = line(item)?;
            if taken > 0 && ndjson.len() + line.len() + 1 > MAX_SEGMENT_BYTES {
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
}

impl From<Segment> for SegmentText {
    fn from(segment: Segment) -> Self {
        Self {
            first: segment.first(),
            end: segment.end(),
            ndjson: segment.ndjson.into(),
        }
    }
}

/// Returns the segments of all `items`, each with its items. Segments are built lazily, because
/// together they may be large. The first item has number `first`.
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
        let (contained, others) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
        (first, rest) = (segment.end(), others);
        Some(Ok((segment, contained)))
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
            value: None,
        }
    }

    fn cut(items: &[Item]) -> Vec<(Segment, &[Item])> {
        segments(items, 0, 0).map(Result::unwrap).collect()
    }

    #[test]
    fn a_segment_has_at_most_a_thousand_items() {
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
        assert!(
            segments
                .iter()
                .all(|(s, _)| s.ndjson.len() <= MAX_SEGMENT_BYTES)
        );
        assert_eq!(segments.iter().map(|(s, _)| s.count).sum::<u64>(), 10);
        assert_eq!(segments[1].0.first, segments[0].0.count);
    }

    #[test]
    fn no_items_make_no_segment() {
        assert!(cut(&[]).is_empty());
    }
}
