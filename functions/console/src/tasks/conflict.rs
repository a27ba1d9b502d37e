//! The answer to whoever saves a task that others have changed since: who changed what, and when.

use std::collections::BTreeMap;

use muster_aws::Store;
use muster_aws::operators::Operator;
use muster_aws::tasks::{TaskChanges, TaskVersion};
use muster_web::http::StatusCode;
use muster_web::{FieldError, Problem};

use crate::failure::{Failure, missing};

/// Changes that the sentence names.
const NAMED: usize = 10;

/// 409 for a save of a task by somebody who has seen `version`.
pub(super) async fn answer(
    store: &Store,
    operator: &Operator,
    id: u64,
    version: u64,
) -> Result<Failure, Failure> {
    let changes = store.task_changes(&operator.tenant, id, version).await?;
    Ok(changes.map_or_else(missing, |changes| problem(version, &changes).into()))
}

fn problem(seen: u64, changes: &TaskChanges) -> Problem {
    let TaskChanges {
        version,
        since,
        complete,
    } = changes;
    let mut told: Vec<String> = since.iter().take(NAMED).map(sentence).collect();
    if since.len() > NAMED || !complete {
        told.push("earlier changes are in the task's history".to_owned());
    }
    let told = if told.is_empty() {
        String::new()
    } else {
        format!(" (newest first: {})", told.join("; "))
    };
    let detail = format!(
        "nothing was changed: the task is at version {version}, the request names version \
         {seen}{told}; read the task again and make the change to that"
    );
    Problem::new(StatusCode::CONFLICT, detail).with_errors(errors(since))
}

fn sentence(version: &TaskVersion) -> String {
    format!("{} changed {}", who(version), version.changed.join(", "))
}

/// Who made a version, and when.
fn who(version: &TaskVersion) -> String {
    let by = version.by.as_deref().unwrap_or("the set-up");
    format!("{by} at {:.3}", version.at)
}

/// Each changed field, with its last change.
fn errors(since: &[TaskVersion]) -> Vec<FieldError> {
    let mut last: BTreeMap<&str, &TaskVersion> = BTreeMap::new();
    for version in since {
        for field in &version.changed {
            last.entry(field).or_insert(version);
        }
    }
    last.into_iter()
        .map(|(field, version)| FieldError::new(field, format!("changed by {}", who(version))))
        .collect()
}
