//! Import tasks and their versions.

use jiff::Timestamp;
use muster_core::settings::TaskSettings;
use serde::{Deserialize, Serialize};

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Task))]
pub struct TaskResponse {
    /// The task's id, as in the import's URL.
    #[cfg_attr(feature = "openapi", schema(example = 206))]
    pub id: u64,
    /// Number of times that the task was saved.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub version: u64,
    /// When the task was created.
    #[serde(serialize_with = "crate::time::millis")]
    pub created_at: Timestamp,
    /// When the task was last saved.
    #[serde(serialize_with = "crate::time::millis")]
    pub updated_at: Timestamp,
    /// Name of the operator who created the task; null if it came with the deployment.
    #[cfg_attr(feature = "openapi", schema(required, example = "anna"))]
    pub created_by: Option<String>,
    /// Name of the operator who last saved the task; null if none did.
    #[cfg_attr(feature = "openapi", schema(required, example = "anna"))]
    pub updated_by: Option<String>,
    /// The task's settings.
    pub settings: TaskSettings,
}

/// A version of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TaskVersion))]
pub struct TaskVersionResponse {
    /// The version.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub version: u64,
    /// When the version was saved.
    #[serde(serialize_with = "crate::time::millis")]
    pub at: Timestamp,
    /// Name of the operator who saved the version; null if it came with the deployment.
    #[cfg_attr(feature = "openapi", schema(required, example = "anna"))]
    pub by: Option<String>,
    /// Names of the settings that changed in this version; empty for the first version.
    #[cfg_attr(
        feature = "openapi",
        schema(example = json!(["enabled", "role_mapping"]))
    )]
    pub changed: Vec<String>,
    /// All settings of this version.
    pub settings: TaskSettings,
}

/// A new task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewTask))]
pub struct CreateTaskRequest {
    /// Settings without an `id`: the service assigns it.
    pub settings: TaskSettings,
}

/// New settings of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TaskChange))]
pub struct ReplaceTaskRequest {
    /// The version that the change is based on.
    pub version: u64,
    /// All settings. Absent settings get their defaults, but `identify_by`, `external_id_conflicts`,
    /// `safety_threshold` and `undo_days`, which keep their values.
    pub settings: TaskSettings,
}

/// Options for copying a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TaskCopy))]
pub struct CopyTaskRequest {
    /// Title of the copy; `Copy of …` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}
