//! The store against real APIs of DynamoDB and S3: embedded ones, reached through the SDK on loopback.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the tests share unwraps and panics as they do"
)]

mod bucket;
mod faults;
mod holds;
mod items;
mod kept;
mod keys;
mod logins;
mod operators;
mod operators_changed;
mod rejected;
mod roles;
mod rounds;
mod runs;
mod single;
mod statements;
mod support;
mod sweep;
mod task_changes;
mod tasks;
mod tokens;
mod users;
