//! The versions of a task: one row each in the partition of the task, written with it and kept
//! forever.

use jiff::Timestamp;
use muster_core::settings::TaskSettings;
use serde::{Deserialize, Serialize};

use super::{Task, Tasks, as_json, pk};
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{self, Attributes, Key, millis};
use crate::error::StoreError;
use crate::tenant_index::sortable_number;

/// The kind of row, for errors.
const ROW: &str = "a version of a task";
/// Maximum versions read to tell what changed since one of them.
const MAX_VERSIONS_COMPARED: u16 = 100;

/// A version of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskVersion {
    /// The version number.
    pub version: u64,
    /// Time when it was stored.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// The operator who stored it; absent if it came with the setup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Names of the fields that changed with it; empty for the first version.
    pub changed: Vec<String>,
    /// Its settings.
    #[serde(with = "as_json")]
    pub settings: TaskSettings,
}

row::codec!(TaskVersion);

/// A page of versions of a task, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHistory {
    /// The versions.
    pub versions: Vec<TaskVersion>,
    /// Cursor of the next page; absent on the last page.
    pub next: Option<u64>,
}

/// Changes of a task since a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskChanges {
    /// The current version.
    pub version: u64,
    /// The versions since, the newest first.
    pub since: Vec<TaskVersion>,
    /// True if `since` is complete.
    pub complete: bool,
}

fn version_sk(version: u64) -> String {
    format!("VERSION#{}", sortable_number(version))
}

/// Builds the row of the current version of `task`; `old` is the version before.
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
    row::encode(ROW, &key, &version)
}

impl Tasks<'_> {
    /// Returns at most `limit` versions of a task of `tenant` before `after`, the newest first;
    /// `None` if the tenant has no such task.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn history(
        self,
        tenant: &str,
        id: u64,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Option<TaskHistory>, StoreError> {
        let Some(task) = self.find(tenant, id).await? else {
            return Ok(None);
        };
        let last = after.map_or(task.version, |after| after.saturating_sub(1));
        let (versions, more) = self.versions(id, 0, last, limit).await?;
        Ok(Some(TaskHistory {
            next: versions.last().map(|last| last.version).filter(|_| more),
            versions,
        }))
    }

    /// Returns the changes of a task of `tenant` since `version`; `None` if the tenant has no such
    /// task.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn changes_since(
        self,
        tenant: &str,
        id: u64,
        version: u64,
    ) -> Result<Option<TaskChanges>, StoreError> {
        let Some(task) = self.find(tenant, id).await? else {
            return Ok(None);
        };
        let (since, more) = if version < task.version {
            self.versions(id, version + 1, task.version, MAX_VERSIONS_COMPARED)
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

    /// Returns the settings of a task, of any tenant, in this version; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn settings_at(
        self,
        id: u64,
        version: u64,
    ) -> Result<Option<TaskSettings>, StoreError> {
        let key = Key::new(pk(id), version_sk(version));
        let row: Option<TaskVersion> = self.store.read_permanent_row(ROW, &key).await?;
        Ok(row.map(|version| version.settings))
    }

    /// Reads the versions from `first` to `last`, the newest first. The flag is true if more of
    /// them follow.
    async fn versions(
        self,
        id: u64,
        first: u64,
        last: u64,
        limit: u16,
    ) -> Result<(Vec<TaskVersion>, bool), StoreError> {
        let bounds = [first, last].map(|version| row::text(version_sk(version)));
        let versions =
            Condition::equals("pk", row::text(pk(id))).and(Condition::between("sk", bounds));
        let response = self
            .store
            .query(versions)
            .scan_index_forward(false)
            .limit(i32::from(limit.max(1)))
            .send_boxed()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = response.last_evaluated_key.is_some();
        let rows = response.items.unwrap_or_default().into_iter();
        let versions = rows.map(|row| row::decode(ROW, row));
        Ok((versions.collect::<Result<_, _>>()?, more))
    }
}
