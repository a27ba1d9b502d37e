//! Files with the settings of a task, in the names of the API.

use std::fs;
use std::path::Path;

use muster_core::settings::{FieldProblem, TaskSettings};

use crate::failure::Failure;

/// The settings in a file; whether they are right is not looked at.
pub fn read(path: &Path) -> Result<TaskSettings, Failure> {
    let name = path.display();
    let text = fs::read(path)
        .map_err(|error| Failure::failed(format!("cannot read the settings {name}: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::failed(format!(
            "{name} does not hold the settings of a task: {error}"
        ))
    })
}

/// What is wrong, and below it why, problem by problem.
pub fn refused(what: &str, problems: &[FieldProblem]) -> Failure {
    let lines: String = problems
        .iter()
        .map(|problem| format!("\n- {problem}"))
        .collect();
    Failure::failed(format!("{what}:{lines}"))
}
