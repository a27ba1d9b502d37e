//! JSON files with the settings of a task.

use std::fs;
use std::path::Path;

use muster_core::settings::{FieldProblem, TaskSettings};

use crate::failure::Failure;

/// Reads settings from a file, without checking them.
pub fn read(path: &Path) -> Result<TaskSettings, Failure> {
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    serde_json::from_slice(&text).map_err(|error| invalid(path, &error))
}

/// Returns the failure for a file that cannot be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!(
        "cannot read the settings {}: {error}",
        path.display()
    ))
}

/// Returns the failure for a file without settings.
pub fn invalid(path: &Path, error: &serde_json::Error) -> Failure {
    Failure::failed(format!("invalid settings in {}: {error}", path.display()))
        .hint("for an example see `muster task show ID --output json | jq .settings`")
}

/// Returns a failure with one line per problem.
pub fn refused(message: &str, problems: &[FieldProblem]) -> Failure {
    let lines: String = problems
        .iter()
        .map(|problem| format!("\n- {problem}"))
        .collect();
    Failure::failed(format!("{message}:{lines}"))
}
