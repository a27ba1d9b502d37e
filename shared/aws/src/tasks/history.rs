//! Every version of a task, one row each beside the task's own, written with it and kept for ever.

use jiff::Timestamp;
use muster_core::settings::TaskSettings;
use serde::{Deserialize, Serialize};

use super::{Task, as_json, pk};
use crate::lists::number;
use crate::row::{self, Attributes, Key, millis};
use crate::{Store, StoreError};

const WHAT: &str = "a version of a task";
/// Versions that are looked at to tell what changed since one.
const LOOKED_AT: u16 = 100;

/// A task as it was stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskVersion {
    /// Its version.
    pub version: u64,
    /// When it was stored.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// The operator who stored it; absent: it was there from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The fields that changed with it, by name; none for the first.
    pub changed: Vec<String>,
    /// Its settings.
    #[serde(with = "as_json")]
    pub settings: TaskSettings,
}

/// Some versions of a task, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHistory {
    /// The versions.
    pub versions: Vec<TaskVersion>,
    /// Behind which version the next page begins; absent: this was the last one.
    pub next: Option<u64>,
}

/// What became of a task since a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskChanges {
    /// The version it has now.
    pub version: u64,
    /// The versions since, the newest first.
    pub since: Vec<TaskVersion>,
    /// Whether these are all.
    pub complete: bool,
}

fn version_sk(version: u64) -> String {
    format!("VERSION#{}", number(version))
}

/// The row that keeps a task as it is, after it was `old`.
pub(super) fn row(task: &Task, old: Option<&Task>) -> Result<Attributes, StoreError> {
    let changed = old.map(|old| task.settings.changed_from(&old.settings));
    let version = TaskVersion {
        version: task.version,
        at: task.updated_at,
        by: task.updated_by.clone(),
        changed: changed
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        settings: task.settings.clone(),
    };
    let key = Key::new(pk(task.settings.id), version_sk(task.version));
    row::encode(WHAT, &key, &version)
}

impl Store {
    /// At most `limit` versions of a task of `tenant`, the newest first, those behind `after`.
    /// Absent: the tenant has no such task.
    ///
    /// # Errors
    /// What the store says.
    pub async fn task_history(
        &self,
        tenant: &str,
        id: u64,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Option<TaskHistory>, StoreError> {
        let Some(task) = self.find_task(tenant, id).await? else {
            return Ok(None);
        };
        let last = after.map_or(task.version, |after| after.saturating_sub(1));
        let (versions, more) = self.versions(id, 0, last, limit).await?;
        Ok(Some(TaskHistory {
            next: versions.last().map(|last| last.version).filter(|_| more),
            versions,
        }))
    }

    /// What became of a task of `tenant` since `version`. Absent: the tenant has no such task.
    ///
    /// # Errors
    /// What the store says.
    pub async fn task_changes(
        &self,
        tenant: &str,
        id: u64,
        version: u64,
    ) -> Result<Option<TaskChanges>, StoreError> {
        let Some(task) = self.find_task(tenant, id).await? else {
            return Ok(None);
        };
        let (since, more) = if version < task.version {
            self.versions(id, version + 1, task.version, LOOKED_AT)
                .await?
        } else {
            (Vec::new(), false)
        };
        Ok(Some(TaskChanges {
            version: task.version,
            complete: !more,
            since,
        }))
    }

    /// The settings that a task had in this version, whosoever it is. Absent: there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn settings_of(
        &self,
        id: u64,
        version: u64,
    ) -> Result<Option<TaskSettings>, StoreError> {
        let key = Key::new(pk(id), version_sk(version));
        let row: Option<TaskVersion> = self.read_lasting_row(WHAT, &key).await?;
        Ok(row.map(|version| version.settings))
    }

    /// Versions from `first` to `last`, the newest first, and whether there are more of them.
    async fn versions(
        &self,
        id: u64,
        first: u64,
        last: u64,
        limit: u16,
    ) -> Result<(Vec<TaskVersion>, bool), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.tables.control)
            .key_condition_expression("pk = :task AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":task", row::text(pk(id)))
            .expression_attribute_values(":first", row::text(version_sk(first)))
            .expression_attribute_values(":last", row::text(version_sk(last)))
            .scan_index_forward(false)
            .limit(i32::from(limit.max(1)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = answer.last_evaluated_key.is_some();
        let rows = answer.items.unwrap_or_default().into_iter();
        let versions = rows.map(|row| row::decode(WHAT, row));
        Ok((versions.collect::<Result<_, _>>()?, more))
    }
}
