//! Random schedules of requests under idempotency keys (protocol.md#idempotency): requests and
//! responses are lost, functions crash before any request to the store, and other requests arrive
//! in the middle of one. Every key must have one effect and one response, the same bytes every
//! time, and in the end no task may be locked.
//!
//! A schedule follows from its number, which a failure names. `MUSTER_SCHEDULES=10000` runs more,
//! `MUSTER_SCHEDULE=17` only that one.

mod request;
mod schedule;

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use muster_local::{Stack, StackOptions};
use muster_tests::{Access, SeededScenarios};

use schedule::generate;

/// Runs for a few seconds by default.
const SCHEDULES: SeededScenarios = SeededScenarios {
    seed_variable: "MUSTER_SCHEDULE",
    count_variable: "MUSTER_SCHEDULES",
    default_count: 200,
    max_per_stack: 100,
    stacks: 8,
};

/// Runs schedules one after another on their own stack.
async fn run_on_stack(numbers: Vec<u64>) {
    let stack = Stack::start(StackOptions::default());
    let stack = stack.await.expect("the stack starts");
    for number in numbers {
        let (schedule, events) = generate(number, stack.store.clone());
        let description = format!("schedule {number}: {:?} {events:#?}", schedule.kinds);
        if tokio::spawn(schedule.run(events)).await.is_err() {
            panic!("MUSTER_SCHEDULE={number} runs it alone:\n{description}");
        }
    }
    // An hour later every lock has expired: ending the expired runs must find none.
    let an_hour_later = Timestamp::now() + 1.hour();
    let expired = stack
        .store
        .task_locks()
        .end_expired(an_hour_later, Duration::ZERO);
    assert_eq!(expired.await.expect("the store"), [], "locked in the end");
    let rows = Access::new(stack.store.clone()).all_lock_rows().await;
    assert!(rows.is_empty(), "locked in the end: {rows:?}");
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_schedules_give_every_key_one_effect_and_one_response() {
    SCHEDULES.run_on_stacks(run_on_stack).await;
}
