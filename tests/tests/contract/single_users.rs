//! Users written one at a time, while others write the same ones and imports are under way
//! (PROTOCOL §6, §7): every login and external id has one owner, no update is lost, no claim is
//! left that nobody can have.

mod deeds;
pub mod rows;
mod steps;
mod stories;
