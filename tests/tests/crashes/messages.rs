//! Messages that are lost, doubled, late and out of order: they change nothing but when work is done.

use std::time::Duration;

use muster_core::run::State;
use muster_core::settings::SafetyThreshold;
use muster_tests::faults::Faults;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::file::{File, Kind};
use crate::import::Import;
use crate::stage::{Stage, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_lost_are_sent_again() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("lost")).await;
    assert_eq!(import.fetch().await.len(), 1);
    // The processor's is lost; then those of all chunks are.
    let again = import.sent_again().await;
    import.deliver_calmly(&again[0]).await;
    assert_eq!(import.fetch().await.len(), 2, "a message for each chunk");
    import.end_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_there_twice_at_once_are_done_once() {
    let stage = Stage::start().await;
    for round in 0..5 {
        let import = Import::begin(&stage, File::small(format!("double{round}x"))).await;
        let letters = import.checked().await;
        let mut at_once = JoinSet::new();
        for letter in letters.iter().chain(&letters) {
            let (import, letter) = (import.clone(), letter.clone());
            at_once.spawn(async move { import.deliver(&letter, Faults::none()).await });
        }
        at_once.join_all().await;
        import.end_complete().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_late_or_out_of_order_change_nothing() {
    let stage = Stage::start().await;
    let task = stage.task(0, |task| {
        task.safety_threshold = Some(SafetyThreshold::Records(9))
    });
    let task = task.await;
    let import = Import::begin_by(&stage, &task, File::small("late")).await;
    let process = import.fetch().await;
    import.deliver_calmly(&process[0]).await;
    let planned = import.fetch().await;
    for letter in planned.iter().rev() {
        import.deliver_calmly(letter).await;
    }
    assert_eq!(import.row().await.state, State::Applying);
    let written = import.fetch().await;
    assert_eq!(written.len(), 2);
    for letter in process
        .iter()
        .chain(&planned)
        .chain(written.iter().rev())
        .chain(&planned)
    {
        import.deliver_calmly(letter).await;
    }
    assert_eq!(import.row().await.state, State::Finished);
    import.end_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_that_is_longer_than_every_timeout_is_waited_for() {
    let stage = Stage::with(1, times()).await;
    let import = Import::begin(&stage, File::of("backlog", &[Kind::New; 15])).await;
    let process = import.fetch().await;
    import.deliver_calmly(&process[0]).await;
    // Nobody fetches anything, for longer than a chunk is held, hidden or waited for.
    let began = Instant::now();
    while began.elapsed() < times().chunk_held() * 3 {
        import.sweep(Faults::none()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(import.row().await.state, State::Applying);
    import.end_complete().await;
}
