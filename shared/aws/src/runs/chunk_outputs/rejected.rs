//! Pages of rejected records, in input order over all chunks. A page starts at a byte offset in the
//! object of its first chunk, so that nothing before it is read, and ends at the end of a line.

use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::outputs::{ChunkOutputs, ObjectKind, key};
use super::rows::{MAX_ROW_BATCHES, ROWS_PER_BATCH, next_chunk, outputs};
use crate::error::StoreError;
use crate::runs::round::Round;
use crate::runs::run::Run;
use crate::s3::Objects;
use crate::store::Store;

/// Maximum objects read per page: many chunks may have one rejected record each.
const MAX_OBJECTS: usize = 200;
/// Maximum objects read concurrently.
const CONCURRENT_READS: usize = 8;
/// Bytes fetched at a time while searching for the end of a line.
const SEARCH_BYTES: u64 = 65_536;
/// Bits of a page position that hold the byte offset within a chunk.
const OFFSET_BITS: u32 = 32;

/// A page of rejected records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedPage {
    /// Whole lines.
    pub ndjson: Vec<u8>,
    /// Position of the next page; absent on the last page.
    pub next: Option<u64>,
}

/// A byte range of a chunk's rejected records.
struct Piece {
    chunk: u32,
    object: String,
    bytes: Range<u64>,
}

/// Pieces that a page consists of.
#[derive(Default)]
struct PagePlan {
    pieces: Vec<Piece>,
    /// Position of the next page, if all pieces consist of whole lines.
    next: Option<u64>,
    /// Size of the last piece's object, if that piece may end within a line.
    cut: Option<u64>,
}

/// Returns the page position of a byte in a chunk's rejected records.
fn page_position(chunk: u32, byte: u64) -> u64 {
    u64::from(chunk) << OFFSET_BITS | byte
}

/// Handle of the rejected records of background runs.
#[derive(Debug, Clone, Copy)]
pub struct RejectedRecords<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of the rejected records.
    #[must_use]
    pub const fn rejected_records(&self) -> RejectedRecords<'_> {
        RejectedRecords { store: self }
    }
}

impl RejectedRecords<'_> {
    /// Lists the rejected records of a run's last round that fit into `max_bytes`, starting at
    /// `from` (0, or the `next` of the previous page). A record larger than that is a page of its
    /// own. A page may contain fewer records than fit; the last page has no `next`. A run that has
    /// not ended has the records of its completed chunks.
    ///
    /// # Errors
    /// Returns an error if a request to the store or the bucket fails.
    pub async fn list(
        self,
        objects: &Objects,
        run: &Run,
        from: u64,
        max_bytes: usize,
    ) -> Result<RejectedPage, StoreError> {
        let mut page = RejectedPage {
            ndjson: Vec::new(),
            next: None,
        };
        let Some(round) = run.job.as_ref().and_then(|job| job.shown) else {
            return Ok(page);
        };
        let planner = PagePlanner {
            store: self.store,
            objects,
            run,
            round,
        };
        let PagePlan { pieces, next, cut } = planner.plan(from, max_bytes as u64).await?;
        // Collected first: the compiler cannot prove that a stream which borrows the items it maps
        // is `Send`.
        let reads = pieces.iter();
        let reads: Vec<_> = reads
            .map(|piece| range(objects, &piece.object, piece.bytes.clone()))
            .collect();
        let mut read = stream::iter(reads).buffered(CONCURRENT_READS);
        while let Some(bytes) = read.try_next().await? {
            page.ndjson.extend_from_slice(&bytes);
        }
        page.next = next;
        if let (Some(size), Some(last)) = (cut, pieces.last()) {
            let end = end_lines(objects, &mut page.ndjson, last, size).await?;
            page.next = Some(page_position(last.chunk, end));
        }
        Ok(page)
    }
}

/// Removes an incomplete line at the end of the last piece, or completes it if it is the only line.
/// Returns the offset in the object at which the text then ends.
async fn end_lines(
    objects: &Objects,
    text: &mut Vec<u8>,
    last: &Piece,
    size: u64,
) -> Result<u64, StoreError> {
    let read = last.bytes.end;
    if let Some(newline) = text.iter().rposition(|byte| *byte == b'\n') {
        let excess = text.len() - (newline + 1);
        text.truncate(newline + 1);
        return Ok(read.saturating_sub(excess as u64));
    }
    let end = line_end(objects, &last.object, read, size).await?;
    text.extend_from_slice(&range(objects, &last.object, read..end).await?);
    Ok(end)
}

struct PagePlanner<'w> {
    store: &'w Store,
    objects: &'w Objects,
    run: &'w Run,
    round: Round,
}

impl PagePlanner<'_> {
    async fn plan(&self, from: u64, mut room: u64) -> Result<PagePlan, StoreError> {
        let mut plan = PagePlan::default();
        let mut chunk = u32::try_from(from >> OFFSET_BITS).unwrap_or(u32::MAX);
        let (first, byte) = (chunk, from & ((1 << OFFSET_BITS) - 1));
        for _ in 0..MAX_ROW_BATCHES {
            let rows = self
                .store
                .chunks()
                .list(&self.run.id, self.round, chunk, ROWS_PER_BATCH);
            let rows = rows.await?;
            for (chunk, outputs) in outputs(&rows) {
                let object = key(
                    &self.run.id,
                    self.round,
                    chunk,
                    &outputs.by,
                    ObjectKind::Rejected,
                );
                let byte = if chunk == first { byte } else { 0 };
                let begin = self.line_begin(&object, byte, outputs).await?;
                let size = outputs.rejected_bytes;
                if begin >= size {
                    continue;
                }
                if plan.pieces.len() == MAX_OBJECTS || (room == 0 && !plan.pieces.is_empty()) {
                    plan.next = Some(page_position(chunk, begin));
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
            let Some(next) = next_chunk(&rows) else {
                return Ok(plan);
            };
            chunk = next;
        }
        plan.next = Some(page_position(chunk, 0));
        Ok(plan)
    }

    /// Returns the offset of the first line that starts at this byte or later.
    async fn line_begin(
        &self,
        object: &str,
        byte: u64,
        outputs: &ChunkOutputs,
    ) -> Result<u64, StoreError> {
        match byte.checked_sub(1) {
            None => Ok(0),
            Some(before) => line_end(self.objects, object, before, outputs.rejected_bytes).await,
        }
    }
}

/// Returns the end of the line that contains this byte, including its line break.
async fn line_end(
    objects: &Objects,
    object: &str,
    mut byte: u64,
    size: u64,
) -> Result<u64, StoreError> {
    while byte < size {
        let end = size.min(byte.saturating_add(SEARCH_BYTES));
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
        reason: "the object named by the row is missing".to_owned(),
    })
}
