//! Writing what is kept of a chunk.

use std::ops::Range;

use base64::Engine as _;
use muster_core::item::Item;

use super::list::NUMBERS;
use super::{BASE64, Kept, Kind, WHAT, key};
use crate::StoreError;
use crate::background::Objects;
use crate::items::{self, Entry};
use crate::rounds::Round;
use crate::runs::RunId;

/// Bytes of what a row tells of the segments of a chunk's items. A row ends at 400 KB, and rows are
/// read a hundred at once. Each segment can have some thousand bytes, so a chunk with something to
/// say about every value of every record gets fewer and larger ones.
const INDEX_BYTES: usize = 64_000;

impl Objects {
    /// Keeps the items of a chunk, in the order of its records, and its rejected records, each of
    /// them JSON, so that whoever commits the chunk can say where they are. `None`: there is nothing
    /// to keep, and nothing is written. Doing the same again changes nothing.
    ///
    /// # Errors
    /// The bucket's; one object may be written then, which nobody sees.
    pub async fn keep(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        by: &str,
        items: &[Item],
        rejected: &[String],
    ) -> Result<Option<Kept>, StoreError> {
        if items.is_empty() && rejected.is_empty() {
            return Ok(None);
        }
        let (text, index) = written(items)?;
        let lines = lines(rejected);
        let kept = Kept {
            by: by.to_owned(),
            segments: index.segments,
            logins: BASE64.encode(index.logins),
            rejected: rejected.len() as u64,
            rejected_bytes: lines.len() as u64,
        };
        for (kind, text) in [(Kind::Items, text), (Kind::Rejected, lines)] {
            if !text.is_empty() {
                let key = key(run, round, chunk, by, kind);
                self.put(&key, text.into()).await?;
            }
        }
        Ok(Some(kept))
    }
}

/// Rejected records, a line each. A line break within JSON is white space, and so is a blank.
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

/// What a row tells of the items.
#[derive(Debug, Default)]
struct Index {
    /// As JSON.
    segments: String,
    logins: Vec<u8>,
}

/// The items as text, and what there is to tell of them.
fn written(items: &[Item]) -> Result<(String, Index), StoreError> {
    if items.is_empty() {
        return Ok((String::new(), Index::default()));
    }
    if items.len() as u64 >= NUMBERS {
        return Err(StoreError::Row {
            row: WHAT,
            reason: format!("{} items are more than a chunk can have", items.len()),
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
    let (mut most_items, mut most_bytes) = (items::ITEMS, items::BYTES);
    loop {
        let mut told = Vec::new();
        let mut logins = Vec::new();
        for (range, bytes) in cut(ends, most_items, most_bytes) {
            let first = range.start as u64;
            let (entry, own) = Entry::of(first, items.get(range).unwrap_or_default());
            told.push((entry, bytes));
            logins.extend(own);
        }
        let segments = serde_json::to_string(&told).map_err(|_| StoreError::Row {
            row: WHAT,
            reason: "a segment cannot be told of as JSON".to_owned(),
        })?;
        if segments.len() <= INDEX_BYTES || told.len() == 1 {
            return Ok(Index { segments, logins });
        }
        // Larger segments have no less to tell: so many times fewer there must be.
        let times = segments.len().div_ceil(INDEX_BYTES);
        most_items = most_items.saturating_mul(times);
        most_bytes = most_bytes.saturating_mul(times);
    }
}

/// Cuts lines that end at these bytes into segments: their lines, and how many bytes these have.
/// One line fits always.
fn cut(ends: &[usize], most_items: usize, most_bytes: usize) -> Vec<(Range<usize>, usize)> {
    let mut segments = Vec::new();
    let (mut first, mut begin, mut last) = (0, 0, 0);
    for (number, end) in ends.iter().copied().enumerate() {
        let full = number - first == most_items || end - begin > most_bytes;
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
    fn segments_end_at_their_items_and_their_bytes_but_have_one_line() {
        assert_eq!(cut(&[], 2, 10), []);
        assert_eq!(cut(&[3], 2, 1), [(0..1, 3)]);
        assert_eq!(
            cut(&[3, 6, 9, 12, 30, 33], 2, 10),
            [(0..2, 6), (2..4, 6), (4..5, 18), (5..6, 3)]
        );
        assert_eq!(cut(&[5, 10, 15], 9, 10), [(0..2, 10), (2..3, 5)]);
    }

    #[test]
    fn a_rejected_record_is_one_line_however_it_was_sent() {
        let records = ["{\"a\":\r\n[1,\n2]}".to_owned(), "{}".to_owned()];
        assert_eq!(lines(&records), "{\"a\":  [1, 2]}\n{}\n");
        assert_eq!(lines(&[]), "");
    }
}
