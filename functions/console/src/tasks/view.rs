//! Tasks and their versions as the API shows them.

use jiff::Timestamp;
use muster_aws::tasks::{Task, TaskVersion};
use muster_core::settings::TaskSettings;
use serde::Serialize;
use utoipa::ToSchema;

use muster_web::time;

/// A task.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(super) struct View {
    /// Its number, which is in the import's URL.
    #[schema(example = 206)]
    id: u64,
    /// How often it was saved.
    #[schema(example = 3)]
    version: u64,
    /// When it was made.
    #[serde(serialize_with = "time::millis")]
    created_at: Timestamp,
    /// When it was saved last.
    #[serde(serialize_with = "time::millis")]
    updated_at: Timestamp,
    /// The operator who made it; null: it was there from the start.
    #[schema(required, example = "anna")]
    created_by: Option<String>,
    /// The operator who saved it last; null: none did.
    #[schema(required, example = "anna")]
    updated_by: Option<String>,
    /// Its settings.
    settings: TaskSettings,
}

/// A task as it was saved once.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskVersion)]
pub(super) struct VersionView {
    /// Its version.
    #[schema(example = 3)]
    version: u64,
    /// When it was saved.
    #[serde(serialize_with = "time::millis")]
    at: Timestamp,
    /// The operator who saved it; null: it was there from the start.
    #[schema(required, example = "anna")]
    by: Option<String>,
    /// The settings that changed with it, by name; none for the first version.
    #[schema(example = json!(["enabled", "role_mapping"]))]
    changed: Vec<String>,
    /// All settings.
    settings: TaskSettings,
}

impl From<Task> for View {
    fn from(task: Task) -> Self {
        let Task {
            tenant: _,
            settings,
            version,
            created_at,
            updated_at,
            created_by,
            updated_by,
        } = task;
        Self {
            id: settings.id,
            version,
            created_at,
            updated_at,
            created_by,
            updated_by,
            settings,
        }
    }
}

impl From<TaskVersion> for VersionView {
    fn from(version: TaskVersion) -> Self {
        let TaskVersion {
            version,
            at,
            by,
            changed,
            settings,
        } = version;
        Self {
            version,
            at,
            by,
            changed,
            settings,
        }
    }
}
