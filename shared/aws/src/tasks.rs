//! Import tasks: their settings, checked before they are stored, listed by tenant, every version
//! kept. A task belongs to one tenant; whoever reads it without naming that compares it with the
//! tenant of the caller.

use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};
use serde::{Deserialize, Serialize};

use crate::row::{self, Attributes, Key, millis};
use crate::{Store, StoreError};

mod check;
mod history;
mod list;
mod save;

pub(crate) use check::set_up_problems;
pub use history::{TaskChanges, TaskHistory, TaskVersion};
pub use list::{TaskFilter, TaskPage};
pub(crate) use save::set_up_rows;

const WHAT: &str = "a task";
/// A stored task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The tenant it belongs to.
    pub tenant: String,
    /// Its settings; `settings.id` is the task's number.
    #[serde(with = "as_json")]
    pub settings: TaskSettings,
    /// How often the settings were stored.
    pub version: u64,
    /// When they were stored first.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When they were stored last.
    #[serde(with = "millis")]
    pub updated_at: Timestamp,
    /// The operator who made it; absent: it was there from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The operator who stored it last; absent: none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// What became of a task that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutTask {
    /// It is stored like this; its version is the old one where nothing changed.
    Stored(Box<Task>),
    /// The settings are wrong; nothing is stored.
    Refused(Vec<FieldProblem>),
    /// Somebody else stored it in between (or made it); nothing is stored.
    Changed,
    /// The tenant has no such task.
    Missing,
}

/// Serde: settings as JSON text. DynamoDB refuses an empty name within a map, which a role mapping
/// may hold.
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
        serde_json::from_str(&json).map_err(de::Error::custom)
    }
}

fn pk(id: u64) -> String {
    format!("TASK#{id}")
}

fn key(id: u64) -> Key {
    Key::new(pk(id), "TASK")
}

impl Task {
    /// A new one with the number in its settings.
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
        row::encode(WHAT, &key(self.settings.id), self)
    }
}

impl Store {
    /// The task with this number, whosoever it is.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_task(&self, id: u64) -> Result<Option<Task>, StoreError> {
        self.read_lasting_row(WHAT, &key(id)).await
    }

    /// The task of `tenant` with this number.
    ///
    /// # Errors
    /// What the store says.
    pub async fn find_task(&self, tenant: &str, id: u64) -> Result<Option<Task>, StoreError> {
        let task = self.get_task(id).await?;
        Ok(task.filter(|task| task.tenant == tenant))
    }
}
