//! The cost of external ids that move within a request.

use std::time::{Duration, Instant};

use muster_aws::tasks::Task;
use muster_core::run::Counts;
use muster_core::settings::{ExternalIdConflicts, SafetyThreshold};
use muster_import::{Deadline, ImportRequest, ImportResult, RunOutcome, Times, import};
use muster_tests::interceptor::Service;

use super::{API_MEMORY_MB, MeteredStack};

/// Maximum users of a request.
const MOVED_USERS: u64 = 10_000;
/// Time of a request: it must not be handed over.
const LONG: Duration = Duration::from_secs(3_600);

impl MeteredStack {
    /// Prints the charges of requests whose external ids are shifted by one row, and exchanged in pairs,
    /// next to those of one that changes as many users.
    pub(super) async fn moved_ids(&self, users: u64) {
        let users = users.min(MOVED_USERS);
        let mut task = self.task.clone();
        task.settings.external_id_conflicts = Some(ExternalIdConflicts::Apply);
        task.settings.safety_threshold = Some(SafetyThreshold::default());
        println!(
            "\n{users} users of one request\n{:<18} {:>10} {:>10} {:>10} {:>10} {:>8}",
            "", "RRU a user", "WRU a user", "requests", "moved", "time"
        );
        let record = |number: u64, id: u64, city: &str| {
            serde_json::json!({"Username": format!("moved{number}"), "Role": "catman",
                "E-mail": format!("moved{number}@example.com"), "External ID": format!("moved{id}"),
                "Name": city})
        };
        let all = |id: &dyn Fn(u64) -> u64, city: &str| -> serde_json::Value {
            (0..users)
                .map(|number| record(number, id(number), city))
                .collect()
        };
        let mut plain = None;
        for (what, body) in [
            ("new", all(&|number| number, "a")),
            ("changed", all(&|number| number, "b")),
            ("ids shifted", all(&|number| number + 1, "b")),
            (
                "ids in pairs",
                all(&|number| ((number + 1) ^ 1).min(users), "b"),
            ),
            (
                "unchanged",
                all(&|number| ((number + 1) ^ 1).min(users), "b"),
            ),
        ] {
            drop(self.meter.take());
            let began = Instant::now();
            let counts = self.import_at_once(&task, &body).await;
            let charges = self.charged("imports", 1, began, API_MEMORY_MB, 0);
            let each = users as f64;
            let time = charges.duration.as_secs_f64();
            if what == "changed" {
                plain = Some(time);
            }
            println!(
                "{what:<18} {:>10.2} {:>10.2} {:>10} {:>10} {:>8.2}",
                charges.reads() / each,
                charges.writes() / each,
                charges.bill.requests(Service::DynamoDb, |_| true),
                counts.moved,
                time / plain.unwrap_or(time),
            );
        }
        println!("(time as a multiple of `changed`)");
    }

    /// Imports a body within one request.
    async fn import_at_once(&self, task: &Task, body: &serde_json::Value) -> Counts {
        let request = ImportRequest {
            tenant: task.tenant.clone(),
            robot: "robot".to_owned(),
            task: task.settings.clone(),
            settings_version: task.version,
            body: body.to_string().into(),
            debug: false,
            dry_run: false,
            override_threshold: false,
            key: None,
        };
        let deadline = Deadline::start(Times {
            stop_after: LONG,
            give_up_after: LONG,
            sync_hold: LONG,
            ..Times::default()
        });
        let (store, background) = (&self.runner.store, &self.runner.background);
        let imported = import(store, background, deadline, request).await;
        match imported.expect("the import") {
            ImportResult::Ended {
                outcome: RunOutcome::Imported { counts, .. },
                ..
            } => counts,
            other => panic!("the import was not completed: {other:?}"),
        }
    }
}
