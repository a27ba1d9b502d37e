//! Pages of rejected records, in input order over all chunks. A page begins at a byte of what its
//! first chunk keeps, so that nothing before it is read; it ends at the end of a line.

use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Kept, Kind, ROUNDS_OF_ROWS, ROWS_AT_ONCE, behind, kept, key};
use crate::background::Objects;
use crate::rounds::Round;
use crate::runs::Run;
use crate::{Store, StoreError};

/// Objects that a page reads at most: many chunks may have one rejected record each.
const OBJECTS_READ: usize = 200;
/// Objects that are read at the same time.
const READ_AT_ONCE: usize = 8;
/// Bytes in which the end of a line is looked for at once.
const STEP: u64 = 65_536;
/// Bits of a place within a chunk.
const BITS: u32 = 32;

/// Some rejected records of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedPage {
    /// Whole lines.
    pub ndjson: Vec<u8>,
    /// Where the next page begins; absent: this was the last one.
    pub next: Option<u64>,
}

/// Bytes of the rejected records of a chunk.
struct Piece {
    chunk: u32,
    object: String,
    bytes: Range<u64>,
}

/// What a page is to be made of.
#[derive(Default)]
struct Plan {
    pieces: Vec<Piece>,
    /// Where the next page begins, if all pieces are of whole lines.
    next: Option<u64>,
    /// Bytes of the object that the last piece is cut out of, if it may end within a line.
    cut: Option<u64>,
}

/// The number of a byte of what a chunk keeps.
fn number(chunk: u32, byte: u64) -> u64 {
    u64::from(chunk) << BITS | byte
}

/// The rejected records of the run's round that counts, from number `from` (0, or the `next` of the
/// page before) on: as many as fit into `most_bytes`; a larger one stands alone. A page may hold
/// fewer than there are; the last one has no `next`. Of a run that goes on, there are those of the
/// chunks that are done.
///
/// # Errors
/// What the store says, or the bucket.
pub async fn rejected(
    store: &Store,
    objects: &Objects,
    run: &Run,
    from: u64,
    most_bytes: usize,
) -> Result<RejectedPage, StoreError> {
    let mut page = RejectedPage {
        ndjson: Vec::new(),
        next: None,
    };
    let Some(round) = run.job.as_ref().and_then(|job| job.shown) else {
        return Ok(page);
    };
    let walk = Walk {
        store,
        objects,
        run,
        round,
    };
    let Plan { pieces, next, cut } = walk.plan(from, most_bytes as u64).await?;
    // Made before they are a stream: the compiler cannot prove of one that borrows what it maps that
    // it may be sent between threads.
    let reads = pieces.iter();
    let reads: Vec<_> = reads
        .map(|piece| range(objects, &piece.object, piece.bytes.clone()))
        .collect();
    let mut read = stream::iter(reads).buffered(READ_AT_ONCE);
    while let Some(bytes) = read.try_next().await? {
        page.ndjson.extend_from_slice(&bytes);
    }
    page.next = next;
    if let (Some(size), Some(last)) = (cut, pieces.last()) {
        let end = end_lines(objects, &mut page.ndjson, last, size).await?;
        page.next = Some(number(last.chunk, end));
    }
    Ok(page)
}

/// Takes away what is not a whole line of the last piece, or adds what is missing of the only line.
/// Where in the object the text ends then.
async fn end_lines(
    objects: &Objects,
    text: &mut Vec<u8>,
    last: &Piece,
    size: u64,
) -> Result<u64, StoreError> {
    let read = last.bytes.end;
    if let Some(newline) = text.iter().rposition(|byte| *byte == b'\n') {
        let over = text.len() - (newline + 1);
        text.truncate(newline + 1);
        return Ok(read.saturating_sub(over as u64));
    }
    let end = line_end(objects, &last.object, read, size).await?;
    text.extend_from_slice(&range(objects, &last.object, read..end).await?);
    Ok(end)
}

struct Walk<'w> {
    store: &'w Store,
    objects: &'w Objects,
    run: &'w Run,
    round: Round,
}

impl Walk<'_> {
    async fn plan(&self, from: u64, mut room: u64) -> Result<Plan, StoreError> {
        let mut plan = Plan::default();
        let mut chunk = u32::try_from(from >> BITS).unwrap_or(u32::MAX);
        let (first, byte) = (chunk, from & ((1 << BITS) - 1));
        for _ in 0..ROUNDS_OF_ROWS {
            let rows = self
                .store
                .chunks(&self.run.id, self.round, chunk, ROWS_AT_ONCE);
            let rows = rows.await?;
            for (chunk, kept) in kept(&rows) {
                let object = key(&self.run.id, self.round, chunk, &kept.by, Kind::Rejected);
                let byte = if chunk == first { byte } else { 0 };
                let begin = self.line_begin(&object, byte, kept).await?;
                let size = kept.rejected_bytes;
                if begin >= size {
                    continue;
                }
                if plan.pieces.len() == OBJECTS_READ || (room == 0 && !plan.pieces.is_empty()) {
                    plan.next = Some(number(chunk, begin));
                    return Ok(plan);
                }
                let bytes = begin..size.min(begin.saturating_add(room));
                room -= bytes.end - bytes.start;
                let whole = bytes.end == size;
                plan.pieces.push(Piece {
                    chunk,
                    object,
                    bytes,
                });
                if !whole {
                    plan.cut = Some(size);
                    return Ok(plan);
                }
            }
            let Some(next) = behind(&rows) else {
                return Ok(plan);
            };
            chunk = next;
        }
        plan.next = Some(number(chunk, 0));
        Ok(plan)
    }

    /// Where the first line begins that begins at this byte or a later one.
    async fn line_begin(&self, object: &str, byte: u64, kept: &Kept) -> Result<u64, StoreError> {
        match byte.checked_sub(1) {
            None => Ok(0),
            Some(before) => line_end(self.objects, object, before, kept.rejected_bytes).await,
        }
    }
}

/// Where the line ends that this byte is in, its line break included.
async fn line_end(
    objects: &Objects,
    object: &str,
    mut byte: u64,
    size: u64,
) -> Result<u64, StoreError> {
    while byte < size {
        let end = size.min(byte.saturating_add(STEP));
        let read = range(objects, object, byte..end).await?;
        if let Some(newline) = read.iter().position(|it| *it == b'\n') {
            return Ok(byte + newline as u64 + 1);
        }
        byte = end;
    }
    Ok(size)
}

async fn range(objects: &Objects, object: &str, bytes: Range<u64>) -> Result<Bytes, StoreError> {
    let read = objects.get_range(object, bytes).await?;
    read.ok_or_else(|| StoreError::Row {
        row: "the rejected records of a chunk",
        reason: "the object that its row names is gone".to_owned(),
    })
}
