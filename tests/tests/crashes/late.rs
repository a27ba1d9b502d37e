//! Statements that arrive when their sender was given up and others have done its work: the
//! conditions they were planned under hold no more.

use std::time::Duration;

use muster_core::run::State;
use muster_tests::faults::{Fault, Faults};

use crate::file::{File, Kind};
use crate::import::Import;
use crate::judge::Others;
use crate::others::named;
use crate::stage::Stage;

/// Longer than it takes others to end the run.
const LATE: Duration = Duration::from_secs(6);

fn statements_late() -> Faults {
    Faults::new(|asked| match asked.operation {
        "BatchExecuteStatement" => Fault::LateRequest(LATE),
        _ => Fault::Passes,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_behind_the_end_of_its_run_is_refused() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::of("late", &[Kind::Stale; 3])).await;
    let letters = import.checked().await;
    drop(import.deliver(&letters[0], statements_late()).await);
    let run = import.end_calmly().await;
    // Somebody changes a user before the late statement arrives.
    let login = import.file.login(1);
    let (id, ..) = stage.user(&login).await.expect("the user");
    stage.change(0, id, named("put")).await.expect("the store");
    import.judge(&run, Others::Some).await;
    assert_eq!(run.counts, Some(import.file.counts()));
    let (_, version, name) = stage.user(&login).await.expect("the user");
    assert_eq!((version, name.as_str()), (3, "put"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_behind_a_cancel_is_refused() {
    let stage = Stage::start().await;
    let kinds = [Kind::Stale, Kind::New, Kind::Stale];
    let import = Import::begin(&stage, File::of("cancelled", &kinds)).await;
    let letters = import.checked().await;
    drop(import.deliver(&letters[0], statements_late()).await);
    drop(import.cancel(Faults::none()).await);
    let run = import.end_calmly().await;
    import.judge(&run, Others::Some).await;
    assert_eq!(run.state, State::Cancelled);
    let counts = run.counts.expect("figures");
    assert_eq!(
        (counts.created, counts.updated),
        (0, 0),
        "nothing had arrived"
    );
    let (_, _, name) = stage.user(&import.file.login(0)).await.expect("the user");
    assert_eq!(name, "old");
    assert_eq!(stage.user(&import.file.login(1)).await, None);
}
