//! Chunks of background runs: leases and results.

use std::time::Duration;

use muster_aws::Store;
use muster_aws::runs::RunId;
use muster_aws::runs::chunks::{ChunkResult, LeaseOutcome, Round};
use muster_core::run::Counts;

use crate::support::{at, start, store};

const LEASE_DURATION: Duration = Duration::from_secs(70);

async fn lease(store: &Store, run: &RunId, owner: &str, seconds: u64) -> LeaseOutcome {
    let leased = store
        .chunks()
        .lease(run, Round::Apply, 3, owner, LEASE_DURATION, at(seconds));
    leased.await.unwrap()
}

async fn commit(store: &Store, run: &RunId, owner: Option<&str>, created: u64) -> bool {
    let result = ChunkResult {
        counts: Counts {
            total: created,
            created,
            ..Counts::default()
        },
        ..ChunkResult::default()
    };
    let committed = store
        .chunks()
        .commit(run, Round::Apply, 3, owner, &result, at(90));
    committed.await.unwrap()
}

const fn mine(attempts: u32, outcome_unknown: bool) -> LeaseOutcome {
    LeaseOutcome::Leased {
        attempts,
        outcome_unknown,
    }
}

#[tokio::test]
async fn a_lease_is_exclusive_until_it_expires() {
    let (store, run) = (store().await, RunId::generate(start()));
    assert_eq!(lease(&store, &run, "a", 0).await, mine(1, false));
    assert_eq!(lease(&store, &run, "b", 1).await, LeaseOutcome::Busy);
    assert_eq!(lease(&store, &run, "a", 2).await, mine(2, false));
    assert_eq!(lease(&store, &run, "b", 72).await, LeaseOutcome::Busy);
    // A write of the abandoned owner may still be under way.
    assert_eq!(lease(&store, &run, "b", 73).await, mine(3, true));
    assert!(!commit(&store, &run, Some("a"), 1).await);
    assert!(commit(&store, &run, Some("b"), 2).await);
    assert_eq!(lease(&store, &run, "c", 500).await, LeaseOutcome::Committed);
    assert!(!commit(&store, &run, Some("a"), 1).await);

    let rows = store
        .chunks()
        .list(&run, Round::Apply, 0, 10)
        .await
        .unwrap();
    assert_eq!(rows[&3].result.as_ref().unwrap().counts.created, 2);
    let planned = store.chunks().list(&run, Round::Plan, 0, 10).await.unwrap();
    assert!(planned.is_empty(), "rounds do not share rows");
}

#[tokio::test]
async fn a_chunk_that_is_handed_back_can_be_leased_at_once() {
    let (store, run) = (store().await, RunId::generate(start()));
    lease(&store, &run, "a", 0).await;
    let released = store.chunks().release(&run, Round::Apply, 3, "a", true);
    released.await.unwrap();
    assert_eq!(lease(&store, &run, "b", 1).await, mine(1, false));
    // A response to b is missing.
    let released = store.chunks().release(&run, Round::Apply, 3, "b", false);
    released.await.unwrap();
    assert_eq!(lease(&store, &run, "c", 2).await, LeaseOutcome::Busy);
    assert_eq!(lease(&store, &run, "c", 72).await, mine(1, true));
    // Too late: c has the lease.
    let released = store.chunks().release(&run, Round::Apply, 3, "b", true);
    released.await.unwrap();
    assert_eq!(lease(&store, &run, "d", 73).await, LeaseOutcome::Busy);
}

#[tokio::test]
async fn a_result_is_final_and_its_commit_can_be_repeated() {
    let (store, run) = (store().await, RunId::generate(start()));
    lease(&store, &run, "a", 0).await;
    assert!(!commit(&store, &run, None, 0).await, "the chunk is leased");
    assert!(commit(&store, &run, Some("a"), 2).await);
    assert!(
        commit(&store, &run, Some("a"), 2).await,
        "the response was lost"
    );
    assert!(!commit(&store, &run, Some("a"), 3).await);
}

#[tokio::test]
async fn a_chunk_that_was_never_leased_can_be_left_out() {
    let (store, run) = (store().await, RunId::generate(start()));
    assert!(commit(&store, &run, None, 0).await);
    assert_eq!(lease(&store, &run, "a", 0).await, LeaseOutcome::Committed);
}
