//! Locks tasks as runs of other processes do, and reads the locks.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, ToSpan};
use muster_aws::runs::task_lock::Acquired;
use muster_aws::runs::{NewRun, RunId};

use crate::store::{Access, Row};
use crate::world::World;

/// The time for which a synchronous run locks its task.
const LOCK_DURATION: Duration = Duration::from_secs(60);

impl Access {
    /// Returns the keys of the lock and open-run rows of a task.
    pub async fn lock_rows(&self, task: u64) -> Vec<String> {
        self.locks_of(task)
            .await
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    }

    async fn locks_of(&self, task: u64) -> Vec<(String, Row)> {
        let number = AttributeValue::N(task.to_string());
        let lock = format!("LOCK#{task}/");
        let rows = self.control_rows(&["LOCK#", "OPEN#"]).await.into_iter();
        rows.filter(|(key, row)| {
            key.starts_with(&lock)
                || key.starts_with("OPEN#") && row.values().any(|value| *value == number)
        })
        .collect()
    }

    /// Locks a task for a run of another process. Returns the run's id.
    pub async fn lock_task(&self, w: &World, tenant: usize, task: u64) -> String {
        self.lock_since(w, tenant, task, Timestamp::now()).await
    }

    /// Locks a task for a run that died five minutes ago. Returns the run's id.
    pub async fn lock_task_for_dead_run(&self, w: &World, tenant: usize, task: u64) -> String {
        self.lock_since(w, tenant, task, Timestamp::now() - 5.minutes())
            .await
    }

    /// Locks a task for a run whose lock has expired two seconds ago. A sweep ends the run eight
    /// seconds later. Returns the run's id.
    pub async fn lock_task_for_expired_run(&self, w: &World, tenant: usize, task: u64) -> String {
        self.lock_since(
            w,
            tenant,
            task,
            Timestamp::now() - (LOCK_DURATION + Duration::from_secs(2)),
        )
        .await
    }

    /// Locks a task for [`LOCK_DURATION`] from `at`.
    async fn lock_since(&self, w: &World, tenant: usize, task: u64, at: Timestamp) -> String {
        let run = NewRun {
            id: RunId::generate(at),
            tenant: self.tenant(w, tenant).await,
            task,
            robot: w.tenants[tenant].robot.username.clone(),
            size: 2,
            dry_run: false,
            threshold_overridden: false,
            key: None,
        };
        let acquired = self
            .store
            .task_locks()
            .acquire(&run, at, LOCK_DURATION)
            .await
            .expect("locking a task");
        assert_eq!(acquired, Acquired::Locked);
        run.id.to_string()
    }

    /// Returns the keys of all lock and open-run rows.
    pub async fn all_lock_rows(&self) -> Vec<String> {
        let rows = self.control_rows(&["LOCK#", "OPEN#"]).await;
        rows.into_keys().collect()
    }

    /// Turns the lock of a task into one of a queued run, which does not expire.
    pub async fn mark_lock_background(&self, task: u64) {
        for (_, row) in self.locks_of(task).await {
            let update = self
                .store
                .client()
                .update_item()
                .table_name(&self.store.tables.control);
            let update = update
                .key("pk", row["pk"].clone())
                .key("sk", row["sk"].clone());
            // A sweep may have deleted the rows: they must not come back.
            let update = update
                .condition_expression("attribute_exists(pk)")
                .update_expression("SET kind = :queued");
            let update = update
                .expression_attribute_values(":queued", AttributeValue::S("QUEUED".to_owned()));
            update.send().await.expect("the task is still locked");
        }
    }
}
