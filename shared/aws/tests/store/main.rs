//! The store against a real DynamoDB API: an embedded one, reached through the SDK on loopback.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the tests share unwraps and panics as they do"
)]

mod faults;
mod holds;
mod items;
mod keys;
mod logins;
mod operators;
mod operators_changed;
mod roles;
mod runs;
mod single;
mod support;
mod sweep;
mod task_changes;
mod tasks;
mod tokens;
mod users;
