//! Outputs of the chunks of a background run: items and rejected records, as NDJSON in the bucket.
//! A writer stores both under keys of its own before it commits the chunk; an object that no chunk
//! row names is never read (protocol.md#chunk-leases). The row summarizes the segments of the
//! items, as the index does for synchronous runs, so a filtered page reads only segments that can
//! match.
//!
//! Objects: `kept/<run>/<round>/<chunk>-<by>.items`, `….rejected`.

mod items;
mod outputs;
mod rejected;
mod rows;
mod write;

pub(super) use self::items::fill;
pub use self::outputs::ChunkOutputs;
pub use self::rejected::{RejectedPage, RejectedRecords};
