//! Imports of uploaded files: announced, sent to the bucket in parts, completed
//! (contract.md#uploads). Also the status of any run, and its cancellation (protocol.md#states,
//! protocol.md#stopping). The workers do the work in between.

mod cancel;
mod complete;
mod create;
mod parts;
mod run;
mod status;

pub use self::cancel::{CancelOutcome, cancel};
pub use self::complete::{CompleteOutcome, Incomplete, complete};
pub use self::create::{CreateOutcome, UploadRequest, create};
pub use self::parts::{Layout, PartsOutcome, PartsPage, SignedPart, parts};
pub use self::status::{ImportStatus, RunProgress, public_state, status};
pub use crate::run::processor_queue::object_key;
