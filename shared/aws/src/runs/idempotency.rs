//! Idempotency keys (protocol.md#idempotency): a request that is repeated under its key gets the
//! first response and has no second effect. A key is put by the transaction that starts its run,
//! and gets its response or is deleted by the transaction that ends the run; both are in
//! [`super::task_lock`]. This module looks up keys and stores long responses.
//!
//! Rows: `KEY#<tenant>#<hash>` / `KEY` has the run and the first part of the response, `…` /
//! `ANSWER#<run>#<part>` the other parts. A part is read only through the row of the key, so the
//! parts of a run that never ended are never mixed with those of another run.

mod answers;
mod key;

pub use self::answers::KeyState;
pub(crate) use self::key::delete;
pub use self::key::{Answer, KeyUse, RequestKey, StoredAnswer};
use crate::store::Store;

/// Names the row in errors.
const ROW: &str = "an idempotency key";

/// Handle of the idempotency keys.
#[derive(Debug, Clone, Copy)]
pub struct Idempotency<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of the idempotency keys.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency<'_> {
        Idempotency { store: self }
    }
}
