//! Single-user writes, while others write the same users and imports run (protocol.md#stamps,
//! protocol.md#claims): every login and external id has one owner, no update is lost, and no claim
//! is left that nobody can acquire.

mod actions;
mod interleavings;
pub mod rows;
mod scenarios;
