//! Runs of the execution log, as operators see them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_core::run::{Counts, State, Status};
use serde::{Deserialize, Serialize};

use crate::Extensible;

/// One run of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LoggedRun))]
pub struct RunResponse {
    /// The run's id; also in the header `Import-Id` of the import's response.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")
    )]
    pub id: String,
    /// The task's id.
    #[cfg_attr(feature = "openapi", schema(example = 206))]
    pub task: u64,
    /// Current title of the task; null if the task no longer exists.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub task_title: Option<String>,
    /// Name of the robot that started the run.
    pub robot: String,
    /// When the run started.
    #[serde(serialize_with = "crate::time::millis")]
    pub started_at: Timestamp,
    /// When the run ended; null if it has not.
    #[serde(serialize_with = "crate::time::millis_option")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_at: Option<Timestamp>,
    /// Duration in milliseconds; null if the run has not ended.
    #[cfg_attr(feature = "openapi", schema(required, minimum = 0))]
    pub duration_ms: Option<u64>,
    /// Size of the data in bytes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub size: u64,
    /// True if the run was a dry run, which writes nothing.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub dry_run: bool,
    /// True if the robot asked not to be stopped by the task's safety threshold.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub threshold_overridden: bool,
    /// State of the run.
    #[cfg_attr(feature = "openapi", schema(value_type = State))]
    pub state: Extensible<State>,
    /// Result of the run; null if it has not ended.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<Status>))]
    pub status: Option<Extensible<Status>>,
    /// Number of records by outcome; null if unknown, for example after an interruption.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub counts: Option<Counts>,
    /// Number of items by code.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, example = json!({"email.malformed": 3})))]
    pub items: BTreeMap<String, u64>,
    /// Why the run failed.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub errors: Vec<String>,
    /// Time until which the values before the run are kept, so that it can be undone later; null if
    /// none are.
    #[serde(default, serialize_with = "crate::time::millis_option")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub undo_until: Option<Timestamp>,
}
