//! The error for a change that is based on an older version of a task: who changed what since.

use std::collections::BTreeMap;

use muster_api::FieldError;
use muster_aws::Store;
use muster_aws::auth::operators::Operator;
use muster_aws::tasks::{TaskChanges, TaskVersion};
use muster_web::http::StatusCode;
use muster_web::{ApiError, ProblemResponse};

use crate::errors::not_found;

/// Maximum changes that the message names.
const MAX_NAMED_CHANGES: usize = 10;

/// Returns the 409 error for a change that is based on `version`.
pub(super) async fn error(
    store: &Store,
    operator: &Operator,
    id: u64,
    version: u64,
) -> Result<ApiError, ApiError> {
    let changes = store
        .tasks()
        .changes_since(&operator.tenant, id, version)
        .await?;
    Ok(changes.map_or_else(not_found, |changes| problem(version, &changes).into()))
}

fn problem(requested: u64, changes: &TaskChanges) -> ProblemResponse {
    let TaskChanges {
        version,
        since,
        complete,
    } = changes;
    let named = since.iter().take(MAX_NAMED_CHANGES);
    let mut named: Vec<String> = named.map(sentence).collect();
    if since.len() > MAX_NAMED_CHANGES || !complete {
        named.push("earlier changes are in the task's history".to_owned());
    }
    let named = if named.is_empty() {
        String::new()
    } else {
        format!(" (newest first: {})", named.join("; "))
    };
    let detail = format!(
        "nothing was changed: the task is at version {version}, but the request is based on \
         version {requested}{named}; read the task again and repeat the change"
    );
    ProblemResponse::new(StatusCode::CONFLICT, detail).with_errors(errors(since))
}

fn sentence(version: &TaskVersion) -> String {
    format!("{} changed {}", author(version), version.changed.join(", "))
}

/// Returns the author of a version, and when it was saved.
fn author(version: &TaskVersion) -> String {
    let by = version.by.as_deref().unwrap_or("the set-up");
    format!("{by} at {:.3}", version.at)
}

/// Returns each changed field with its last change.
fn errors(since: &[TaskVersion]) -> Vec<FieldError> {
    let mut last: BTreeMap<&str, &TaskVersion> = BTreeMap::new();
    for version in since {
        for field in &version.changed {
            last.entry(field).or_insert(version);
        }
    }
    last.into_iter()
        .map(|(field, version)| FieldError::new(field, format!("changed by {}", author(version))))
        .collect()
}
