//! External ids that move within a request, with faults and writes by others at each of its requests:
//! every id has one user, nobody has one that neither the directory before nor the file gives, counts
//! are exact, and the file sent again completes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_aws::tasks::Task;
use muster_core::attribute::Attribute;
use muster_core::settings::{ExternalIdConflicts, TaskSettings};
use muster_core::user_request::UserRequest;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Clock, ManualClock, RunOutcome, Times, WriteOutcome};
use muster_tests::faults::{Fault, Faults, Gate};

use crate::concurrent_writes::set_login;
use crate::hand_over::send_request;
use crate::harness::{Harness, short_times};
use crate::import::{
    Import, all_runs_of, for_each_fault_and_request, for_each_request, import_synchronously,
    import_through, try_import_through,
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
    assign_id(Assignment::Clear)
}

fn assign_id(assignment: Assignment<'static>) -> UserRequest {
    UserRequest {
        changes: Changes {
            assignments: vec![(Attribute::ExternalId, assignment)],
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
        let file = circle(format!("over{number}x"));
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
        let reached = Arc::new(AtomicBool::new(false));
        let is_reached = Arc::clone(&reached);
        let faults = Faults::new(move |request| {
            if request.number == number {
                is_reached.store(true, Ordering::SeqCst);
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
        reached.load(Ordering::SeqCst)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_another_run_relies_on_does_not_move() {
    let harness = Harness::start().await;
    let other = Import::begin(&harness, ImportFile::new("relied", &[RecordKind::New; 4])).await;
    let messages = other.run_processor().await;
    // The first of two chunks: the run goes on.
    other.write_chunk(&messages[0]).await;
    let task = applying_task(&harness).await;
    let mut swap = other.file.body();
    let records = swap.as_array_mut().expect("records");
    records.truncate(2);
    records[0]["x"] = other.file.login(1).into();
    records[1]["x"] = other.file.login(0).into();
    let counts = import_synchronously(&harness, &task, &swap).await;
    assert_eq!((counts.moved, counts.unchanged), (0, 2), "{counts:?}");
    external_ids(&harness, &other.file).await;
    other.finish_without_faults().await;
    let counts = import_synchronously(&harness, &task, &swap).await;
    assert_eq!((counts.moved, counts.updated), (2, 2), "{counts:?}");
    external_ids(&harness, &other.file).await;
}

/// In a task that ignores records about other people, whoever is given the id back keeps it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_ignores_records_takes_no_id() {
    for_each_request(|harness, number| async move {
        let file = ImportFile::new(format!("back{number}x"), &[RecordKind::New; 2]);
        let task = harness.create_task(0, |_| ()).await;
        let mut before = file.body();
        before[1]["x"] = serde_json::Value::Null;
        import_synchronously(&harness, &task, &before).await;
        let mut body = before.clone();
        body[0]["x"] = serde_json::Value::Null;
        body[1]["x"] = file.login(0).into();
        let id = harness.existing_user(&file.login(0)).await.id;
        let held = file.login(0);
        let others = Arc::clone(&harness);
        let given_back = Arc::new(AtomicBool::new(false));
        let is_given_back = Arc::clone(&given_back);
        let action = Box::pin(async move {
            let back = assign_id(Assignment::Set(Value::Text(held.into())));
            let written = others.change_user(0, id, back).await;
            let is_written = matches!(written, Some(WriteOutcome::Updated { .. }));
            is_given_back.store(is_written, Ordering::SeqCst);
        });
        let faults = Faults::none().before_request(Some((number, action)));
        let faults = Arc::new(faults);
        let store = faults.store(&harness.stack.store);
        import_through(&store, &harness, &task, &body).await;
        let held = external_ids(&harness, &file).await;
        if given_back.load(Ordering::SeqCst) {
            assert_eq!(held[&id], Some(file.login(0)), "request {number}");
        }
        !faults.has_pending_action()
    })
    .await;
}

/// Another run creates a user at the login of a new user who takes an id, and others rename that user
/// away: the stamp of that run stays under the login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_who_takes_an_id_keeps_the_stamps_of_the_login() {
    for_each_request(|harness, number| async move {
        let task = applying_task(&harness).await;
        let other = harness.create_task(0, |_| ()).await;
        let file = ImportFile::new(format!("slot{number}x"), &[RecordKind::New; 4]);
        let body = file.body();
        let records = body.as_array().expect("records");
        import_synchronously(&harness, &task, &records[1..].into()).await;
        // Each gets the id of the next; the first is new, and the second still has its own when the
        // last ones are written.
        let (mut moves, mut without_id) = (body.clone(), records[0].clone());
        for record in 0..3 {
            moves[record]["x"] = file.login(record + 1).into();
        }
        moves[3]["x"] = format!("new.{}", file.tag).into();
        without_id["x"] = serde_json::Value::Null;
        let login = file.login(0);
        let others = Arc::clone(&harness);
        let created = Arc::new(AtomicBool::new(false));
        let is_created = Arc::clone(&created);
        let (rival, taken) = (other.clone(), login.clone());
        let action = Box::pin(async move {
            let rival_body = serde_json::Value::Array(vec![without_id]);
            let counts = import_synchronously(&others, &rival, &rival_body).await;
            if counts.created == 1 {
                is_created.store(true, Ordering::SeqCst);
                let id = others.existing_user(&taken).await.id;
                let away = set_login(&format!("away.{taken}"));
                let renamed = others.change_user(0, id, away).await;
                assert!(renamed.is_some(), "the user was not renamed");
            }
        });
        let faults = Faults::none().before_request(Some((number, action)));
        let faults = Arc::new(faults);
        let store = faults.store(&harness.stack.store);
        import_through(&store, &harness, &task, &moves).await;
        external_ids(&harness, &file).await;
        if created.load(Ordering::SeqCst) {
            let run = all_runs_of(&harness, &other).await[0].id.to_string();
            let users = harness
                .access()
                .with_key_parts(&[&file.tag])
                .directory()
                .await;
            let stamps = users[&format!("U#{login}")]["stamps"]
                .as_s()
                .expect("a text");
            assert!(stamps.contains(&run), "request {number}: {stamps:?}");
        }
        !faults.has_pending_action()
    })
    .await;
}
