//! Imports of users, from acquiring the task to the finished run, and writes of single users.
//!
//! Dialects and functions call this crate. `muster-core` defines what a record means, `muster-aws`
//! how rows are stored in DynamoDB. The parts, each of which uses only those below it:
//!
//! - [`request`](self::import): imports within one request, and their hand-over to the workers;
//! - [`uploads`]: imports of uploaded files, and the status and cancellation of any import;
//! - `worker`: the processor, the writers and the sweeper ([`Runner`]);
//! - `user`: writes of single users ([`Directory`]);
//! - `records`: planning and applying the records of a run;
//! - `run`: what all of these know about a run.

mod blocking;
mod clock;
mod deadline;
mod records;
mod request;
mod run;
mod span;
mod times;
pub mod uploads;
mod user;
mod worker;

pub use self::clock::{Clock, ManualClock};
pub use self::deadline::Deadline;
pub use self::request::{
    IdempotencyKey, ImportRequest, ImportResult, RunOutcome, enqueue_import, import,
};
pub use self::times::{TIMES_VARIABLE, Times};
pub use self::user::{
    Directory, PROMISED_RETRY_AFTER_SECONDS, UserCheck, UserSelector, WriteOutcome,
};
pub use self::worker::{Runner, SweepReport};
