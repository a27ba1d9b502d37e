//! Pages of the items of a background run, chunk after chunk. The chunk rows locate the items, and
//! a page reads a bounded number of rows.

use std::collections::BTreeMap;
use std::ops::Range;

use muster_core::limits::MAX_CHUNK_RECORDS;

use super::outputs::{ObjectKind, key};
use super::rows::{MAX_ROW_BATCHES, ROWS_PER_BATCH, next_chunk, outputs};
use crate::error::StoreError;
use crate::runs::chunks::{ChunkRow, Round};
use crate::runs::id::RunId;
use crate::runs::items::{Candidate, ItemQuery, PageBuilder, SegmentText};
use crate::s3::Objects;
use crate::store::Store;

/// Item numbers reserved per chunk: the items of chunk `n` are numbered from `n` times this.
pub(super) const NUMBERS_PER_CHUNK: u64 = 1_000_000;

/// Location of a segment.
struct SegmentLocation {
    object: String,
    bytes: Range<u64>,
    /// Numbers of its items.
    numbers: Range<u64>,
}

/// Segments of some chunks that can match.
struct Candidates {
    candidates: Vec<Candidate<SegmentLocation>>,
    /// True if no later chunk can have a match.
    complete: bool,
}

fn first_number(chunk: u32) -> u64 {
    u64::from(chunk) * NUMBERS_PER_CHUNK
}

/// Returns the first chunk that can have a matching item at `position` or later, or `None` if there
/// is no such chunk. A chunk has at most [`MAX_CHUNK_RECORDS`] records, so a record cannot be in an
/// earlier chunk than its number divided by that maximum.
fn first_chunk(position: u64, query: &ItemQuery<'_>) -> Option<u32> {
    let chunk = position / NUMBERS_PER_CHUNK;
    let before = query.record().unwrap_or_default().saturating_sub(1);
    let chunk = chunk.max(before / u64::from(MAX_CHUNK_RECORDS));
    u32::try_from(chunk).ok()
}

/// Fills a page with the items of a run's round.
pub(in crate::runs) async fn fill(
    store: &Store,
    objects: &Objects,
    run: &RunId,
    round: Round,
    page: &mut PageBuilder<'_>,
) -> Result<(), StoreError> {
    let Some(mut chunk) = first_chunk(page.position, &page.query) else {
        return Ok(());
    };
    for _ in 0..MAX_ROW_BATCHES {
        let rows = store
            .chunks()
            .list(run, round, chunk, ROWS_PER_BATCH)
            .await?;
        let Candidates {
            candidates,
            complete,
        } = candidates(run, round, &rows, page)?;
        let filled = page.fill(candidates, |location| read(objects, location));
        if filled.await?.is_break() || complete {
            return Ok(());
        }
        let Some(next) = next_chunk(&rows) else {
            return Ok(());
        };
        chunk = next;
        page.position = page.position.max(first_number(chunk));
    }
    page.stop(page.position);
    Ok(())
}

fn candidates(
    run: &RunId,
    round: Round,
    rows: &BTreeMap<u32, ChunkRow>,
    page: &PageBuilder<'_>,
) -> Result<Candidates, StoreError> {
    let mut candidates = Vec::new();
    for (chunk, outputs) in outputs(rows) {
        for segment in outputs.segments()? {
            let (summary, query) = (&segment.summary, &page.query);
            let past = |record| summary.records.is_some_and(|(first, _)| first > record);
            if query.record().is_some_and(past) {
                return Ok(Candidates {
                    candidates,
                    complete: true,
                });
            }
            let expected = query.expected(summary, Some(&segment.logins));
            let numbers = first_number(chunk) + summary.first..first_number(chunk) + summary.end();
            if numbers.end > page.position && expected > 0 {
                let location = SegmentLocation {
                    object: key(run, round, chunk, &outputs.by, ObjectKind::Items),
                    bytes: segment.bytes,
                    numbers: numbers.clone(),
                };
                candidates.push(Candidate {
                    first: numbers.start,
                    expected,
                    location,
                });
            }
        }
    }
    Ok(Candidates {
        candidates,
        complete: false,
    })
}

/// Reads a segment. Returns `None` if its object is gone: the bucket deletes outputs after their
/// retention period.
async fn read(
    objects: &Objects,
    location: SegmentLocation,
) -> Result<Option<SegmentText>, StoreError> {
    let SegmentLocation {
        object,
        bytes,
        numbers,
    } = location;
    let ndjson = objects.get_range(&object, bytes).await?;
    Ok(ndjson.map(|ndjson| SegmentText {
        first: numbers.start,
        end: numbers.end,
        ndjson,
    }))
}
