//! Exact counts although requests and responses are lost (protocol.md#stamps): two tasks import the
//! same users at once; requests are lost before and responses after their effect, and statements
//! are throttled. Every write must be counted by exactly one of the two.
//!
//! `MUSTER_SCHEDULES=1000 cargo test -p muster-tests lost_responses` runs more schedules.

use std::sync::Arc;

use muster_aws::Store;
use muster_core::run::Counts;
use muster_core::settings::TaskSettings;
use muster_import::{Deadline, ImportRequest, ImportResult, RunOutcome, Times};
use muster_local::{Stack, StackOptions};
use muster_tests::faults::{Fault, Faults, StatementFault};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

const USERS: usize = 60;

/// Returns a client of the store whose batches of statements fail at random, as `seed` determines.
fn unreliable_store(stack: &Stack, seed: u64) -> Store {
    let mut rng = SmallRng::seed_from_u64(seed);
    let faults = Faults::new(move |asked| match asked.operation {
        "BatchExecuteStatement" => match rng.random_range(0..10) {
            0 => Fault::LostRequest,
            1 | 2 => Fault::LostResponse,
            3 => Fault::Statements(u8::MAX, StatementFault::Throttled),
            _ => Fault::None,
        },
        _ => Fault::None,
    });
    Arc::new(faults).store(&stack.store)
}

fn login(schedule: u64, user: usize) -> String {
    format!("user{user}.{schedule}")
}

fn request(schedule: u64, task: u64, name: &str) -> ImportRequest {
    request_with(schedule, task, &json!({"n": name}))
}

/// Returns an import of all users with these values.
fn request_with(schedule: u64, task: u64, values: &Value) -> ImportRequest {
    let settings: TaskSettings = serde_json::from_value(json!({
        "id": task, "enabled": true, "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "u", "name": "n", "role": "r", "email": "e", "external_id": "x",
            "active": "a", "city": "c"},
        "role_mapping": {"user": "User"},
    }))
    .expect("settings");
    let records: Vec<Value> = (0..USERS)
        .map(|user| {
            let login = login(schedule, user);
            let mut record =
                json!({"u": login, "r": "user", "e": format!("{login}@example.com"), "x": login});
            let values = values.as_object().expect("an object").clone();
            record.as_object_mut().expect("an object").extend(values);
            record
        })
        .collect();
    ImportRequest {
        tenant: "acme".to_owned(),
        robot: "robot".to_owned(),
        task: settings,
        settings_version: 1,
        body: Value::from(records).to_string().into(),
        debug: false,
        dry_run: false,
        override_threshold: false,
        key: None,
    }
}

async fn import(store: &Store, request: ImportRequest) -> Counts {
    let deadline = Deadline::start(Times::default());
    let background = muster_tests::unreachable_background().await;
    let imported = muster_import::import(store, &background, deadline, request).await;
    match imported.expect("the store") {
        ImportResult::Ended {
            outcome: RunOutcome::Imported { counts, items, .. },
            ..
        } => {
            assert_eq!(items, [], "the records are valid");
            counts
        }
        other => panic!("not imported: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_is_counted_once_although_responses_are_lost() {
    let schedules =
        std::env::var("MUSTER_SCHEDULES").map_or(5, |count| count.parse().expect("a number"));
    let stack = Stack::start(StackOptions::default())
        .await
        .expect("the stack starts");
    for schedule in 0..schedules {
        let (one, two) = (
            unreliable_store(&stack, schedule),
            unreliable_store(&stack, schedule + 1_000_000),
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
            .directory()
            .users(logins.iter().map(String::as_str))
            .await
            .expect("the store");
        assert_eq!(users.len(), USERS);
        // A user is created with version 1, and every update increments it.
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_users_and_cleared_values_are_counted_once_although_responses_are_lost() {
    let stack = Stack::start(StackOptions::default()).await;
    let stack = stack.expect("the stack starts");
    for schedule in 100..103 {
        let stored = json!({"a": true, "c": "Kyiv"});
        import(&stack.store, request_with(schedule, 1_000_001, &stored)).await;
        let (one, two) = (
            unreliable_store(&stack, schedule),
            unreliable_store(&stack, schedule + 1_000_000),
        );
        for (values, expected) in [
            (json!({"a": false, "c": null}), [1, 0, 1]),
            (json!({"a": true, "c": ""}), [0, 1, 0]),
        ] {
            let (one, two) = tokio::join!(
                import(&one, request_with(schedule, 1_000_001, &values)),
                import(&two, request_with(schedule, 1_000_002, &values)),
            );
            let both = one.plus(two);
            let counted = [both.blocked, both.unblocked, both.cleared];
            let users = USERS as u64;
            assert_eq!(
                counted,
                expected.map(|each| each * users),
                "schedule {schedule}"
            );
            assert_eq!(both.updated, users, "schedule {schedule}");
        }
    }
    stack.stop().await.expect("the stack stops");
}
