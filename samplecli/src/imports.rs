//! The API of imports as a robot uses it: uploads, status, cancellation and rejected records.

pub mod client;
pub mod outcome;
pub mod retry;
pub mod status;
