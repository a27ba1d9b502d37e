//! Runs of imports: the rows of the execution log, task locks, idempotency keys, and the outputs of
//! the chunks of a background run.

mod checking;
pub mod chunk_outputs;
pub mod chunks;
mod ending;
mod id;
pub mod idempotency;
pub mod items;
mod job;
mod list;
mod round;
mod run;
pub mod task_lock;
mod transitions;
pub mod undo;

pub use muster_core::reader::{Compression, Format};

pub use self::ending::Ending;
pub use self::id::RunId;
pub use self::job::{Chunked, Job, ReadProgress, Source, StopReason, Upload};
pub use self::list::{ListedRun, RunFilter, RunPage, RunStatusFilter};
pub use self::run::{NewRun, Run, Runs};
