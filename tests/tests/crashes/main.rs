//! Runs in the background whose workers die, whose messages and answers get lost, double, late and
//! out of order: the failure table of the protocol against the real functions. A row is a test of
//! its own; `schedules` has them all at random.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod acquiring;
mod beginnings;
mod checking;
mod file;
mod handing;
mod import;
mod judge;
mod late;
mod messages;
mod others;
mod schedules;
mod stage;
mod standing;
mod stopping;
mod throttling;
mod writing;

/// As in the local stack, which these tests run: it allocates all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
