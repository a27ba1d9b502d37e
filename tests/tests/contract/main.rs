//! What clients of Muster can rely on, tested as a black box over HTTP. Start with the harness in
//! `src/lib.rs`; the README beside it says how to point these tests at a running stack.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod authenticate;
mod bad_input;
mod catalogue;
mod checks;
mod collaborator;
mod console;
mod counting;
mod dry_run;
mod external_ids;
mod holds;
mod idempotency;
mod limits;
mod lists;
mod log;
mod logins;
mod lost_answers;
mod managers;
mod mapping;
mod merging;
mod order;
mod qvalon;
mod qvalon_list;
mod races;
mod reckoning;
mod running;
mod sample;
mod schedules;
mod single_users;
mod threshold;
mod uploads;
mod values;
