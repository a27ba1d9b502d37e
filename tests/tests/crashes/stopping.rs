//! Runs that are cancelled while they are applied: what was applied is counted, and nothing more is.

use std::sync::Arc;
use std::time::Duration;

use muster_core::run::State;
use muster_import::uploads::Cancel;
use muster_tests::faults::{BATCH, Fault, Faults};

use crate::file::{File, Kind};
use crate::import::{Import, at_every_request};
use crate::stage::Stage;

fn file(tag: &str, number: usize) -> File {
    use Kind::{Bad, New, Reduced, Same, Stale};
    File::of(
        format!("{tag}{number}x"),
        &[New, Stale, Reduced, New, Bad, Same],
    )
}

/// A writer dies at a request, and its run is cancelled; whether it got so far.
async fn cancel_behind(stage: Arc<Stage>, tag: &str, number: usize, faults: Faults) -> bool {
    let import = Import::begin(&stage, file(tag, number)).await;
    let letters = import.checked().await;
    let (_, faults) = import.deliver(&letters[0], faults).await;
    let told = import.cancel(Faults::none()).await.expect("it lives");
    assert_eq!(
        told.expect("the store"),
        Cancel::Stopping,
        "a chunk is left"
    );
    let run = import.end_well().await;
    assert_eq!(run.state, State::Cancelled);
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_be_cancelled_when_a_writer_died_around_any_of_its_requests() {
    at_every_request(|stage, k| {
        cancel_behind(stage, "before", k, Faults::at_write(k, Fault::CrashBefore))
    })
    .await;
    at_every_request(|stage, k| {
        cancel_behind(stage, "after", k, Faults::at_write(k, Fault::CrashAfter))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_be_cancelled_while_a_request_of_a_dead_writer_is_still_under_way() {
    let late = Duration::from_millis(2_500);
    let faults = move |k| Faults::at_write(k, Fault::LateRequest(late));
    at_every_request(move |stage, k| cancel_behind(stage, "late", k, faults(k))).await;
}

/// A run of one chunk is cancelled while its writer is at a request; whether it got so far.
async fn cancel_beside(stage: Arc<Stage>, number: usize, later: Duration) -> bool {
    let kinds = [Kind::New, Kind::Stale, Kind::Reduced];
    let tag = format!("beside{number}y{}x", later.as_millis());
    let import = Import::begin(&stage, File::of(tag, &kinds)).await;
    let letters = import.checked().await;
    let slow = Fault::LateRequest(Duration::from_millis(120));
    let ((_, faults), told) = tokio::join!(
        import.deliver(&letters[0], Faults::at_write(number, slow)),
        async {
            tokio::time::sleep(later).await;
            import.cancel(Faults::none()).await.expect("it lives")
        },
    );
    let run = import.end_well().await;
    match told.expect("the store") {
        // Nobody else finishes a run that is stopping.
        Cancel::Stopping => assert_eq!(run.state, State::Cancelled),
        Cancel::Ended(_) => assert_eq!(run.state, State::Finished),
        other => panic!("{other:?}"),
    }
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_cancel_and_the_end_one_wins() {
    // Before, in and behind the request that is slow, by turns.
    at_every_request(|stage, k| {
        let later = Duration::from_millis(20 + 50 * (k as u64 % 4));
        cancel_beside(stage, k, later)
    })
    .await;
}

/// Whoever cancels dies at a request; so does whoever looks after the run then.
async fn cancel_under(stage: Arc<Stage>, number: usize, fault: Fault) -> bool {
    let import = Import::begin(&stage, file("cancel", number)).await;
    let letters = import.checked().await;
    let writing = Faults::at(12, Fault::CrashAfter);
    drop(import.deliver(&letters[0], writing).await);
    drop(import.cancel(Faults::at_write(number, fault.clone())).await);
    import.under_way.arrived().await;
    drop(import.cancel(Faults::none()).await);
    let sweep = import.sweep(Faults::at_write(number, fault)).await;
    let run = import.end_well().await;
    assert_eq!(run.state, State::Cancelled);
    sweep.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cancels_or_sweeps_may_die_around_any_request() {
    at_every_request(|stage, k| cancel_under(stage, k, Fault::CrashBefore)).await;
    at_every_request(|stage, k| cancel_under(stage, k, Fault::CrashAfter)).await;
}

/// Whoever reconciles a chunk dies at a request; whether it got so far.
async fn reconcile_under(stage: Arc<Stage>, number: usize, fault: Fault) -> bool {
    let kinds = [Kind::New, Kind::Stale, Kind::Reduced];
    let import = Import::begin(&stage, File::of(format!("fence{number}x"), &kinds)).await;
    let letters = import.checked().await;
    let dies = Faults::new(|asked| match asked.operation {
        // Its statements arrive when others have looked already.
        BATCH => Fault::LateRequest(Duration::from_millis(1_500)),
        _ => Fault::Passes,
    });
    drop(import.deliver(&letters[0], dies).await);
    drop(import.cancel(Faults::none()).await);
    tokio::time::sleep(crate::stage::times().chunk_held()).await;
    import.sweep(Faults::none()).await;
    let again = import.fetch().await;
    let faults = match again.last() {
        Some(letter) => {
            import
                .deliver(letter, Faults::at_write(number, fault))
                .await
                .1
        }
        None => panic!("a chunk that was begun with is reconciled"),
    };
    let run = import.end_well().await;
    assert_eq!(run.state, State::Cancelled);
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reconciles_may_die_around_any_request() {
    at_every_request(|stage, k| reconcile_under(stage, k, Fault::CrashBefore)).await;
    at_every_request(|stage, k| reconcile_under(stage, k, Fault::CrashAfter)).await;
}
