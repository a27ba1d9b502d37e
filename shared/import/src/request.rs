//! Imports whose data come within one request (contract.md#quant-import).

mod finish;
mod hand_over;
mod idempotency;
mod outcome;
mod prepare;
mod respond_async;
mod sync;

pub use self::outcome::{IdempotencyKey, ImportRequest, ImportResult, RunOutcome};
pub use self::respond_async::enqueue_import;
pub use self::sync::import;
