//! Black-box tests over HTTP of everything that clients of Muster can rely on. Start with the
//! harness in `src/lib.rs`; its README explains how to run these tests against a running stack.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot continue has failed"
)]

mod authenticate;
mod bad_input;
mod bodies;
mod catalogue;
mod characters;
mod check_order;
mod collaborator;
mod concurrency;
mod console;
mod counting;
mod dry_run;
mod dry_run_spellings;
mod execution_log;
mod external_ids;
mod generated_imports;
mod idempotency;
mod identification;
mod identification_conflicts;
mod kept_values;
mod keys;
mod limits;
mod logins;
mod lost_responses;
mod managers;
mod mapping;
mod merging;
mod moving_ids;
mod qvalon;
mod qvalon_list;
mod races;
mod request_checks;
mod sample;
mod schedules;
mod single_users;
mod support;
mod task_locks;
mod threshold;
mod unreadable_ids;
mod unreadable_state;
mod uploads;
mod value_formats;
mod values;
