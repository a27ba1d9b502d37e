//! A writer that dies, or loses a request or an answer, at each of its requests in turn. The last
//! of them end the run: its last chunk is committed and its writer gone.

use std::sync::Arc;
use std::time::Duration;

use muster_core::settings::SafetyThreshold;
use muster_tests::faults::{Fault, Faults};

use crate::file::{File, Kind};
use crate::import::{Import, at_every_request};
use crate::stage::Stage;

/// One chunk with one record of each kind that matters to a writer.
fn one_chunk(tag: &str, number: usize) -> File {
    File::of(
        format!("{tag}{number}x"),
        &[Kind::New, Kind::Stale, Kind::Reduced],
    )
}

/// A writer of the only chunk meets a fault; whether it did.
async fn write_under(stage: Arc<Stage>, tag: &str, number: usize, faults: Faults) -> bool {
    let import = Import::begin(&stage, one_chunk(tag, number)).await;
    let letters = import.checked().await;
    assert_eq!(letters.len(), 1);
    let (_, faults) = import.deliver(&letters[0], faults).await;
    import.end_complete().await;
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_die_before_any_of_its_requests() {
    at_every_request(|stage, k| {
        write_under(stage, "before", k, Faults::at_write(k, Fault::CrashBefore))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_die_after_any_of_its_requests() {
    at_every_request(|stage, k| {
        write_under(stage, "after", k, Faults::at_write(k, Fault::CrashAfter))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_lose_the_answer_to_any_of_its_requests() {
    at_every_request(|stage, k| write_under(stage, "answer", k, Faults::at(k, Fault::LostAnswer)))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_lose_any_of_its_requests() {
    at_every_request(|stage, k| {
        write_under(stage, "request", k, Faults::at(k, Fault::LostRequest))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_have_any_of_its_requests_arrive_when_it_is_given_up() {
    // Longer than it holds its chunk, and others need to do its work.
    let late = Fault::LateRequest(Duration::from_millis(2_500));
    at_every_request(move |stage, k| {
        write_under(stage, "late", k, Faults::at_write(k, late.clone()))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_be_throttled_or_contended_at_any_of_its_requests() {
    at_every_request(|stage, k| write_under(stage, "much", k, Faults::at(k, Fault::Throttled)))
        .await;
    at_every_request(|stage, k| {
        write_under(stage, "conflict", k, Faults::at_write(k, Fault::Conflict))
    })
    .await;
}

/// Whoever plans the only chunk, and takes the run to its next state, dies at a request.
async fn plan_under(stage: Arc<Stage>, number: usize, faults: Faults) -> bool {
    let task = stage.task(0, |task| {
        task.safety_threshold = Some(SafetyThreshold::Records(9))
    });
    let task = task.await;
    let file = one_chunk(&format!("plan{}y", task.settings.id), number);
    let import = Import::begin_by(&stage, &task, file).await;
    let letters = import.checked().await;
    let (_, faults) = import.deliver(&letters[0], faults).await;
    import.end_complete().await;
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_plans_may_die_around_any_request() {
    at_every_request(|stage, k| plan_under(stage, k, Faults::at_write(k, Fault::CrashBefore)))
        .await;
    at_every_request(|stage, k| plan_under(stage, k, Faults::at_write(k, Fault::CrashAfter))).await;
}
