//! Chunks that take longer than a writer has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use muster_aws::runs::Stopped;
use muster_core::run::State;
use muster_import::Times;
use muster_tests::faults::{BATCH, Fault, Faults, Trouble};

use crate::file::{File, Kind};
use crate::import::{Fate, Import};
use crate::stage::{Stage, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_is_throttled_longer_than_its_writer_has_time_is_gone_on_with() {
    let stage = Stage::with(
        8,
        Times {
            chunk_tries: 2,
            ..times()
        },
    )
    .await;
    let import = Import::begin(&stage, File::of("slow", &[Kind::Stale; 8])).await;
    let mut letters = import.checked().await;
    // Each writer gets one statement through, which is more often than a chunk is tried.
    for _ in 0..4 {
        let passed = AtomicBool::new(false);
        let faults = Faults::new(move |asked| match asked.operation {
            BATCH if passed.swap(true, Ordering::SeqCst) => Fault::Throttled,
            BATCH => Fault::Statements(0b1111_1110, Trouble::Throttled),
            _ => Fault::Passes,
        })
        .patient();
        let (fate, _) = import.deliver(&letters[0], faults).await;
        assert!(matches!(fate, Fate::Done), "handed back: {fate:?}");
        letters = import.fetch().await;
        assert_eq!(letters.len(), 1, "and queued again");
    }
    assert_eq!(import.applied.effects().len(), 4);
    import.deliver_calmly(&letters[0]).await;
    import.end_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_of_which_nothing_can_be_applied_is_given_up() {
    let stage = Stage::with(
        2,
        Times {
            chunk_tries: 2,
            ..times()
        },
    )
    .await;
    let import = Import::begin(
        &stage,
        File::of("stuck", &[Kind::New, Kind::Stale, Kind::Stale]),
    )
    .await;
    let letters = import.checked().await;
    import.deliver_calmly(&letters[0]).await;
    let stuck = letters.last().expect("two chunks").clone();
    loop {
        let faults = Faults::new(|asked| match asked.operation {
            BATCH => Fault::Throttled,
            _ => Fault::Passes,
        });
        if import.row().await.state != State::Applying {
            break;
        }
        drop(import.deliver(&stuck, faults).await);
        import.sweep(Faults::none()).await;
        tokio::time::sleep(times().chunk_grace).await;
    }
    let run = import.end_well().await;
    let counts = run.counts.expect("figures");
    assert_eq!((counts.created, counts.updated), (1, 1), "{run:?}");
    let stopped = run.job.and_then(|job| job.stopped);
    assert_eq!(
        (run.state, stopped),
        (State::Finished, Some(Stopped::GaveUp))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_are_throttled_contended_or_of_unknown_outcome_are_sent_again() {
    let stage = Stage::start().await;
    for (number, trouble) in [Trouble::Throttled, Trouble::Conflict, Trouble::Unsure]
        .into_iter()
        .enumerate()
    {
        for pattern in [0b001, 0b010, 0b110, 0b111] {
            let tag = format!("part{number}x{pattern}x");
            let import = Import::begin(
                &stage,
                File::of(tag, &[Kind::New, Kind::Stale, Kind::Reduced]),
            )
            .await;
            let letters = import.checked().await;
            let troubled = Arc::new(AtomicBool::new(false));
            let met = Arc::clone(&troubled);
            // Every second batch, so that those that are sent again are met, too.
            let faults = Faults::new(move |asked| match asked.operation {
                BATCH if !met.fetch_xor(true, Ordering::SeqCst) => {
                    Fault::Statements(pattern, trouble)
                }
                _ => Fault::Passes,
            });
            let (fate, _) = import.deliver(&letters[0], faults).await;
            assert!(matches!(fate, Fate::Done), "{fate:?}");
            assert_eq!(import.row().await.state, State::Finished, "at the first go");
            import.end_complete().await;
        }
    }
}
