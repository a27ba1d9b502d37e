//! What arrives when its sender was given up and others have done its work: statements, whose
//! conditions hold no more, and messages, of whose run nothing is left to do.

use std::time::Duration;

use muster_core::run::State;
use muster_tests::faults::{BATCH, Fault, Faults};

use crate::file::{File, Kind};
use crate::import::{Import, patiently};
use crate::judge::Others;
use crate::others::named;
use crate::stage::Stage;

/// Longer than it takes others to end the run.
const LATE: Duration = Duration::from_secs(6);

fn late(operation: &'static str) -> Faults {
    Faults::new(move |asked| match asked.operation == operation {
        true => Fault::LateRequest(LATE),
        false => Fault::Passes,
    })
}

fn statements_late() -> Faults {
    late(BATCH)
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_sweep_that_looked_before_the_end_changes_nothing_behind_it() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("swept")).await;
    let letters = import.checked().await;
    // Nobody has taken up the chunks for so long that their messages are sent again.
    patiently("they are sent again", async || {
        let sweep = import.sweep(late("SendMessageBatch")).await;
        sweep.were_met().then_some(())
    })
    .await;
    let sent = import.history().len();
    for letter in &letters {
        import.deliver_calmly(letter).await;
    }
    let run = import.end_calmly().await;
    stage.sweeps_over().await;
    drop(import.fetch().await);
    assert!(import.history().len() > sent, "nothing came late");
    import.judge(&run, Others::None).await;
    assert_eq!(run.counts, Some(import.file.counts()));
}
