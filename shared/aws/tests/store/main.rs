//! Tests of the store against embedded implementations of DynamoDB and S3, called through the SDK
//! on loopback.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "test helpers may unwrap and panic"
)]

mod bucket;
mod chunk_outputs;
mod chunks;
mod faults;
mod idempotency;
mod items;
mod lock_take_over;
mod operator_changes;
mod operators;
mod rejected;
mod renames;
mod roles;
mod runs;
mod sign_in;
mod single_user_writes;
mod statements;
mod support;
mod sweep;
mod task_changes;
mod task_locks;
mod tasks;
mod tokens;
mod users;
