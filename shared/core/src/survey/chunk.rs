//! The second look at a large input, chunk by chunk: what [`super::collect`] would make of these
//! records, had it read all of the input.

use super::collect::{Collected, Gather, Seen};
use super::rejected::{ChunkRecords, Rejected};
use super::spool::Repeats;
use crate::reader::{ReadError, Sizes, read_array};
use crate::rules::Rules;

/// What came of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectedChunk {
    /// Its records, numbered as in the input.
    pub collected: Collected,
    /// Those that do not go on to the directory, in order, to be handed back. Of a record that is
    /// refused later [`ChunkRecords`] makes the same.
    pub rejected: Vec<Rejected>,
}

/// Reads the text of a chunk whose first record is the input's number `first`, from 1, and in which
/// `repeats` came before.
///
/// # Errors
/// [`ReadError`]: the text is not what [`super::spool`] made.
pub fn collect_chunk(
    text: &[u8],
    first: u64,
    repeats: &Repeats,
    rules: &Rules,
    sizes: Sizes,
) -> Result<CollectedChunk, ReadError> {
    let mut seen = Seen::behind(first.saturating_sub(1));
    let gather = Gather { rules, key: None };
    let totals = read_array(text, rules, sizes, &gather, |first, crop| {
        seen.add(first, crop)
    })?;
    let collected = seen.finish(rules, totals.records, repeats);
    let rejected = rejected(text, first, rules, &collected);
    Ok(CollectedChunk {
        collected,
        rejected,
    })
}

/// The records of the chunk that change nobody. All of their items are there.
fn rejected(text: &[u8], first: u64, rules: &Rules, collected: &Collected) -> Vec<Rejected> {
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
