//! Messages that are lost, duplicated, late and out of order: they only change when work is done.

use muster_core::run::State;
use muster_core::settings::{Limit, SafetyThreshold};
use muster_tests::faults::Faults;
use tokio::task::JoinSet;

use crate::harness::{Harness, times_without_chunk_deadline};
use crate::import::Import;
use crate::import_file::{ImportFile, RecordKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_messages_are_sent_again() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("lost")).await;
    assert_eq!(import.receive().await.len(), 1);
    // The message for the processor is lost; then those of all chunks are.
    let resent = import.sweep_until_resent().await;
    import.deliver_without_faults(&resent[0]).await;
    assert_eq!(import.receive().await.len(), 2, "a message for each chunk");
    import.finish_completely().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicate_messages_at_the_same_time_have_one_effect() {
    let harness = Harness::start().await;
    for round in 0..5 {
        let file = ImportFile::small(format!("double{round}x"));
        let import = Import::begin(&harness, file).await;
        let messages = import.run_processor().await;
        let mut deliveries = JoinSet::new();
        for message in messages.iter().chain(&messages) {
            let (import, message) = (import.clone(), message.clone());
            deliveries.spawn(async move { import.deliver(&message, Faults::none()).await });
        }
        deliveries.join_all().await;
        import.finish_completely().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_and_reordered_messages_change_nothing() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    let task = harness.create_task(0, |task| {
        task.safety_threshold = Some(SafetyThreshold::of_ignored(Limit::records(9)))
    });
    let task = task.await;
    let import = Import::begin_for_task(&harness, &task, ImportFile::small("late")).await;
    let process = import.receive().await;
    import.deliver_without_faults(&process[0]).await;
    let planning = import.receive().await;
    for message in planning.iter().rev() {
        import.deliver_without_faults(message).await;
    }
    assert_eq!(import.stored_run().await.state, State::Applying);
    let applying = import.receive().await;
    assert_eq!(applying.len(), 2);
    for message in process
        .iter()
        .chain(&planning)
        .chain(applying.iter().rev())
        .chain(&planning)
    {
        import.deliver_without_faults(message).await;
    }
    assert_eq!(import.stored_run().await.state, State::Finished);
    import.finish_completely().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_longer_than_every_timeout_does_not_end_the_run() {
    let harness = Harness::start_with(1, times_without_chunk_deadline()).await;
    let file = ImportFile::new("backlog", &[RecordKind::New; 15]);
    let import = Import::begin(&harness, file).await;
    let process = import.receive().await;
    import.deliver_without_faults(&process[0]).await;
    // No message is received for longer than a chunk is leased, hidden or waited for.
    let age = times_without_chunk_deadline().chunk_lease() * 3;
    for _ in 0..5 {
        for time in ["entered_at", "queued_at"] {
            import.set_back("RUN", &["job", time], age).await;
        }
        import.sweep(Faults::none()).await;
    }
    assert_eq!(import.stored_run().await.state, State::Applying);
    import.finish_completely().await;
}
