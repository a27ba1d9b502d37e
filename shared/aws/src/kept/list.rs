//! Pages of the items of a run in the background: chunk after chunk as their rows say, of which a
//! page reads a bounded number.

use std::collections::BTreeMap;
use std::ops::Range;

use muster_core::limits::CHUNK_RECORDS;

use super::{Kind, ROUNDS_OF_ROWS, behind, kept, key};
use crate::background::Objects;
use crate::items::{Candidate, Filling, Sought, Stretch};
use crate::rounds::{ChunkRow, Round};
use crate::runs::RunId;
use crate::{Store, StoreError, kept::ROWS_AT_ONCE};

/// The numbers of a chunk's items: the chunk's times this, and on from there.
pub(super) const NUMBERS: u64 = 1_000_000;

/// Where a segment is read.
struct Place {
    object: String,
    bytes: Range<u64>,
    /// The numbers of its items.
    numbers: Range<u64>,
}

/// The segments that can match of some chunks.
struct Found {
    candidates: Vec<Candidate<Place>>,
    /// No chunk behind these has any.
    all: bool,
}

fn first_number(chunk: u32) -> u64 {
    u64::from(chunk) * NUMBERS
}

/// The first chunk that can have an item with this number, or a later one, that is sought; `None`:
/// there is none. A chunk has so many records at most, so those before a record are many.
fn first_chunk(position: u64, sought: &Sought<'_>) -> Option<u32> {
    let chunk = position / NUMBERS;
    let before = sought.record().unwrap_or_default().saturating_sub(1);
    let chunk = chunk.max(before / u64::from(CHUNK_RECORDS));
    u32::try_from(chunk).ok()
}

/// Fills a page with items of a run's round.
pub(crate) async fn fill(
    store: &Store,
    objects: &Objects,
    run: &RunId,
    round: Round,
    filling: &mut Filling<'_>,
) -> Result<(), StoreError> {
    let Some(mut chunk) = first_chunk(filling.position, &filling.sought) else {
        return Ok(());
    };
    for _ in 0..ROUNDS_OF_ROWS {
        let rows = store.chunks(run, round, chunk, ROWS_AT_ONCE).await?;
        let Found { candidates, all } = candidates(run, round, &rows, filling)?;
        let filled = filling.fill(candidates, |place| read(objects, place));
        if filled.await?.is_break() || all {
            return Ok(());
        }
        let Some(next) = behind(&rows) else {
            return Ok(());
        };
        chunk = next;
        filling.position = filling.position.max(first_number(chunk));
    }
    filling.stop(filling.position);
    Ok(())
}

fn candidates(
    run: &RunId,
    round: Round,
    rows: &BTreeMap<u32, ChunkRow>,
    filling: &Filling<'_>,
) -> Result<Found, StoreError> {
    let mut candidates = Vec::new();
    for (chunk, kept) in kept(rows) {
        for segment in kept.segments()? {
            let (entry, sought) = (&segment.entry, &filling.sought);
            let past = |record| entry.records.is_some_and(|(first, _)| first > record);
            if sought.record().is_some_and(past) {
                let all = true;
                return Ok(Found { candidates, all });
            }
            let expected = sought.expected(entry, Some(&segment.logins));
            let numbers = first_number(chunk) + entry.first..first_number(chunk) + entry.end();
            if numbers.end > filling.position && expected > 0 {
                let place = Place {
                    object: key(run, round, chunk, &kept.by, Kind::Items),
                    bytes: segment.bytes,
                    numbers: numbers.clone(),
                };
                candidates.push(Candidate {
                    first: numbers.start,
                    expected,
                    place,
                });
            }
        }
    }
    let all = false;
    Ok(Found { candidates, all })
}

/// A segment; `None`: its object is gone, as it will be when nobody looks for it any more.
async fn read(objects: &Objects, place: Place) -> Result<Option<Stretch>, StoreError> {
    let Place {
        object,
        bytes,
        numbers,
    } = place;
    let ndjson = objects.get_range(&object, bytes).await?;
    Ok(ndjson.map(|ndjson| Stretch {
        first: numbers.start,
        end: numbers.end,
        ndjson,
    }))
}
