//! Reading of chunk rows for pages of outputs.

use std::collections::BTreeMap;

use super::outputs::ChunkOutputs;
use crate::runs::chunks::ChunkRow;

/// Chunk rows per batch.
pub(super) const ROWS_PER_BATCH: usize = 100;
/// Maximum row batches per page.
pub(super) const MAX_ROW_BATCHES: usize = 10;

/// Returns the outputs of the completed chunks among these rows.
pub(super) fn outputs(
    rows: &BTreeMap<u32, ChunkRow>,
) -> impl Iterator<Item = (u32, &ChunkOutputs)> {
    rows.iter().filter_map(|(number, row)| {
        let outputs = row.result.as_ref()?.outputs.as_ref()?;
        Some((*number, outputs))
    })
}

/// Returns the chunk after these rows if the batch is full, so that more rows may follow.
pub(super) fn next_chunk(rows: &BTreeMap<u32, ChunkRow>) -> Option<u32> {
    let (last, _) = rows.last_key_value()?;
    let more = rows.len() >= ROWS_PER_BATCH;
    last.checked_add(1).filter(|_| more)
}
