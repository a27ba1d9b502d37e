//! Import tasks: their settings, checked before they are stored and listed by tenant, with every
//! version kept. A task belongs to one tenant; a caller that reads a task by number alone must
//! compare its tenant with its own.

use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};
use serde::{Deserialize, Serialize};

mod check;
mod history;
mod list;
mod save;

use crate::dynamodb::row::{self, Attributes, Key, millis};
use crate::error::StoreError;
use crate::store::Store;

pub(crate) use check::set_up_problems;
pub use history::{TaskChanges, TaskHistory, TaskVersion};
pub use list::{TaskFilter, TaskPage};
pub(crate) use save::set_up_rows;

/// The kind of row, for errors.
const ROW: &str = "a task";
/// The value of the counter before the first task id is taken.
const BEFORE_FIRST_TASK_ID: u64 = 205;

/// A stored task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The tenant it belongs to.
    pub tenant: String,
    /// Its settings; `settings.id` is the task's number.
    #[serde(with = "as_json")]
    pub settings: TaskSettings,
    /// Number of times the settings were stored.
    pub version: u64,
    /// Time when the settings were stored first.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// Time when the settings were stored last.
    #[serde(with = "millis")]
    pub updated_at: Timestamp,
    /// The operator who created the task; absent if it came with the setup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The operator who stored the settings last; absent if it was the setup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

row::codec!(Task);

/// Outcome of storing a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutTaskOutcome {
    /// The stored task; its version is the old one if nothing changed.
    Stored(Box<Task>),
    /// The settings are invalid; nothing is stored.
    Refused(Vec<FieldProblem>),
    /// Someone else stored or created the task meanwhile; nothing is stored.
    Changed,
    /// The tenant has no such task.
    Missing,
}

/// Serde: settings as JSON text. DynamoDB refuses an empty name within a map, which a role mapping
/// may contain.
mod as_json {
    use muster_core::settings::TaskSettings;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(
        settings: &TaskSettings,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let json = serde_json::to_string(settings).map_err(ser::Error::custom)?;
        to.serialize_str(&json)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<TaskSettings, D::Error> {
        let json = String::deserialize(from)?;
        let mut settings: TaskSettings = serde_json::from_str(&json).map_err(de::Error::custom)?;
        // Of a setting that was added later, everybody sees the value that is in effect.
        settings.complete(Some(&settings.clone()));
        Ok(settings)
    }
}

fn pk(id: u64) -> String {
    format!("TASK#{id}")
}

fn key(id: u64) -> Key {
    Key::new(pk(id), "TASK")
}

impl Task {
    /// Returns a new task with the number in its settings.
    pub(crate) fn new(
        tenant: &str,
        settings: TaskSettings,
        by: Option<&str>,
        now: Timestamp,
    ) -> Self {
        Self {
            tenant: tenant.to_owned(),
            settings,
            version: 1,
            created_at: row::whole_millis(now),
            updated_at: row::whole_millis(now),
            created_by: by.map(str::to_owned),
            updated_by: by.map(str::to_owned),
        }
    }

    fn row(&self) -> Result<Attributes, StoreError> {
        row::encode(ROW, &key(self.settings.id), self)
    }
}

/// Handle of the tasks of all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Tasks<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of tasks.
    #[must_use]
    pub const fn tasks(&self) -> Tasks<'_> {
        Tasks { store: self }
    }
}

impl Tasks<'_> {
    /// Returns the task with this number, of any tenant.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(self, id: u64) -> Result<Option<Task>, StoreError> {
        self.store.read_permanent_row(ROW, &key(id)).await
    }

    /// Returns the task of `tenant` with this number.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn find(self, tenant: &str, id: u64) -> Result<Option<Task>, StoreError> {
        let task = self.get(id).await?;
        Ok(task.filter(|task| task.tenant == tenant))
    }

    /// Returns the title of a task of `tenant`; `None` if there is no such task.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn title(self, tenant: &str, id: u64) -> Result<Option<String>, StoreError> {
        let task = self.find(tenant, id).await?;
        Ok(task.map(|task| task.settings.title))
    }

    /// Takes the next task id. The first id is 206.
    ///
    /// # Errors
    /// Returns an error if the store request fails; an id may then be lost.
    pub async fn next_id(self) -> Result<u64, StoreError> {
        self.store.count_up("tasks", BEFORE_FIRST_TASK_ID, 1).await
    }
}
