//! Values before a run, kept ahead of its writes (protocol.md#kept-values): whatever happens to the
//! workers, the version of each applied write is that of an entry that the run's rows name.

use std::sync::Arc;

use muster_aws::runs::Run;
use muster_aws::runs::chunks::{ChunkRow, Round};
use muster_core::settings::TaskSettings;
use muster_tests::faults::{Fault, Faults, Gate};
use muster_tests::interceptor::Service;
use serde_json::{Value, json};

use crate::harness::{Harness, QueueMessage};
use crate::import::{Import, for_each_request, poll_until};
use crate::import_file::{ImportFile, RecordKind};
use crate::second_look::statements_held_by;
use crate::verifier::ConcurrentWrites;

impl Import {
    /// Verifies that a run names the values before each of its writes, and which records were written.
    /// Unless others have written its users, the users' versions are those after the entries.
    pub async fn verify_kept(&self, run: &Run, concurrent: ConcurrentWrites) {
        let (access, id) = (self.harness.access(), self.run.to_string());
        let effects = self.effects.effects();
        let effects = effects.iter();
        let applied = effects.filter(|it| matches!(it.outcome.as_str(), "created" | "updated"));
        let applied: Vec<_> = applied.collect();
        let counts = run.counts.unwrap_or_default();
        let was_applied = counts.created + counts.updated > 0;
        let is_kept = was_applied && !run.dry_run && self.task.settings.undo_days() > 0;
        assert_eq!(run.undo_until.is_some(), is_kept, "{run:?}");
        if !is_kept {
            return;
        }
        let records = applied.iter().map(|effect| effect.record).collect();
        assert_eq!(access.applied_records(&id).await, records, "{run:?}");
        let entries = access.kept_entries(&id).await;
        let logins: Vec<String> = applied.iter().map(|effect| effect.login.clone()).collect();
        let directory = self.harness.stack.store.directory();
        let users = directory.users(logins.iter().map(String::as_str)).await;
        let users = users.expect("reading users");
        for effect in applied {
            let version = users.get(&effect.login).map(|row| row.version);
            let fits = |entry: &&Value| {
                entry["record"] == effect.record
                    && entry["login"] == effect.login.as_str()
                    && (concurrent == ConcurrentWrites::Some || entry["after"] == json!(version))
            };
            let found = entries.iter().find(fits);
            assert!(found.is_some(), "{effect:?} at {version:?}: {entries:?}");
        }
    }
}

/// Returns a file of one chunk with a record of each kind that is written.
fn one_chunk(tag: &str) -> ImportFile {
    let kinds = [RecordKind::New, RecordKind::Stale, RecordKind::Renamed];
    ImportFile::by_external_id(tag, &kinds)
}

/// Queues a file of one chunk, and returns the message of the chunk.
async fn begin(harness: &Arc<Harness>, file: ImportFile) -> (Import, QueueMessage) {
    let import = Import::begin(harness, file).await;
    let messages = import.run_processor().await;
    (import, messages[0].clone())
}

/// Returns the row of the chunk.
async fn chunk_row(import: &Import) -> ChunkRow {
    let chunks = import.harness.stack.store.chunks();
    let row = chunks.get(&import.run, Round::Apply, 0).await;
    row.expect("reading the chunk").unwrap_or_default()
}

/// Returns the names of all objects with values before the chunk.
async fn objects(import: &Import) -> Vec<String> {
    let objects = &import.harness.stack.background.objects;
    let names = objects.chunk_values(&import.run, Round::Apply, 0).await;
    names.expect("listing objects")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_kept_before_anything_is_written() {
    let harness = Harness::start().await;
    let (import, message) = begin(&harness, one_chunk("keptfirst")).await;
    let mut puts = 0;
    let faults = move || {
        Faults::new(move |request| {
            puts += usize::from(request.service == Service::S3 && request.operation == "PUT");
            match puts {
                1 => Fault::CrashAfter,
                _ => Fault::None,
            }
        })
    };
    import.deliver_until_injected(&message, faults).await;
    assert!(import.effects.effects().is_empty(), "written before");
    let orphans = objects(&import).await;
    assert!(!orphans.is_empty(), "nothing is kept");
    let entries = harness
        .access()
        .entries_of(&import.run.to_string(), &orphans)
        .await;
    let mut before: Vec<(u64, bool, Value)> = entries
        .into_iter()
        .map(|entry| {
            let record = entry["record"].as_u64().expect("a number");
            (record, entry["created"] == true, entry["before"].clone())
        })
        .collect();
    before.sort_by_key(|(record, ..)| *record);
    before.dedup();
    let stale = json!({"name": "old", "city": "Lviv", "active": null});
    let renamed = json!({"name": "old", "username": "before2.keptfirst"});
    assert_eq!(
        before,
        [(1, true, json!({})), (2, false, stale), (3, false, renamed)]
    );
    import.finish_completely().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_if_the_values_before_cannot_be_kept() {
    let harness = Harness::start().await;
    let (import, message) = begin(&harness, one_chunk("keptrefused")).await;
    let is_put = |service, operation: &str| service == Service::S3 && operation == "PUT";
    let faults = Faults::new(
        move |request| match is_put(request.service, request.operation) {
            true => Fault::LostRequest,
            false => Fault::None,
        },
    );
    let (outcome, faults) = import.deliver(&message, faults).await;
    assert!(faults.were_injected(), "{outcome:?}");
    assert!(import.effects.effects().is_empty(), "{outcome:?}");
    import.finish_completely().await;
}

/// Of three owners of a chunk, the first dies before a write, and the second after the same one, if it
/// comes to it.
async fn with_three_owners(harness: Arc<Harness>, number: usize) -> bool {
    let (import, message) = begin(&harness, one_chunk(&format!("owners{number}x"))).await;
    let faults = Faults::at_write(number, Fault::CrashBefore);
    let (_, first) = import.deliver(&message, faults).await;
    let row = chunk_row(&import).await;
    if row.result.is_none() {
        if row.since.is_some() {
            import.expire_chunk_lease(0).await;
        }
        let faults = Faults::at_write(number, Fault::CrashAfter);
        drop(import.deliver(&message, faults).await);
    }
    import.finish_completely().await;
    first.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_applied_record_of_a_chunk_with_three_owners_has_its_entry() {
    for_each_request(with_three_owners).await;
}

/// The first owner's statements arrive when the second has kept values, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_values_of_a_former_owner_are_named_if_its_statements_arrive_late() {
    let harness = Harness::start().await;
    let (import, message) = begin(&harness, one_chunk("keptlate")).await;
    let gate = Gate::default();
    let late = || statements_held_by(&gate);
    import.deliver_until_injected(&message, late).await;
    import.expire_chunk_lease(0).await;
    poll_until("the second has kept values", async || {
        let gate = gate.clone();
        let faults = Faults::new(move |request| {
            if request.service == Service::S3 && request.operation == "PUT" {
                gate.open();
            }
            Fault::None
        });
        drop(import.deliver(&message, faults).await);
        chunk_row(&import).await.result.map(|_| ())
    })
    .await;
    import.finish_completely().await;
    let id = import.run.to_string();
    let named = harness.access().kept_objects(&id).await;
    assert_eq!(named, objects(&import).await, "all owners are named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_keeps_nothing_sends_no_request_more() {
    let harness = Harness::start().await;
    let mut requests = Vec::new();
    for days in [0, 1] {
        let file = one_chunk(&format!("days{days}x"));
        let change = |task: &mut TaskSettings| {
            file.configure(task);
            task.undo_days = Some(days);
        };
        let task = harness.create_task(0, change).await;
        let import = Import::begin_for_task(&harness, &task, file).await;
        let message = import.run_processor().await[0].clone();
        let counted = Arc::new(std::sync::Mutex::new([0, 0]));
        let counter = Arc::clone(&counted);
        let faults = Faults::new(move |request| {
            let is_put = request.service == Service::S3 && request.operation == "PUT";
            let mut counted = counter.lock().expect("the lock");
            counted[usize::from(is_put)] += 1;
            Fault::None
        });
        import.deliver(&message, faults.without_timeouts()).await;
        requests.push(*counted.lock().expect("the lock"));
        import.finish_completely().await;
        let kept = objects(&import).await.len();
        assert_eq!(kept, usize::try_from(days).expect("0 or 1"));
    }
    let [without, with] = [requests[0], requests[1]];
    assert_eq!(with, [without[0], without[1] + 1], "one object more");
    assert_eq!(without[1], 0, "no object");
}
