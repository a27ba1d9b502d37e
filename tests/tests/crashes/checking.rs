//! Processors that crash, run twice, or read another object than the one that was sent.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::join;
use jiff::Timestamp;
use muster_aws::runs::Run;
use muster_core::run::{State, Status};
use muster_import::Times;
use muster_import::uploads::{self, CompleteOutcome, object_key};
use muster_tests::background;
use muster_tests::faults::{ConcurrentAction, Fault, Faults, Gate, InFlight, Service};
use muster_tests::uploads::create_and_send_parts;

use crate::harness::{Harness, QueueMessage, short_times};
use crate::import::{
    DeliveryOutcome, Import, for_each_fault_and_request, for_each_request, for_each_request_on,
    import_synchronously, poll_until,
};
use crate::import_file::ImportFile;

async fn process_with(harness: Arc<Harness>, number: usize, faults: Faults) -> bool {
    let import = Import::begin(&harness, ImportFile::small(format!("p{number}x"))).await;
    let messages = import.receive().await;
    let (_, faults) = import.deliver(&messages[0], faults).await;
    import.finish_completely().await;
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_may_crash_around_any_of_its_requests() {
    for_each_fault_and_request(
        [Fault::CrashBefore, Fault::CrashAfter],
        |harness, number, fault| process_with(harness, number, Faults::at_write(number, fault)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_may_lose_any_of_its_requests_or_responses() {
    for_each_fault_and_request(
        [Fault::LostRequest, Fault::LostResponse],
        |harness, number, fault| process_with(harness, number, Faults::at(number, fault)),
    )
    .await;
}

/// Creates and completes an upload in parts, of which the processor makes one object.
async fn upload(harness: &Arc<Harness>, tag: String) -> Import {
    let task = harness.create_task(0, |_| ()).await;
    let file = ImportFile::small(tag);
    import_synchronously(harness, &task, &file.existing_users()).await;
    let stack = &harness.stack;
    let body = file.body().to_string();
    let uploaded = background::upload(
        &stack.store,
        &stack.background,
        &task,
        body.as_bytes(),
        false,
    );
    let (run, _) = uploaded.await;
    Import::new(harness, &task, file, run, &InFlight::default())
}

async fn process_upload_with(harness: Arc<Harness>, tag: String, faults: Faults) -> bool {
    let import = upload(&harness, tag).await;
    let messages = import.receive().await;
    let (_, faults) = import.deliver(&messages[0], faults).await;
    import.finish_completely().await;
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_of_an_upload_may_crash_or_lose_responses_around_any_request() {
    for_each_fault_and_request(
        [Fault::CrashBefore, Fault::CrashAfter, Fault::LostResponse],
        |harness, number, fault| {
            process_upload_with(harness, format!("p{number}x"), Faults::at(number, fault))
        },
    )
    .await;
}

/// Times without heartbeats, whose number depends on the speed of the machine, and with which no sweep
/// of another scenario calls a third processor.
fn times_without_heartbeats() -> Times {
    Times {
        heartbeat: Duration::from_secs(3_600),
        heartbeat_over: Duration::from_secs(7_200),
        ..short_times()
    }
}

/// Returns an action that delivers a message to a worker without faults, and its outcome.
fn other_delivery(
    import: &Import,
    message: &QueueMessage,
) -> (ConcurrentAction, Arc<OnceLock<DeliveryOutcome>>) {
    let (import, message) = (import.clone(), message.clone());
    let outcome = Arc::new(OnceLock::new());
    let delivered = Arc::clone(&outcome);
    let action = Box::pin(async move {
        let (outcome, _) = import.deliver(&message, Faults::none()).await;
        delivered.set(outcome).expect("the action runs once");
    });
    (action, outcome)
}

/// Runs two processors of an upload: the second one from beginning to end, just before a request
/// of the first one. Returns false if the first one ends before that request.
async fn two_processors_of_an_upload(harness: Arc<Harness>, number: usize) -> bool {
    let import = upload(&harness, format!("both{number}x")).await;
    let messages = import.receive().await;
    let (action, second) = other_delivery(&import, &messages[0]);
    let faults = Faults::none();
    let faults = faults.before_request(Some((number, action)));
    let (first, faults) = import.deliver(&messages[0], faults).await;
    let reached = !faults.has_pending_action();
    assert!(matches!(first, DeliveryOutcome::Acknowledged), "{first:?}");
    let second = second.get();
    assert!(
        matches!(second, Some(DeliveryOutcome::Acknowledged)) || !reached,
        "{second:?}"
    );
    import.finish_completely().await;
    reached
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processors_make_one_object_of_an_upload() {
    let harness = Harness::start_with(3, times_without_heartbeats()).await;
    for_each_request_on(&harness, two_processors_of_an_upload).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_another_size_than_announced_is_refused() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("longer")).await;
    let messages = import.receive().await;
    let longer = format!("{} ", import.file.body());
    let objects = &harness.stack.background.objects;
    let put = objects.put(&object_key(&import.run), longer.into()).await;
    put.expect("writing the object");
    import.deliver_without_faults(&messages[0]).await;
    let run = import.finish_and_verify().await;
    assert_refused(&import, &run, "wrong size").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_that_reads_slowly_sends_heartbeats() {
    // Only the stored times decide whether it is silent, which this test sets back.
    let times = Times {
        heartbeat_over: Duration::from_secs(3_600),
        ..short_times()
    };
    let harness = Harness::start_with(3, times).await;
    let import = Import::begin(&harness, ImportFile::small("slow")).await;
    let messages = import.receive().await;
    let gate = Gate::default();
    let slow = {
        let gate = gate.clone();
        Faults::new(move |request| match (request.service, request.operation) {
            (Service::S3, "GET") => Fault::GatedResponse(gate.clone()),
            _ => Fault::None,
        })
    };
    let reading = async {
        let slow = slow.without_timeouts();
        let (outcome, slow) = import.deliver(&messages[0], slow).await;
        assert!(
            matches!(outcome, DeliveryOutcome::Acknowledged),
            "{outcome:?}"
        );
        assert!(slow.were_injected());
    };
    let sweeping = async {
        gate.reached().await;
        for _ in 0..3 {
            let silent_since = Timestamp::now() - times.heartbeat_over;
            for time in ["heard_at", "queued_at"] {
                let age = times.heartbeat_over * 2;
                import.set_back("RUN", &["job", time], age).await;
            }
            poll_until("a heartbeat", async || {
                let job = import.stored_run().await.job?;
                (job.heard_at? > silent_since).then_some(())
            })
            .await;
            import.sweep(Faults::none()).await;
            let sent = import.receive().await;
            let is_process = |message: &QueueMessage| matches!(message, QueueMessage::Process(_));
            assert!(
                !sent.iter().any(is_process),
                "a second processor was called although the first one sends heartbeats"
            );
        }
        gate.open();
    };
    tokio::join!(reading, sweeping);
    import.finish_completely().await;
}

/// Runs two processors: the second one from beginning to end, just before a request of the first
/// one, which crashes after that request. Returns false if the first one ends before it.
async fn crash_beside_a_second_processor(harness: Arc<Harness>, number: usize) -> bool {
    let import = Import::begin(&harness, ImportFile::small(format!("two{number}x"))).await;
    let messages = import.receive().await;
    let (action, second) = other_delivery(&import, &messages[0]);
    let faults = Faults::at(number, Fault::CrashAfter).without_timeouts();
    let faults = faults.before_request(Some((number, action)));
    let (_, faults) = import.deliver(&messages[0], faults).await;
    let reached = !faults.has_pending_action();
    let second = second.get();
    assert!(
        matches!(second, Some(DeliveryOutcome::Acknowledged)) || !reached,
        "{second:?}"
    );
    let chunks = import.receive().await;
    let attempts = chunks.iter().map(|message| match message {
        QueueMessage::Chunk(message) => message.attempt.clone(),
        QueueMessage::Process(_) => panic!("the processor is called again"),
    });
    let attempts: std::collections::BTreeSet<String> = attempts.collect();
    assert_eq!(attempts.len(), 1, "chunks of two attempts: {attempts:?}");
    for message in chunks {
        drop(import.deliver(&message, Faults::none()).await);
    }
    import.finish_completely().await;
    reached
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chunks_are_those_of_one_processor_if_two_run() {
    let harness = Harness::start_with(3, times_without_heartbeats()).await;
    for_each_request_on(&harness, crash_beside_a_second_processor).await;
}

/// Asserts that a run has ended for this reason, without any effect.
async fn assert_refused(import: &Import, run: &Run, reason: &str) {
    assert_eq!(
        (run.state, run.status, run.counts),
        (State::Finished, Some(Status::Failure), None)
    );
    assert!(run.errors[0].contains(reason), "{run:?}");
    assert_eq!(import.effects.effects(), []);
    let counts = import_synchronously(&import.harness, &import.task, &import.file.body()).await;
    assert_eq!(
        counts,
        import.file.counts(),
        "the task must be free, and no record applied"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_replaced_while_it_is_read_is_refused() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("replaced")).await;
    let messages = import.receive().await;
    // The object is pinned by then, and has not been read yet.
    let crash = Faults::new(|request| match (request.service, request.operation) {
        (Service::S3, "GET") => Fault::CrashBefore,
        _ => Fault::None,
    });
    let crash = crash.without_timeouts();
    let (outcome, _) = import.deliver(&messages[0], crash).await;
    assert!(matches!(outcome, DeliveryOutcome::Crashed), "{outcome:?}");
    let other = import.file.body().to_string().replace("new", "wen");
    let objects = &harness.stack.background.objects;
    let put = objects.put(&object_key(&import.run), other.into()).await;
    put.expect("writing the object");
    let run = import.finish_and_verify().await;
    assert_refused(&import, &run, "replaced while it was read").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_on_which_every_processor_crashes_ends_the_run() {
    let times = Times {
        process_tries: 2,
        ..short_times()
    };
    let harness = Harness::start_with(3, times).await;
    let import = Import::begin(&harness, ImportFile::small("poison")).await;
    let messages = import.receive().await;
    for _ in 0..2 {
        let crash = Faults::at(3, Fault::CrashBefore).without_timeouts();
        let (outcome, _) = import.deliver(&messages[0], crash).await;
        assert!(matches!(outcome, DeliveryOutcome::Crashed), "{outcome:?}");
    }
    let run = import.finish_and_verify().await;
    assert_refused(&import, &run, "could not be read in full").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_changed_during_a_run_apply_to_the_next_run() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("edited")).await;
    let messages = import.receive().await;
    let crash = Faults::at(6, Fault::CrashAfter);
    drop(import.deliver(&messages[0], crash).await);
    let mut settings = import.task.settings.clone();
    settings.enabled = false;
    let replaced = settings
        .role_mapping
        .insert("user".to_owned(), "Other".to_owned());
    assert!(replaced.is_some());
    let version = Some(import.task.version);
    harness.put_task(0, settings, version).await;
    for message in import.receive().await {
        let crash = Faults::at(14, Fault::CrashAfter);
        drop(import.deliver(&message, crash).await);
    }
    import.finish_completely().await;
}

/// Completes an upload with faults. Returns true if a fault was injected.
async fn complete_with(harness: Arc<Harness>, faults: Faults) -> bool {
    let task = harness.create_task(0, |_| ()).await;
    let file = ImportFile::small(format!("c{}x", task.settings.id));
    import_synchronously(&harness, &task, &file.existing_users()).await;
    let (store, background) = (&harness.stack.store, &harness.stack.background);
    let body = file.body().to_string();
    let sent = create_and_send_parts(store, background, &task, body.as_bytes(), false);
    let (run, _) = sent.await;

    let import = Import::new(&harness, &task, file, run, &InFlight::default());
    let worker = import.worker(faults);
    let runner = worker.runner(&harness.runner());
    let (row, now) = (import.stored_run().await, Timestamp::now());
    let complete = uploads::complete(&runner.store, &runner.background, row, &task, now);
    drop(worker.run_until_crash(complete).await);
    import.in_flight.drained().await;
    // A client without a response completes it again.
    let row = import.stored_run().await;
    let again = uploads::complete(store, background, row, &task, Timestamp::now()).await;
    assert!(matches!(again, Ok(CompleteOutcome::Began(_))), "{again:?}");
    import.finish_completely().await;
    worker.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_around_any_request_that_completes_an_upload_leaves_all_of_it_or_nothing() {
    let crashes = for_each_fault_and_request(
        [Fault::CrashBefore, Fault::CrashAfter],
        |harness, number, fault| complete_with(harness, Faults::at_write(number, fault)),
    );
    let losses = for_each_request(|harness, number| {
        complete_with(harness, Faults::at(number, Fault::LostResponse))
    });
    join!(crashes, losses);
}
