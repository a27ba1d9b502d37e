//! The task of a run: its rules, and how long a client waits while another run holds its lock.

use jiff::Timestamp;
use muster_aws::runs::task_lock::LockKind;
use muster_core::rules::Rules;
use muster_core::settings::TaskSettings;

/// Seconds that a client waits for a background run, whose duration is unknown.
pub(crate) const BACKGROUND_RETRY_AFTER_SECONDS: u64 = 60;

/// Returns the rules of a task, or, for the client, why it cannot run.
pub(crate) fn rules(task: &TaskSettings) -> Result<Rules, Vec<String>> {
    if !task.enabled {
        return Err(vec![format!(
            "the task {} is disabled: enable it in its settings, then send the data again",
            task.id
        )]);
    }
    Rules::new(task).map_err(|problems| {
        let problems = problems.iter();
        problems
            .map(|problem| format!("the settings of task {} are incomplete: {problem}", task.id))
            .collect()
    })
}

/// Returns the seconds that a client is told to wait while another run holds the task lock.
pub(crate) fn retry_after(
    task: &TaskSettings,
    kind: LockKind,
    until: Option<Timestamp>,
    now: Timestamp,
) -> u64 {
    if let Some(seconds) = task.retry_after_seconds {
        return u64::from(seconds);
    }
    match kind {
        LockKind::Background => BACKGROUND_RETRY_AFTER_SECONDS,
        LockKind::Sync => {
            let left = until.map_or(0, |until| until.as_millisecond() - now.as_millisecond());
            u64::try_from(left).unwrap_or(0).div_ceil(1_000).max(1)
        }
    }
}
