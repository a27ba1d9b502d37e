//! Writes of single users: find the user that a request selects, plan as an import does, write
//! under conditions, and start again if another writer was faster (protocol.md#claims,
//! protocol.md#renames). No two requests lose each other's changes: each is planned on what the
//! other left.

mod claims;
mod directory;
mod pending;
mod write;

pub use self::directory::{Directory, UserCheck, UserSelector, WriteOutcome};
