//! Writes of single users: find the user that a request selects, plan as an import does, write
//! under conditions, and start again if another writer was faster (protocol.md#claims,
//! protocol.md#renames). Concurrent requests do not overwrite each other's changes: a request that
//! loses a race is planned again on the current user.

mod claims;
mod directory;
mod pending;
mod write;

pub use self::directory::{
    Directory, PROMISED_RETRY_AFTER_SECONDS, UserCheck, UserSelector, WriteOutcome,
};
