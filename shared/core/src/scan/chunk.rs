//! The second pass over a large input, chunk by chunk: returns what [`super::collect()`] would
//! return for these records after reading the whole input.

use super::collect::{CollectSink, CollectState, Collected};
use super::first_pass::Repeats;
use super::rejected::{ChunkRecords, RejectedRecord};
use crate::reader::{ReadError, Sizes, read_array};
use crate::rules::Rules;

/// Result of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectedChunk {
    /// Its records, numbered as in the input.
    pub collected: Collected,
    /// Its records that do not reach the directory, in order, for the list of rejected records.
    /// [`ChunkRecords`] builds the same for records that are refused later.
    pub rejected: Vec<RejectedRecord>,
}

/// Reads the text of a chunk. `first` is the number of its first record in the input, from 1;
/// `repeats` are its records with earlier duplicates.
///
/// # Errors
/// Returns a [`ReadError`] if the text is not a chunk of [`super::split_into_chunks()`].
pub fn collect_chunk(
    text: &[u8],
    first: u64,
    repeats: &Repeats,
    rules: &Rules,
    sizes: Sizes,
) -> Result<CollectedChunk, ReadError> {
    let mut state = CollectState::after_records(first.saturating_sub(1));
    let sink = CollectSink {
        rules,
        key: None,
        hasher: None,
    };
    let totals = read_array(text, rules, sizes, &sink, |first, batch| {
        state.add(first, batch)
    })?;
    let collected = state.finish(rules, totals.records, repeats);
    let rejected = rejected(text, first, rules, &collected);
    Ok(CollectedChunk {
        collected,
        rejected,
    })
}

/// Returns the records of the chunk without changes. All of their items are known.
fn rejected(text: &[u8], first: u64, rules: &Rules, collected: &Collected) -> Vec<RejectedRecord> {
    let Collected {
        counts,
        changes,
        items,
    } = collected;
    if counts.total == changes.len() as u64 {
        return Vec::new();
    }
    let mut taken = changes.iter().map(|change| change.record).peekable();
    let records = ChunkRecords::new(text, first);
    (first..first + counts.total)
        .filter(|number| taken.next_if_eq(number).is_none())
        .filter_map(|number| {
            let start = items.partition_point(|item| item.record < Some(number));
            let about = items.get(start..).unwrap_or_default();
            let about = about.iter().take_while(|item| item.record == Some(number));
            records.rejected(rules, number, about)
        })
        .collect()
}
