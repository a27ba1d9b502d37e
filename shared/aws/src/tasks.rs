//! Import tasks: their settings, checked before they are stored. A task belongs to one tenant;
//! whoever reads it compares that with the tenant of the caller.

use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};
use serde::{Deserialize, Serialize};

use crate::row::{self, Attributes, Key, millis};
use crate::{Store, StoreError};

/// Bytes of the settings as JSON; a row ends at 400 KB.
const LARGEST: usize = 300_000;

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
}

/// What became of a task that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutTask {
    /// It is stored like this.
    Stored(Box<Task>),
    /// The settings are wrong; nothing is stored.
    Refused(Vec<FieldProblem>),
    /// Somebody else stored it in between (or made it, or it was never there); nothing is stored.
    Changed,
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

fn key(id: u64) -> Key {
    Key::new(format!("TASK#{id}"), "TASK")
}

impl Task {
    /// A new one with the number in its settings.
    pub(crate) fn new(tenant: &str, settings: TaskSettings, now: Timestamp) -> Self {
        Self {
            tenant: tenant.to_owned(),
            settings,
            version: 1,
            created_at: row::whole_millis(now),
            updated_at: row::whole_millis(now),
        }
    }

    pub(crate) fn row(&self) -> Result<Attributes, StoreError> {
        row::encode("a task", &key(self.settings.id), self)
    }
}

/// What keeps settings from being stored.
pub(crate) fn problems(settings: &TaskSettings) -> Vec<FieldProblem> {
    let mut problems = settings.check().err().unwrap_or_default();
    let bytes = serde_json::to_string(settings).map_or(0, |json| json.len());
    if bytes > LARGEST {
        problems.push(FieldProblem {
            field: "settings".to_owned(),
            message: format!("all settings together take {bytes} bytes; {LARGEST} fit"),
        });
    }
    problems
}

impl Store {
    /// Stores the settings of task `settings.id` of `tenant`. `replaces` is the version that the
    /// caller has seen; `None` makes a new task (take its id from [`Store::next_task_id`]).
    ///
    /// # Errors
    /// What the store says.
    pub async fn put_task(
        &self,
        tenant: &str,
        settings: TaskSettings,
        replaces: Option<u64>,
        now: Timestamp,
    ) -> Result<PutTask, StoreError> {
        let problems = problems(&settings);
        if !problems.is_empty() {
            return Ok(PutTask::Refused(problems));
        }
        let mut task = Task::new(tenant, settings, now);
        let stored = if let Some(version) = replaces {
            let old = self.get_task(task.settings.id).await?;
            let Some(old) = old.filter(|old| old.tenant == tenant && old.version == version) else {
                return Ok(PutTask::Changed);
            };
            task.version = version.saturating_add(1);
            task.created_at = old.created_at;
            self.put_if(
                task.row()?,
                "#tenant = :tenant AND #version = :version",
                [("#tenant", "tenant"), ("#version", "version")],
                [
                    (":tenant", row::text(tenant)),
                    (":version", row::number(version)),
                ],
            )
            .await?
        } else {
            self.put_if_absent(task.row()?).await?
        };
        Ok(if stored {
            PutTask::Stored(Box::new(task))
        } else {
            PutTask::Changed
        })
    }

    /// The task with this number, whosoever it is.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_task(&self, id: u64) -> Result<Option<Task>, StoreError> {
        self.read_lasting_row("a task", &key(id)).await
    }
}
