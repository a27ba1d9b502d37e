//! The consumer of records, and the sizes and totals of a read.

use super::keys::FoundKeys;
use crate::validate::Element;

/// Sizes that affect speed and memory, not results.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes that one worker parses at once. Small enough for its cache.
    pub chunk: usize,
    /// Maximum bytes in flight: how far workers may run ahead of a slow one.
    pub window: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            chunk: 64 * 1024,
            window: 4 * 1024 * 1024,
        }
    }
}

/// A consumer of elements. Workers call it concurrently for different chunks.
pub trait RecordSink: Sync {
    /// Result of one chunk.
    type Batch: Send;

    /// Returns an empty batch for the elements in `text`.
    fn start_batch(&self, text: &[u8]) -> Self::Batch;

    /// Adds one element to the batch; `index` counts from 0 within the chunk.
    fn push(&self, batch: &mut Self::Batch, index: u32, element: Element<'_>);

    /// Finishes a batch after all of `elements` were pushed: valid JSON values separated by commas,
    /// as sent, and white space.
    fn finish_batch(&self, _batch: &mut Self::Batch, _elements: &[u8]) {}
}

/// Totals of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Elements of the array.
    pub records: u64,
    /// Bytes of the text.
    pub bytes: u64,
    /// Keys of the elements that the task does not map, or maps in another spelling.
    pub keys: FoundKeys,
}
