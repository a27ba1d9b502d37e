//! Requests that arrive after their sender was taken for dead and others have done its work:
//! statements, whose conditions fail, and messages of runs with nothing left to do.

use std::sync::Arc;

use muster_core::run::State;
use muster_tests::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults, Gate, TRANSACT_WRITE_ITEMS};

use crate::concurrent_writes::{set_login, set_name};
use crate::harness::Harness;
use crate::import::{Import, poll_until};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

/// Holds back all requests of an operation until the gate is open.
fn hold_back(operation: &'static str, gate: &Gate) -> Faults {
    let gate = gate.clone();
    Faults::new(move |request| match request.operation == operation {
        true => Fault::GatedRequest(gate.clone()),
        false => Fault::None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_after_the_end_of_its_run_has_no_effect() {
    let harness = Harness::start().await;
    let file = ImportFile::new("late", &[RecordKind::Stale; 3]);
    let import = Import::begin(&harness, file).await;
    let messages = import.run_processor().await;
    let gate = Gate::default();
    let late = hold_back(BATCH_EXECUTE_STATEMENT, &gate);
    let (_, late) = import.deliver(&messages[0], late).await;
    assert!(late.were_injected(), "no statement was sent");
    let run = import.finish_without_faults().await;
    // Somebody else changes a user before the late statement arrives.
    let login = import.file.login(1);
    let id = harness.existing_user(&login).await.id;
    let changed = harness.change_user(0, id, set_name("put")).await;
    assert!(changed.is_some(), "the user was not changed");
    gate.open();
    import.verify(&run, ConcurrentWrites::Some).await;
    assert_eq!(run.counts, Some(import.file.counts()));
    let user = harness.existing_user(&login).await;
    assert_eq!((user.version, user.name.as_str()), (3, "put"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_after_its_run_was_cancelled_has_no_effect() {
    let harness = Harness::start().await;
    let kinds = [RecordKind::Stale, RecordKind::New, RecordKind::Stale];
    let import = Import::begin(&harness, ImportFile::new("cancelled", &kinds)).await;
    let messages = import.run_processor().await;
    let gate = Gate::default();
    let late = hold_back(BATCH_EXECUTE_STATEMENT, &gate);
    let (_, late) = import.deliver(&messages[0], late).await;
    assert!(late.were_injected(), "no statement was sent");
    drop(import.cancel(Faults::none()).await);
    let run = import.finish_without_faults().await;
    gate.open();
    import.verify(&run, ConcurrentWrites::Some).await;
    assert_eq!(run.state, State::Cancelled);
    let counts = run.counts.expect("the run has counts");
    assert_eq!(
        (counts.created, counts.updated),
        (0, 0),
        "no statement had arrived"
    );
    let stale = harness.existing_user(&import.file.login(0)).await;
    assert_eq!(stale.name, "old");
    assert_eq!(harness.user(&import.file.login(1)).await, None);
}

/// Begins an import whose renames are held back. The first record could not create a user, whom the
/// second one could.
async fn with_late_renames(harness: &Arc<Harness>, tag: &str, gate: &Gate) -> Import {
    let kinds = [RecordKind::Renamed, RecordKind::Stale, RecordKind::Renamed];
    let import = Import::begin(harness, ImportFile::by_external_id(tag, &kinds)).await;
    let messages = import.run_processor().await;
    let late = hold_back(TRANSACT_WRITE_ITEMS, gate);
    let (_, late) = import.deliver(&messages[0], late).await;
    assert!(late.were_injected(), "no transaction was sent");
    import
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_after_the_end_of_its_run_has_no_effect() {
    let harness = Harness::start().await;
    let gate = Gate::default();
    let import = with_late_renames(&harness, "laterename", &gate).await;
    let run = import.finish_without_faults().await;
    // Somebody else renames a user back before the late transaction arrives.
    let id = harness.existing_user(&import.file.login(0)).await.id;
    let back = format!("before0.{}", import.file.tag);
    let renamed = harness.change_user(0, id, set_login(&back)).await;
    assert!(renamed.is_some(), "the user was not renamed");
    gate.open();
    import.verify(&run, ConcurrentWrites::Some).await;
    assert_eq!(run.counts, Some(import.file.counts()));
    assert_eq!(harness.existing_user(&back).await.id, id);
    assert_eq!(harness.user(&import.file.login(0)).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_after_its_run_was_cancelled_has_no_effect() {
    let harness = Harness::start().await;
    let gate = Gate::default();
    let import = with_late_renames(&harness, "cancelledrename", &gate).await;
    drop(import.cancel(Faults::none()).await);
    let run = import.finish_without_faults().await;
    gate.open();
    import.verify(&run, ConcurrentWrites::Some).await;
    assert_eq!(run.state, State::Cancelled);
    for record in [0, 2] {
        let before = format!("before{record}.{}", import.file.tag);
        assert_eq!(harness.existing_user(&before).await.name, "old");
        assert_eq!(harness.user(&import.file.login(record)).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_sweep_that_read_the_run_before_its_end_changes_nothing_after_it() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("swept")).await;
    let messages = import.run_processor().await;
    let gate = Gate::default();
    // No writer has leased the chunks for so long that their messages are sent again.
    poll_until("the messages are sent again", async || {
        let sweep = import.sweep(hold_back("SendMessageBatch", &gate)).await;
        sweep.were_injected().then_some(())
    })
    .await;
    let sent = import.history().len();
    for message in &messages {
        import.deliver_without_faults(message).await;
    }
    let run = import.finish_without_faults().await;
    gate.open();
    harness.wait_for_sweeps().await;
    drop(import.receive().await);
    assert!(import.history().len() > sent, "no message came late");
    import.verify(&run, ConcurrentWrites::None).await;
    assert_eq!(run.counts, Some(import.file.counts()));
}
