//! A chunk in the hands of a writer.

use std::sync::Arc;

use bytes::Bytes;
use muster_aws::StoreError;
use muster_aws::runs::chunks::ChunkResult;
use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::scan::{CollectedChunk, Repeats, collect_chunk};

use crate::records::sender::RunError;
use crate::run::chunks::decode_chunk;

/// A chunk that was read from the bucket and parsed.
pub(super) struct LoadedChunk {
    /// Number of its first record.
    pub(super) first: u64,
    pub(super) text: Bytes,
    pub(super) rules: Arc<Rules>,
    /// Days for which its task keeps the values before a run.
    pub(super) undo_days: u32,
    pub(super) collected: CollectedChunk,
}

/// The result of a writer's work on a chunk.
pub(super) enum ChunkOutcome {
    /// All of the chunk is done.
    Complete(ChunkResult),
    /// The deadline passed, or the store failed. `wrote_some` if something was written before.
    Partial { cause: RunError, wrote_some: bool },
}

/// Parses the object of a chunk.
///
/// # Errors
/// Returns an error if the object is not what the processor wrote.
pub(super) fn load(
    object: &Bytes,
    repeated: &Repeats,
    rules: Rules,
    undo_days: u32,
) -> Result<LoadedChunk, StoreError> {
    let (first, text) = decode_chunk(object)
        .ok_or_else(|| invalid_chunk("it does not start with the number of its first record"))?;
    let collected = collect_chunk(&text, first, repeated, &rules, Sizes::default())
        .map_err(|_| invalid_chunk("its records do not parse"))?;
    Ok(LoadedChunk {
        first,
        text,
        rules: rules.into(),
        undo_days,
        collected,
    })
}

/// Returns the error of a chunk that is missing or is not what the processor wrote.
pub(super) fn invalid_chunk(reason: &str) -> StoreError {
    StoreError::Row {
        row: "a chunk",
        reason: reason.to_owned(),
    }
}
