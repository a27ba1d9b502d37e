//! External ids that move within a request, with faults and writes by others at each of its requests:
//! every id has one user, nobody has one that neither the directory before nor the file gives, counts
//! are exact, and the file sent again completes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use muster_aws::tasks::Task;
use muster_core::attribute::Attribute;
use muster_core::settings::{ExternalIdConflicts, TaskSettings};
use muster_core::user_request::UserRequest;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Clock, ManualClock, RunOutcome, Times};
use muster_tests::faults::{Fault, Faults, Gate};

use crate::concurrent_writes::set_login;
use crate::hand_over::send_request;
use crate::harness::{Harness, short_times};
use crate::import::{
    for_each_fault_and_request, for_each_request, import_synchronously, import_through,
    try_import_through,
};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

/// Long enough for a request whose connections are slow.
const LONG: Duration = Duration::from_secs(600);
/// Time after which a request starts no further writes.
const STOP_AFTER: Duration = Duration::from_secs(120);

/// A circle of five among others.
fn circle(tag: String) -> ImportFile {
    use RecordKind::{Moved, New, Stale};
    let kinds = [Moved, New, Moved, Moved, Stale, Moved, Moved];
    ImportFile {
        external_id_conflicts: ExternalIdConflicts::Apply,
        ..ImportFile::new(tag, &kinds)
    }
}

async fn applying_task(harness: &Harness) -> Task {
    let apply = |task: &mut TaskSettings| {
        task.external_id_conflicts = Some(ExternalIdConflicts::Apply);
    };
    harness.create_task(0, apply).await
}

/// Returns the external id of each user of a file, by user id, and verifies that each has one claim that
/// names its user.
async fn external_ids(harness: &Harness, file: &ImportFile) -> HashMap<u64, Option<String>> {
    let access = harness.access().with_key_parts(&[&file.tag]);
    let rows = access.directory().await;
    let mut held = HashMap::new();
    for (key, row) in &rows {
        let Some(login) = key.strip_prefix("U#") else {
            continue;
        };
        let Some(id) = row.get("id").and_then(|id| id.as_n().ok()) else {
            continue;
        };
        let external_id = row.get("external_id");
        let external_id = external_id.map(|id| id.as_s().expect("a text").clone());
        if let Some(external_id) = &external_id {
            let claim = &rows[&format!("X#{}#{external_id}", harness.tenant(0))];
            assert_eq!(claim["login"].as_s().expect("a text"), login, "{rows:?}");
        }
        held.insert(id.parse().expect("a number"), external_id);
    }
    let mut distinct: Vec<_> = held.values().flatten().collect();
    distinct.sort_unstable();
    let all = distinct.len();
    distinct.dedup();
    assert_eq!(distinct.len(), all, "an id has two users: {held:?}");
    held
}

/// Sends a file until it changes nothing, and verifies that everybody has the id that it says.
async fn assert_completes(harness: &Harness, task: &Task, file: &ImportFile) {
    for _ in 0..3 {
        let counts = import_synchronously(harness, task, &file.body()).await;
        if counts.unchanged == counts.total {
            let body = file.body();
            let records = body.as_array().expect("records");
            let logins = records.iter().map(|record| record["u"].as_str());
            let logins: Vec<&str> = logins.map(|login| login.expect("a login")).collect();
            let users = harness.stack.store.directory().users(logins.clone()).await;
            let users = users.expect("reading users");
            for (record, login) in records.iter().zip(logins) {
                let user = users[login].user.as_ref().expect("a user");
                let id = user.values.get(&Attribute::ExternalId);
                let expected = record["x"].as_str().expect("an id");
                assert_eq!(id, Some(&Value::Text(expected.into())), "{login}");
            }
            return;
        }
    }
    panic!("the file does not come to an end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_move_whatever_request_or_response_is_lost() {
    let faults = [
        Fault::LostRequest,
        Fault::LostResponse,
        Fault::Throttled,
        Fault::Conflict,
    ];
    for_each_fault_and_request(faults, |harness, number, fault| async move {
        let task = applying_task(&harness).await;
        let file = circle(format!("lost{number}x{fault:?}").to_lowercase());
        import_synchronously(&harness, &task, &file.existing_users()).await;
        let faults = Arc::new(Faults::at(number, fault));
        let store = faults.store(&harness.stack.store);
        // A request that is throttled, or gets no response at its end, may fail.
        let outcome = try_import_through(&store, &harness, &task, &file.body()).await;
        if let RunOutcome::Imported { counts, .. } = outcome {
            assert_eq!(counts, file.counts());
        }
        external_ids(&harness, &file).await;
        assert_completes(&harness, &task, &file).await;
        faults.were_injected()
    })
    .await;
}

/// An act of others on the user of a record.
#[derive(Debug, Clone, Copy)]
enum Act {
    Clear,
    Rename,
}

fn clear_id() -> UserRequest {
    UserRequest {
        changes: Changes {
            assignments: vec![(Attribute::ExternalId, Assignment::Clear)],
            ..Changes::default()
        },
        ..UserRequest::default()
    }
}

async fn ids_move_while_others(act: Act) {
    for_each_request(move |harness, number| async move {
        let task = applying_task(&harness).await;
        let file = circle(format!("others{number}x{act:?}").to_lowercase());
        import_synchronously(&harness, &task, &file.existing_users()).await;
        let before = external_ids(&harness, &file).await;
        let id = harness.existing_user(&file.login(2)).await.id;
        let request = match act {
            Act::Clear => clear_id(),
            Act::Rename => set_login(&format!("moved.{}", file.tag)),
        };
        let others = Arc::clone(&harness);
        let action = Box::pin(async move {
            let written = others.change_user(0, id, request).await;
            assert!(written.is_some(), "others were refused");
        });
        let faults = Faults::none().before_request(Some((number, action)));
        let faults = Arc::new(faults);
        let store = faults.store(&harness.stack.store);
        let counts = import_through(&store, &harness, &task, &file.body()).await;
        assert_eq!(
            counts.created + counts.updated + counts.unchanged + counts.ignored,
            file.counts().total,
            "{counts:?}"
        );
        // Whoever has an id had it before, or gets it by the file.
        let body = file.body();
        for (user, held) in external_ids(&harness, &file).await {
            let kept = before.get(&user).is_none_or(|before| *before == held);
            let mut given = body.as_array().expect("records").iter();
            let given = given.any(|record| record["x"].as_str() == held.as_deref());
            assert!(held.is_none() || kept || given, "{user} has {held:?}");
        }
        if matches!(act, Act::Clear) {
            assert_completes(&harness, &task, &file).await;
        }
        !faults.has_pending_action()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_move_while_others_clear_one() {
    ids_move_while_others(Act::Clear).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_move_while_others_rename_a_user() {
    ids_move_while_others(Act::Rename).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_handed_over_while_ids_move_counts_what_it_did() {
    for_each_request(|harness, number| async move {
        let task = applying_task(&harness).await;
        let file = circle(format!("over{number}"));
        import_synchronously(&harness, &task, &file.existing_users()).await;
        let clock = ManualClock::leak();
        let times = Times {
            stop_after: STOP_AFTER,
            give_up_after: LONG,
            sync_hold: LONG,
            clock: Clock::Manual(clock),
            ..short_times()
        };
        // The time for writes is over from this request on.
        let reached = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_reached = Arc::clone(&reached);
        let faults = Faults::new(move |request| {
            if request.number == number {
                is_reached.store(true, std::sync::atomic::Ordering::SeqCst);
                clock.advance(STOP_AFTER);
            }
            Fault::None
        });
        let faults = faults.without_timeouts();
        let gate = Gate::default();
        let (_, sent) = send_request(&harness, &task, file, faults, times, &gate).await;
        let import = sent.expect("a run has begun");
        let run = import.finish_without_faults().await;
        import.verify(&run, ConcurrentWrites::Some).await;
        external_ids(&harness, &import.file).await;
        assert_completes(&harness, &task, &import.file).await;
        reached.load(std::sync::atomic::Ordering::SeqCst)
    })
    .await;
}
