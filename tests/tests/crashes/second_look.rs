//! What an import reads at different moments. A statement of a dead writer arrives while its successor
//! reads, and others move what it wrote before the successor decides: the record is counted as applied,
//! wherever the user is by then.

use std::sync::Arc;
use std::time::Instant;

use muster_core::attribute::Attribute;
use muster_core::settings::IdentifyBy;
use muster_tests::faults::{
    BATCH_EXECUTE_STATEMENT, ConcurrentAction, Fault, Faults, Gate, Service,
};
use serde_json::json;

use crate::concurrent_writes::set_login;
use crate::harness::Harness;
use crate::import::{
    Import, MAX_WAIT, POLL_INTERVAL, all_runs_of, for_each_request_on, import_synchronously,
    import_through,
};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

/// Begins an import that gives a stored user an external id, and holds back the statement that does.
async fn with_late_adoption(
    harness: &Arc<Harness>,
    identify_by: IdentifyBy,
    tag: &str,
    gate: &Gate,
) -> Import {
    let file = ImportFile {
        identify_by,
        ..ImportFile::new(tag, &[RecordKind::New])
    };
    let mut before = file.body();
    before[0]["x"] = json!(null);
    before[0]["n"] = json!("old");
    let other = harness.create_task(0, |_| ()).await;
    let counts = import_synchronously(harness, &other, &before).await;
    assert_eq!(counts.created, 1);
    let import = Import::begin(harness, file).await;
    let messages = import.run_processor().await;
    let late = || statements_held_by(gate);
    import.deliver_until_injected(&messages[0], late).await;
    import.expire_chunk_lease(0).await;
    import
}

/// Returns the faults of a writer whose statements wait at a gate, but those that claim external ids:
/// they come before the values are kept.
pub fn statements_held_by(gate: &Gate) -> Faults {
    let (gate, mut has_kept) = (gate.clone(), false);
    Faults::new(move |request| {
        has_kept |= request.service == Service::S3 && request.operation == "PUT";
        match request.operation {
            BATCH_EXECUTE_STATEMENT if has_kept => Fault::GatedRequest(gate.clone()),
            _ => Fault::None,
        }
    })
}

/// Lets the late statement arrive, and renames the user.
fn land_and_rename(harness: &Arc<Harness>, import: &Import, gate: &Gate) -> ConcurrentAction {
    let (harness, gate) = (Arc::clone(harness), gate.clone());
    let (login, new) = (import.file.login(0), format!("moved.{}", import.file.tag));
    Box::pin(async move {
        gate.open();
        let id = arrival(&harness, &login).await;
        let renamed = harness.change_user(0, id, set_login(&new)).await;
        assert!(renamed.is_some(), "the user was not renamed");
    })
}

/// Waits until the statement has arrived. Returns the user's id.
async fn arrival(harness: &Harness, login: &str) -> u64 {
    let began = Instant::now();
    loop {
        let user = harness.existing_user(login).await;
        if user.name == "new" {
            return user.id;
        }
        assert!(began.elapsed() < MAX_WAIT, "no statement arrived");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn late_adoption_at_each_request(identify_by: IdentifyBy) {
    let harness = Harness::start().await;
    for_each_request_on(&harness, move |harness, number| async move {
        let tag = format!("look{number}x{identify_by:?}").to_lowercase();
        let gate = Gate::default();
        let import = with_late_adoption(&harness, identify_by, &tag, &gate).await;
        let action = land_and_rename(&harness, &import, &gate);
        let message = import.history().pop().expect("a message of the chunk");
        let faults = Faults::none().before_request(Some((number, action)));
        let (_, successor) = import.deliver(&message, faults).await;
        gate.open();
        let run = import.finish_without_faults().await;
        import.verify(&run, ConcurrentWrites::Some).await;
        !successor.has_pending_action()
    })
    .await;
}

/// A manager who is renamed between two reads is one person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_is_renamed_meanwhile_is_found_by_id_and_external_id() {
    let harness = Harness::start().await;
    for_each_request_on(&harness, |harness, number| async move {
        let task = harness.create_task(0, |task| {
            task.attribute_mapping
                .insert(Attribute::ManagerUid, "mu".to_owned());
        });
        let task = task.await;
        let file = ImportFile::new(format!("boss{number}x"), &[RecordKind::New; 2]);
        let body = file.body();
        let [boss, member] = [0, 1].map(|record| body[record].clone());
        import_synchronously(&harness, &task, &json!([boss])).await;
        let id = harness.existing_user(&file.login(0)).await.id;
        let new = format!("moved.{}", file.tag);
        let others = Arc::clone(&harness);
        let rename = Box::pin(async move {
            let renamed = others.change_user(0, id, set_login(&new)).await;
            assert!(renamed.is_some(), "the manager was not renamed");
        });
        let mut member = member;
        member["m"] = json!(id);
        member["mu"] = json!(file.login(0));
        let faults = Arc::new(Faults::none().before_request(Some((number, rename))));
        let store = faults.store(&harness.stack.store);
        let counts = import_through(&store, &harness, &task, &json!([member])).await;
        assert_eq!(counts.created, 1, "{counts:?}");
        let runs = all_runs_of(&harness, &task).await;
        assert!(
            runs.iter().all(|run| run.item_counts.is_empty()),
            "{runs:?}"
        );
        !faults.has_pending_action()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_statement_is_counted_while_its_successor_looks_at_claims() {
    late_adoption_at_each_request(IdentifyBy::Username).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_statement_is_counted_while_its_successor_looks_for_the_person() {
    late_adoption_at_each_request(IdentifyBy::ExternalId).await;
}
