//! `?dryRun` predicts the result of an import without applying it (contract.md#dry-runs).

use muster_tests::generate::GeneratedImport;
use muster_tests::{Reply, World};
use serde_json::json;

use crate::concurrency::assert_task_busy;
use crate::support::{
    applying_task, assert_partial_success, import_foreign_users, import_id, put_into,
    with_external_id,
};

/// Keys of the reply to a dry run, without warnings.
const KEYS: [&str; 14] = [
    "Status",
    "Total Lines",
    "Empty IDs",
    "Ignored Users",
    "Duplicated Users",
    "Dry Run",
    "Created",
    "Updated",
    "Unchanged",
    "Renamed",
    "Moved",
    "Blocked",
    "Unblocked",
    "Cleared",
];

/// Returns Created, Updated and Unchanged of a dry run.
#[track_caller]
fn predicted(reply: &Reply) -> [u64; 3] {
    let json = reply.json();
    assert_eq!(json["Dry Run"], true, "{reply}");
    ["Created", "Updated", "Unchanged"].map(|key| json[key].as_u64().expect(key))
}

async fn send_dry(w: &World, body: impl Into<Vec<u8>>) -> Reply {
    send_dry_to(w, w.tenants[0].task_id, body).await
}

async fn send_dry_to(w: &World, task: u64, body: impl Into<Vec<u8>>) -> Reply {
    let call = w.import(0).await.task(task).query("debug&dryRun");
    call.body(body).send().await
}

/// Sends a dry run and then the import, and asserts that both report the same; returns the
/// predicted counts.
async fn compare(w: &World, body: &[u8]) -> [u64; 3] {
    compare_in(w, w.tenants[0].task_id, body).await
}

/// Does the same with a task of the first tenant.
async fn compare_in(w: &World, task: u64, body: &[u8]) -> [u64; 3] {
    let before = w.directory().await;
    let dry = send_dry_to(w, task, body).await;
    assert!(w.directory().await == before, "a dry run wrote something");
    let real = w.import(0).await.task(task).debug().body(body).send().await;
    assert_eq!(dry.outcome(), real.outcome());
    assert_eq!(dry.warnings(), real.warnings());
    {
        let store = &w.store;
        let run = store.run(import_id(&real)).await;
        let counts = run.counts.expect("a finished run");
        let applied = [counts.created, counts.updated, counts.unchanged];
        assert_eq!(predicted(&dry), applied, "{dry}");
    }
    predicted(&dry)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_predicts_the_counts_and_writes_no_user() {
    let w = World::start().await;
    w.put(&json!([w.record("same"), w.record("changed")])).await;
    let mut changed = w.record("changed");
    changed["Name"] = json!("Other");
    let file = json!([
        w.record("new"),
        w.record("same"),
        changed,
        w.record("also new"),
        {}
    ]);
    let before = w.directory().await;
    let reply = w
        .import(0)
        .await
        .query("dryRun")
        .records(&file)
        .send()
        .await;
    let keys = reply.keys();
    assert_eq!(keys[..KEYS.len()], KEYS, "{reply}");
    assert_eq!(keys[KEYS.len()..], ["Notes"], "all have one e-mail address");
    assert_eq!(
        reply.json()["Notes"],
        json!([
            "records have the e-mail address of an earlier record: record 2 that of record 1, record 3 that \
             of record 1 [email.shared]"
        ])
    );
    assert_partial_success(&reply, [5, 1, 1, 0]);
    assert_eq!(predicted(&reply), [1, 1, 1]);
    assert!(w.directory().await == before, "a dry run wrote something");
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [1, 1, 1]);
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [0, 0, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dry_run_parameter_is_parsed_like_debug() {
    let w = World::start().await;
    for on in ["dryRun", "dryRun=", "dryRun=true", "debug=0&dryRun=yes"] {
        let reply = w.import(0).await.query(on).body("[]").send().await;
        assert_eq!(reply.keys(), KEYS, "{on}: {reply}");
    }
    for off in ["", "dryRun=false", "dryRun=0"] {
        let reply = w.import(0).await.query(off).body("[]").send().await;
        assert_eq!(reply.keys(), KEYS[..5], "{off}: {reply}");
    }
    // Named in a value, it is no switch, and must not be ignored either.
    for named in ["x=dryRun", "mode=dry-run", "debug=1%26dryRun=true"] {
        let reply = w.import(0).await.query(named).body("[]").send().await;
        reply.assert_failure(400);
        assert!(reply.errors()[0].contains("`?dryRun`"), "{named}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_only_its_log() {
    let w = World::start().await;
    let store = &w.store;
    let mut record = w.record("ann");
    record["External ID"] = json!(w.login("id"));
    let file = json!([record, {"Username": ""}]);
    w.token(0).await;
    let (users, control) = (store.directory().await, store.control().await);
    let reply = send_dry(&w, file.to_string()).await;
    assert_eq!(predicted(&reply), [1, 0, 0], "{reply}");
    assert!(store.directory().await == users);
    assert_eq!(store.directory_writes(), 0, "a claim or a user was written");

    let run = store.run(import_id(&reply)).await;
    assert!(run.dry_run);
    assert_eq!(run.status.as_deref(), Some("PARTIAL_SUCCESS"));
    assert_eq!(run.items.len(), 1, "{:?}", run.items);
    let counts = run.counts.expect("counts");
    assert_eq!([counts.total, counts.empty, counts.created], [2, 1, 1]);
    // The run, its entry in the log, its items and their index; not the counter that user ids are
    // taken from.
    let after = store.control().await;
    let new: Vec<&str> = after
        .iter()
        .filter(|(key, row)| control.get(*key) != Some(row))
        .map(|(key, _)| key.split('#').next().expect("a kind"))
        // The robot's last use is updated from time to time.
        .filter(|kind| *kind != "ROBOT")
        .collect();
    assert_eq!(new, ["LOG", "RUN", "RUN", "RUN", "RUN"], "{after:?}");

    w.import(0).await.body("[]").send().await.assert_success(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_refused_while_the_task_is_locked() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    store.lock_task(&w, 0, task).await;
    let call = w.import(0).await.task(task).query("dryRun").body("[]");
    assert_task_busy(&call.send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_refuses_a_body_that_is_not_an_array() {
    let w = World::start().await;
    let (dry, real) = (
        send_dry(&w, "[1 2]").await,
        w.import(0).await.debug().body("[1 2]").send().await,
    );
    dry.assert_failure(400);
    assert_eq!(dry.text(), real.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_warns_of_taken_external_ids_like_the_import() {
    let w = World::start().await;
    let stored = [
        with_external_id(&w, "holder", "x1"),
        with_external_id(&w, "mover", "x2"),
    ];
    w.put(&json!(stored)).await;
    let file = json!([
        // Held by a user without a record in this file; by a user who changes it in this file.
        with_external_id(&w, "new1", "x1"),
        with_external_id(&w, "mover", "x9"),
        with_external_id(&w, "new2", "x2"),
        // Given twice; the user's own, requested by an earlier record; free.
        with_external_id(&w, "new3", "x3"),
        with_external_id(&w, "new4", "x3"),
        with_external_id(&w, "new5", "x1"),
        with_external_id(&w, "holder", "x1"),
        with_external_id(&w, "new6", "x6"),
    ]);
    let records = |reply: &Reply, code: &str| -> Vec<String> {
        let warnings = reply.warnings().into_iter();
        warnings
            .filter(|warning| warning.ends_with(&format!("[{code}]")))
            .map(|warning| warning[.."Record 1".len()].to_owned())
            .collect()
    };
    let taken = ["Record 1", "Record 3", "Record 5", "Record 6"];

    let reply = send_dry(&w, file.to_string()).await;
    assert_eq!(records(&reply, "external_id.taken"), taken);
    assert_eq!(records(&reply, "external_id.other_user"), ["Record 2"]);
    assert_eq!(predicted(&reply), [2, 0, 1]);

    let task = applying_task(&w).await;
    let reply = send_dry_to(&w, task, file.to_string()).await;
    // The id of the user who changes it moves.
    let taken = ["Record 1", "Record 5", "Record 6"];
    assert_eq!(records(&reply, "external_id.taken"), taken);
    assert_eq!(reply.json()["Moved"], 1, "{reply}");
    assert_eq!(reply.warnings().len(), taken.len(), "{reply}");
    let body = file.to_string();
    assert_eq!(compare_in(&w, task, body.as_bytes()).await, [6, 1, 1]);

    // Without the external id, which is taken, nothing changes.
    let body = json!([with_external_id(&w, "new6", "x1")]).to_string();
    assert_eq!(compare_in(&w, task, body.as_bytes()).await, [0, 0, 1]);
    assert_eq!(compare(&w, body.as_bytes()).await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_treats_a_dangling_claim_like_the_import() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    // john changes from e1 to e2: the claim on e1 dangles.
    for id in ["e1", "e2"] {
        put_into(&w, task, &json!([with_external_id(&w, "john", id)])).await;
    }
    let file = json!([
        with_external_id(&w, "ann", "e1"),
        with_external_id(&w, "john", "e1")
    ])
    .to_string();
    assert_eq!(compare_in(&w, task, file.as_bytes()).await, [1, 0, 1]);
}

/// Compares the dry run and the import of two generated files; the second file has users and
/// external ids of the first.
async fn compare_generated(total: usize, seed: u64) {
    let w = World::start().await;
    let task = applying_task(&w).await;
    let foreign = import_foreign_users(&w, total / 20).await;
    let mut generated = GeneratedImport::new(total, &w.tag, &foreign, seed);
    for round in 0..2 {
        // A third of the records request one of a few external ids.
        for (number, element) in generated.elements.iter_mut().enumerate() {
            let id = (number + round * 7) % (total / 4 + 1);
            if number % 3 == round
                && let Some(record) = element.as_object_mut()
            {
                record.insert("External ID".into(), json!(w.login(&format!("id{id}"))));
            }
        }
        let [created, ..] = compare_in(&w, task, &generated.body()).await;
        let expected = if round == 0 {
            generated.created.len()
        } else {
            0
        };
        assert_eq!(created, expected as u64, "seed {seed}, round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_of_a_generated_file_predicts_the_import() {
    for seed in 0..3 {
        compare_generated(40, seed).await;
    }
    compare_generated(700, 3).await;
}
