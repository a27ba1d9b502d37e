//! Chunks of runs in the background: whose they are, and what came of them.

use std::time::Duration;

use muster_aws::Store;
use muster_aws::rounds::{ChunkResult, Round, Started};
use muster_aws::runs::RunId;
use muster_core::run::Counts;

use crate::support::{at, start, store};

const HELD: Duration = Duration::from_secs(70);

async fn starts(store: &Store, run: &RunId, owner: &str, seconds: u64) -> Started {
    let started = store.start_chunk(run, Round::Apply, 3, owner, HELD, at(seconds));
    started.await.unwrap()
}

async fn commits(store: &Store, run: &RunId, owner: Option<&str>, created: u64) -> bool {
    let result = ChunkResult {
        counts: Counts {
            total: created,
            created,
            ..Counts::default()
        },
        ..ChunkResult::default()
    };
    let committed = store.commit_chunk(run, Round::Apply, 3, owner, &result, at(90));
    committed.await.unwrap()
}

const fn mine(tries: u32, unsure: bool) -> Started {
    Started::Mine { tries, unsure }
}

#[tokio::test]
async fn a_chunk_is_one_worker_s_until_its_time_is_over() {
    let (store, run) = (store().await, RunId::generate(start()));
    assert_eq!(starts(&store, &run, "a", 0).await, mine(1, false));
    assert_eq!(starts(&store, &run, "b", 1).await, Started::Busy);
    assert_eq!(starts(&store, &run, "a", 2).await, mine(2, false));
    assert_eq!(starts(&store, &run, "b", 72).await, Started::Busy);
    // A write of the one that was given up may still be under way.
    assert_eq!(starts(&store, &run, "b", 73).await, mine(3, true));
    assert!(!commits(&store, &run, Some("a"), 1).await);
    assert!(commits(&store, &run, Some("b"), 2).await);
    assert_eq!(starts(&store, &run, "c", 500).await, Started::Committed);
    assert!(!commits(&store, &run, Some("a"), 1).await);

    let rows = store.chunks(&run, Round::Apply, 0, 10).await.unwrap();
    assert_eq!(rows[&3].result.as_ref().unwrap().counts.created, 2);
    let planned = store.chunks(&run, Round::Plan, 0, 10).await.unwrap();
    assert!(planned.is_empty(), "rounds do not share their rows");
}

#[tokio::test]
async fn a_chunk_that_is_handed_back_can_be_taken_at_once() {
    let (store, run) = (store().await, RunId::generate(start()));
    starts(&store, &run, "a", 0).await;
    let released = store.release_chunk(&run, Round::Apply, 3, "a", true);
    released.await.unwrap();
    assert_eq!(starts(&store, &run, "b", 1).await, mine(1, false));
    // Not every write of b has its answer.
    let released = store.release_chunk(&run, Round::Apply, 3, "b", false);
    released.await.unwrap();
    assert_eq!(starts(&store, &run, "c", 2).await, Started::Busy);
    assert_eq!(starts(&store, &run, "c", 72).await, mine(1, true));
    // Too late: it is c's.
    let released = store.release_chunk(&run, Round::Apply, 3, "b", true);
    released.await.unwrap();
    assert_eq!(starts(&store, &run, "d", 73).await, Started::Busy);
}

#[tokio::test]
async fn a_result_stays_and_the_same_again_is_no_other() {
    let (store, run) = (store().await, RunId::generate(start()));
    starts(&store, &run, "a", 0).await;
    assert!(!commits(&store, &run, None, 0).await, "it was begun with");
    assert!(commits(&store, &run, Some("a"), 2).await);
    assert!(
        commits(&store, &run, Some("a"), 2).await,
        "the answer was lost"
    );
    assert!(!commits(&store, &run, Some("a"), 3).await);
}

#[tokio::test]
async fn a_chunk_that_nobody_has_begun_with_can_be_left_out() {
    let (store, run) = (store().await, RunId::generate(start()));
    assert!(commits(&store, &run, None, 0).await);
    assert_eq!(starts(&store, &run, "a", 0).await, Started::Committed);
}
