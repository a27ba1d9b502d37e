//! Exact counts though requests and answers get lost (PROTOCOL §6): two tasks import the same
//! users at once; requests are lost before, and answers after, their effect, and statements are
//! throttled. Every write must be counted by exactly one of them.
//!
//! `MUSTER_SCHEDULES=1000 cargo test -p muster-tests lost_answers` tries more schedules.

use std::sync::Arc;

use muster_aws::Store;
use muster_core::run::Counts;
use muster_core::settings::TaskSettings;
use muster_import::{Deadline, Outcome, SyncImport, SyncRequest, Times};
use muster_local::{Stack, StackOptions};
use muster_tests::faults::{Fault, Faults, Trouble};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

const USERS: usize = 60;

/// A store whose batches of statements meet what dice from `seed` say.
fn unreliable(stack: &Stack, seed: u64) -> Store {
    let mut dice = SmallRng::seed_from_u64(seed);
    let faults = Faults::new(move |asked| match asked.operation {
        "BatchExecuteStatement" => match dice.random_range(0..10) {
            0 => Fault::LostRequest,
            1 | 2 => Fault::LostAnswer,
            3 => Fault::Statements(u8::MAX, Trouble::Throttled),
            _ => Fault::Passes,
        },
        _ => Fault::Passes,
    });
    Arc::new(faults).store(&stack.store)
}

fn login(schedule: u64, user: usize) -> String {
    format!("user{user}.{schedule}")
}

fn request(schedule: u64, task: u64, name: &str) -> SyncRequest {
    let settings: TaskSettings = serde_json::from_value(json!({
        "id": task, "enabled": true, "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "u", "name": "n", "role": "r", "email": "e", "external_id": "x"},
        "role_mapping": {"user": "User"},
    }))
    .expect("settings");
    let records: Vec<Value> = (0..USERS)
        .map(|user| {
            let login = login(schedule, user);
            json!({"u": login, "n": name, "r": "user", "e": "someone@example.com", "x": login})
        })
        .collect();
    SyncRequest {
        tenant: "acme".to_owned(),
        robot: "robot".to_owned(),
        task: settings,
        settings_version: 1,
        body: Value::from(records).to_string().into(),
        debug: false,
        dry_run: false,
        key: None,
    }
}

async fn import(store: &Store, request: SyncRequest) -> Counts {
    let deadline = Deadline::start(Times::default());
    let background = muster_tests::no_background().await;
    let imported = muster_import::import(store, &background, deadline, request).await;
    match imported.expect("the store") {
        SyncImport::Ended {
            outcome: Outcome::Imported { counts, items, .. },
            ..
        } => {
            assert_eq!(items, [], "nothing is wrong with the records");
            counts
        }
        other => panic!("not imported: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_is_counted_once_though_answers_get_lost() {
    if muster_tests::points_elsewhere() {
        return;
    }
    let schedules =
        std::env::var("MUSTER_SCHEDULES").map_or(5, |count| count.parse().expect("a number"));
    let stack = Stack::start(StackOptions::default())
        .await
        .expect("the stack starts");
    for schedule in 0..schedules {
        let (one, two) = (
            unreliable(&stack, schedule),
            unreliable(&stack, schedule + 1_000_000),
        );
        let (mut created, mut updated) = (0, 0);
        for round in 0..2 {
            let (ann, bob) = (format!("Ann {round}"), format!("Bob {round}"));
            let (ann, bob) = tokio::join!(
                import(&one, request(schedule, 1_000_001, &ann)),
                import(&two, request(schedule, 1_000_002, &bob)),
            );
            for counts in [ann, bob] {
                assert_eq!(
                    counts.created + counts.updated + counts.unchanged,
                    USERS as u64,
                    "schedule {schedule}"
                );
                created += counts.created;
                updated += counts.updated;
            }
        }
        let logins: Vec<String> = (0..USERS).map(|user| login(schedule, user)).collect();
        let users = stack
            .store
            .users(logins.iter().map(String::as_str))
            .await
            .expect("the store");
        assert_eq!(users.len(), USERS);
        // A user is created in version 1, and every update adds one.
        let versions: u64 = users.values().map(|stored| stored.version).sum();
        assert_eq!(created, USERS as u64, "schedule {schedule}: users created");
        assert_eq!(
            updated,
            versions - USERS as u64,
            "schedule {schedule}: updates"
        );
    }
    stack.stop().await.expect("the stack stops");
}
