//! Writing of chunk outputs.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use muster_core::item::Item;

use super::items::NUMBERS_PER_CHUNK;
use super::outputs::{ChunkOutputs, ObjectKind, ROW, key};
use crate::error::StoreError;
use crate::runs::id::RunId;
use crate::runs::items::{self, MAX_SEGMENT_BYTES, MAX_SEGMENT_ITEMS, SegmentSummary};
use crate::runs::round::Round;
use crate::s3::Objects;

/// Maximum bytes of the segment summaries in a chunk row. DynamoDB limits a row to 400 KB, and rows
/// are read a hundred at a time. A summary can take several thousand bytes, so a chunk with items
/// about every value of every record gets fewer and larger segments.
const MAX_SUMMARY_BYTES: usize = 64_000;

impl Objects {
    /// Writes the items of a chunk, in the order of its records, and its rejected records, each of
    /// them JSON, and returns their description for the commit of the chunk. Returns `None`, and
    /// writes nothing, if there are neither. Repeating a call changes nothing.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails; one object may have been written, which
    /// is visible to nobody.
    pub async fn put_chunk_outputs(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        by: &str,
        items: &[Item],
        rejected: &[String],
    ) -> Result<Option<ChunkOutputs>, StoreError> {
        if items.is_empty() && rejected.is_empty() {
            return Ok(None);
        }
        let (text, index) = encode_items(items)?;
        let lines = lines(rejected);
        let outputs = ChunkOutputs {
            by: by.to_owned(),
            segments: index.segments,
            logins: BASE64.encode(index.logins),
            rejected: rejected.len() as u64,
            rejected_bytes: lines.len() as u64,
        };
        for (kind, text) in [(ObjectKind::Items, text), (ObjectKind::Rejected, lines)] {
            if !text.is_empty() {
                let key = key(run, round, chunk, by, kind);
                self.put(&key, text.into()).await?;
            }
        }
        Ok(Some(outputs))
    }
}

/// Returns rejected records, one per line. A line break within JSON is white space, so a blank
/// replaces it.
fn lines(rejected: &[String]) -> String {
    let mut text = String::with_capacity(rejected.iter().map(|record| record.len() + 1).sum());
    for record in rejected {
        for (number, part) in record.split(['\n', '\r']).enumerate() {
            if number > 0 {
                text.push(' ');
            }
            text.push_str(part);
        }
        text.push('\n');
    }
    text
}

/// Segment summaries of a chunk's items.
#[derive(Debug, Default)]
struct Index {
    /// Summary and size of each segment, as JSON.
    segments: String,
    /// Concatenated Bloom filters.
    logins: Vec<u8>,
}

/// Encodes the items as NDJSON, with the summaries of their segments.
fn encode_items(items: &[Item]) -> Result<(String, Index), StoreError> {
    if items.is_empty() {
        return Ok((String::new(), Index::default()));
    }
    if items.len() as u64 >= NUMBERS_PER_CHUNK {
        return Err(StoreError::Row {
            row: ROW,
            reason: format!("{} items exceed the maximum of a chunk", items.len()),
        });
    }
    let mut text = String::new();
    let mut ends = Vec::with_capacity(items.len());
    for item in items {
        text.push_str(&items::line(item)?);
        text.push('\n');
        ends.push(text.len());
    }
    Ok((text, index(items, &ends)?))
}

fn index(items: &[Item], ends: &[usize]) -> Result<Index, StoreError> {
    let (mut max_items, mut max_bytes) = (MAX_SEGMENT_ITEMS, MAX_SEGMENT_BYTES);
    loop {
        let mut summaries = Vec::new();
        let mut logins = Vec::new();
        for (range, bytes) in cut(ends, max_items, max_bytes) {
            let first = range.start as u64;
            let (summary, own) = SegmentSummary::of(first, items.get(range).unwrap_or_default());
            summaries.push((summary, bytes));
            logins.extend(own);
        }
        let segments = serde_json::to_string(&summaries).map_err(|_| StoreError::Row {
            row: ROW,
            reason: "cannot encode the segment summaries as JSON".to_owned(),
        })?;
        if segments.len() <= MAX_SUMMARY_BYTES || summaries.len() == 1 {
            return Ok(Index { segments, logins });
        }
        // A larger segment's summary is no smaller, so the number of segments must shrink by this
        // factor.
        let factor = segments.len().div_ceil(MAX_SUMMARY_BYTES);
        max_items = max_items.saturating_mul(factor);
        max_bytes = max_bytes.saturating_mul(factor);
    }
}

/// Cuts lines that end at these offsets into segments, and returns the line numbers and the size in
/// bytes of each. A segment has at least one line, however large.
fn cut(ends: &[usize], max_items: usize, max_bytes: usize) -> Vec<(Range<usize>, usize)> {
    let mut segments = Vec::new();
    let (mut first, mut begin, mut last) = (0, 0, 0);
    for (number, end) in ends.iter().copied().enumerate() {
        let full = number - first == max_items || end - begin > max_bytes;
        if number > first && full {
            segments.push((first..number, last - begin));
            (first, begin) = (number, last);
        }
        last = end;
    }
    if first < ends.len() {
        segments.push((first..ends.len(), last - begin));
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_respect_both_limits_and_have_at_least_one_line() {
        assert_eq!(cut(&[], 2, 10), []);
        assert_eq!(cut(&[3], 2, 1), [(0..1, 3)]);
        assert_eq!(
            cut(&[3, 6, 9, 12, 30, 33], 2, 10),
            [(0..2, 6), (2..4, 6), (4..5, 18), (5..6, 3)]
        );
        assert_eq!(cut(&[5, 10, 15], 9, 10), [(0..2, 10), (2..3, 5)]);
    }

    #[test]
    fn a_rejected_record_is_written_as_one_line() {
        let records = ["{\"a\":\r\n[1,\n2]}".to_owned(), "{}".to_owned()];
        assert_eq!(lines(&records), "{\"a\":  [1, 2]}\n{}\n");
        assert_eq!(lines(&[]), "");
    }
}
