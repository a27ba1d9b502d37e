//! `?dryRun`: what an import would do, without doing it (CONTRACT §1).

use muster_tests::generate::Reckoning;
use muster_tests::{Reply, World, store_or_skip};
use serde_json::{Value, json};

/// The keys of a dry run's reply, without warnings.
const KEYS: [&str; 9] = [
    "Status",
    "Total Lines",
    "Empty IDs",
    "Ignored Users",
    "Duplicated Users",
    "Dry Run",
    "Created",
    "Updated",
    "Unchanged",
];

/// Created, Updated, Unchanged.
#[track_caller]
fn planned(reply: &Reply) -> [u64; 3] {
    let json = reply.json();
    assert_eq!(json["Dry Run"], true, "{reply}");
    ["Created", "Updated", "Unchanged"].map(|key| json[key].as_u64().expect(key))
}

async fn dry(w: &World, body: impl Into<Vec<u8>>) -> Reply {
    w.import(0)
        .await
        .query("debug&dryRun")
        .body(body)
        .send()
        .await
}

/// A dry run, then the same for real: both must tell the same. The figures of the plan.
async fn compare(w: &World, body: &[u8]) -> [u64; 3] {
    let before = w.directory().await;
    let first = dry(w, body).await;
    assert!(w.directory().await == before, "a dry run wrote something");
    let real = w.import(0).await.debug().body(body).send().await;
    assert_eq!(first.outcome(), real.outcome());
    assert_eq!(first.warnings(), real.warnings());
    if let Some(store) = &w.store {
        let run = store.run(real.header("import-id").expect("a run")).await;
        let counts = run.counts.expect("a finished run");
        let real = [counts.created, counts.updated, counts.unchanged];
        assert_eq!(planned(&first), real, "{first}");
    }
    planned(&first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_would_become_of_the_users_and_leaves_them_alone() {
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
    assert_eq!(reply.keys(), KEYS, "{reply}");
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [5, 1, 1, 0]),
        "{reply}"
    );
    assert_eq!(planned(&reply), [1, 1, 1]);
    assert!(w.directory().await == before, "a dry run wrote something");
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [1, 1, 1]);
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [0, 0, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_switch_is_spelt_like_debug() {
    let w = World::start().await;
    for on in ["dryRun", "dryRun=", "dryRun=true", "debug=0&dryRun=yes"] {
        let reply = w.import(0).await.query(on).body("[]").send().await;
        assert_eq!(reply.keys(), KEYS, "{on}: {reply}");
    }
    for off in ["", "dryRun=false", "dryRun=0", "dryrun", "dry_run"] {
        let reply = w.import(0).await.query(off).body("[]").send().await;
        assert_eq!(reply.keys(), KEYS[..5], "{off}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_logged_as_one_and_touches_nothing_else() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let mut record = w.record("ann");
    record["External ID"] = json!(w.login("id"));
    let file = json!([record, {"Username": ""}]);
    w.token(0).await;
    let (users, control) = (store.directory().await, store.control().await);
    let reply = dry(&w, file.to_string()).await;
    assert_eq!(planned(&reply), [1, 0, 0], "{reply}");
    assert!(store.directory().await == users);
    assert_eq!(store.directory_writes(), 0, "no claim, no user");

    let run = store.run(reply.header("import-id").expect("a run")).await;
    assert!(run.dry_run);
    assert_eq!(run.status.as_deref(), Some("PARTIAL_SUCCESS"));
    assert_eq!(run.items.len(), 1, "{:?}", run.items);
    let counts = run.counts.expect("counts");
    assert_eq!([counts.total, counts.empty, counts.created], [2, 1, 1]);
    // The run, its place in the log, its items with their index; not the counter that ids are
    // taken from.
    let after = store.control().await;
    let new: Vec<&str> = after
        .iter()
        .filter(|(key, row)| control.get(*key) != Some(row))
        .map(|(key, _)| key.split('#').next().expect("a kind"))
        // When it was last there is written now and then.
        .filter(|kind| *kind != "ROBOT")
        .collect();
    assert_eq!(new, ["LOG", "RUN", "RUN", "RUN", "RUN"], "{after:?}");

    w.import(0).await.body("[]").send().await.assert_success(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_waits_for_the_task_like_any_other() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store.task(&w, 0, |_| ()).await;
    store.hold(&w, 0, task).await;
    let call = w.import(0).await.task(task).query("dryRun").body("[]");
    crate::running::assert_running(&call.send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_array_is_refused_in_a_dry_run_too() {
    let w = World::start().await;
    let (first, real) = (
        dry(&w, "[1 2]").await,
        w.import(0).await.debug().body("[1 2]").send().await,
    );
    first.assert_failure(400);
    assert_eq!(first.text(), real.text());
}

fn with_id(w: &World, name: &str, id: &str) -> Value {
    let mut record = w.record(name);
    record["External ID"] = json!(w.login(id));
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn external_ids_that_are_taken_are_warned_of_as_in_the_import() {
    let w = World::start().await;
    let store = [with_id(&w, "holder", "x1"), with_id(&w, "mover", "x2")];
    w.put(&json!(store)).await;
    let file = json!([
        // Held by a user that no record is about; by one that gives it up in this very file.
        with_id(&w, "new1", "x1"),
        with_id(&w, "mover", "x9"),
        with_id(&w, "new2", "x2"),
        // Given twice; one's own, which an earlier record wants; free.
        with_id(&w, "new3", "x3"),
        with_id(&w, "new4", "x3"),
        with_id(&w, "new5", "x1"),
        with_id(&w, "holder", "x1"),
        with_id(&w, "new6", "x6"),
    ]);
    let reply = dry(&w, file.to_string()).await;
    let records: Vec<String> = reply
        .warnings()
        .iter()
        .inspect(|warning| assert!(warning.ends_with("[external_id.taken]"), "{warning}"))
        .map(|warning| warning[.."Record 1".len()].to_owned())
        .collect();
    assert_eq!(records, ["Record 1", "Record 3", "Record 5", "Record 6"]);
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [6, 1, 1]);

    // Nothing is left to change but an id that cannot be had: the user is unchanged.
    let file = json!([with_id(&w, "new6", "x1")]);
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [0, 0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dangling_claim_is_judged_as_in_the_import() {
    let w = World::start().await;
    // john gives e1 up for e2: the claim on e1 dangles, and its runs ended just now.
    for id in ["e1", "e2"] {
        w.put(&json!([with_id(&w, "john", id)])).await;
    }
    let file = json!([with_id(&w, "ann", "e1"), with_id(&w, "john", "e1")]);
    assert_eq!(compare(&w, file.to_string().as_bytes()).await, [1, 0, 1]);
}

/// Two generated files, one after the other: the second one meets users and external ids of the
/// first.
async fn check(total: usize, seed: u64) {
    let w = World::start().await;
    let foreign: Vec<String> = (0..total / 20)
        .map(|n| w.login(&format!("theirs{n}")))
        .collect();
    let theirs: Vec<Value> = foreign
        .iter()
        .map(|login| json!({"Username": login, "Role": "catman", "E-mail": "theirs@example.com"}))
        .collect();
    let call = w.import(1).await.records(&json!(theirs));
    call.send().await.assert_success(theirs.len() as u64);
    let mut made = Reckoning::new(total, &w.tag, &foreign, seed);
    for round in 0..2 {
        // A third of the records want one of a few external ids.
        for (number, element) in made.elements.iter_mut().enumerate() {
            let wanted = (number + round * 7) % (total / 4 + 1);
            if number % 3 == round
                && let Some(record) = element.as_object_mut()
            {
                record.insert("External ID".into(), json!(w.login(&format!("id{wanted}"))));
            }
        }
        let [created, ..] = compare(&w, &made.body()).await;
        let expected = if round == 0 { made.created.len() } else { 0 };
        assert_eq!(created, expected as u64, "seed {seed}, round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_of_a_generated_file_tells_what_the_import_does() {
    for seed in 0..3 {
        check(40, seed).await;
    }
    check(700, 3).await;
}
