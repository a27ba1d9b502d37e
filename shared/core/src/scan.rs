//! Checks a whole input before anything is written: every record is read, identified, validated and
//! compared with the earlier ones. [`collect()`] returns the changes to import; [`check()`]
//! predicts an import into an empty directory, in little memory. An input that is too large to be
//! kept is read in two passes: [`split_into_chunks`] compares all records and splits the text, and
//! [`collect_chunk`] returns for each chunk what [`collect()`] would return for its records.

mod check;
mod chunk;
mod chunker;
mod collect;
mod emails;
mod fast_path;
mod first_items;
mod first_pass;
mod keys;
mod managers;
mod rejected;
mod repeated;
mod requested;
mod rewrites;
mod subject;

pub use self::check::{Checked, check, check_source};
pub use self::chunk::{CollectedChunk, collect_chunk};
pub use self::chunker::{Chunk, ChunkSizes};
pub use self::collect::{Collected, UserChange, collect};
pub use self::first_pass::{FirstPass, Repeats, split_into_chunks};
pub use self::managers::Cycle;
pub use self::rejected::{ChunkRecords, RejectedRecord};
pub use self::subject::external_id_taken;
