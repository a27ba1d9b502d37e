//! The chunks of a run in the bucket, and the messages that name them.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::background::{ChunkMessage, Objects, Work};
use muster_aws::runs::chunks::Round;
use muster_aws::runs::{Chunked, RunId};
use muster_aws::{Store, StoreError};
use muster_core::scan::{Chunk, FirstPass};

/// Maximum chunk objects, or rows of repeated records, that a processor writes concurrently.
pub(crate) const MAX_CONCURRENT_CHUNK_WRITES: usize = 4;

/// Returns the key of a chunk's object.
pub(crate) fn chunk_key(run: &RunId, attempt: &str, chunk: u32) -> String {
    format!("runs/{run}/{attempt}/{chunk}.json")
}

/// Generates a unique name for an attempt, or for the owner of a chunk lease.
pub(crate) fn random_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Returns the messages of chunks.
pub(crate) fn chunk_messages(
    run: RunId,
    chunked: &Chunked,
    round: Round,
    chunks: impl IntoIterator<Item = u32>,
    work: Work,
) -> Vec<ChunkMessage> {
    let message = |chunk| ChunkMessage {
        run,
        attempt: chunked.attempt.clone(),
        round,
        chunk,
        work,
    };
    chunks.into_iter().map(message).collect()
}

/// Writes a chunk to the bucket.
///
/// # Errors
/// Returns an error if the bucket request fails.
pub(crate) async fn put_chunk(
    objects: &Objects,
    run: &RunId,
    attempt: &str,
    chunk: &Chunk,
) -> Result<(), StoreError> {
    let key = chunk_key(run, attempt, chunk.number);
    objects.put(&key, encode(chunk)).await
}

/// Encodes a chunk for the bucket: the number of its first record, a newline, its text.
fn encode(chunk: &Chunk) -> Bytes {
    let mut bytes = format!("{}\n", chunk.first).into_bytes();
    bytes.extend_from_slice(&chunk.text);
    bytes.into()
}

/// Decodes a chunk object into the number of its first record and its text.
pub(crate) fn decode_chunk(chunk: &Bytes) -> Option<(u64, Bytes)> {
    let end = chunk.iter().position(|byte| *byte == b'\n')?;
    let first = std::str::from_utf8(chunk.get(..end)?).ok()?.parse().ok()?;
    Some((first, chunk.slice(end + 1..)))
}

/// Stores, chunk by chunk, which records repeat an earlier one.
///
/// # Errors
/// Returns an error if a store request fails.
pub(crate) async fn put_repeated(
    store: &Store,
    run: &RunId,
    attempt: &str,
    first_pass: &FirstPass,
) -> Result<(), StoreError> {
    let now = Timestamp::now();
    // Collected: the compiler cannot prove a closure over references to be general enough.
    let rows: Vec<_> = first_pass
        .repeated
        .iter()
        .map(|(chunk, repeats)| {
            store
                .chunks()
                .put_repeated(run, attempt, *chunk, repeats, now)
        })
        .collect();
    stream::iter(rows)
        .buffer_unordered(MAX_CONCURRENT_CHUNK_WRITES)
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_object_starts_with_the_number_of_its_first_record() {
        let chunk = Chunk {
            number: 3,
            first: 6_001,
            records: 1,
            text: b"[{\n}]".to_vec(),
            sent: 9,
        };
        let (first, text) = decode_chunk(&encode(&chunk)).unwrap();
        assert_eq!((first, text.as_ref()), (6_001, b"[{\n}]".as_slice()));
        assert_eq!(decode_chunk(&Bytes::from_static(b"no number")), None);
    }
}
