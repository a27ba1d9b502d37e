//! Runs in the background whose workers crash and whose messages and responses are lost, duplicated,
//! delayed and reordered: the failure table of the protocol (protocol.md#failure-table) against the
//! real functions. Each row has tests of its own; `schedules` combines all of them at random.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot continue has failed"
)]

mod aging;
mod checking;
mod concurrent_writes;
mod entry_points;
mod hand_over;
mod harness;
mod import;
mod import_file;
mod kept;
mod late_arrivals;
mod messages;
mod moving;
mod queueing;
mod resting_claims;
mod schedules;
mod second_look;
mod stopping;
mod stuck_runs;
mod throttling;
mod verifier;
mod writing;

/// The allocator of the local stack, which these tests run: it allocates all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
