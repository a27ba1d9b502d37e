//! The filters of `muster runs`.

use clap::Args;
use jiff::Timestamp;

use crate::args::{task_id, timestamp};
use crate::commands::list::filters;
use crate::http::server::Query;
use crate::output::time::rfc3339;

/// Selects runs.
#[derive(Args)]
pub struct RunFilter {
    /// Only runs of this task
    #[arg(long, value_name = "ID", value_parser = task_id, help_heading = "Filters")]
    pub task: Option<u64>,
    /// Only runs with this status, comma-separated
    #[arg(
        long,
        value_name = "STATUS",
        value_delimiter = ',',
        ignore_case = true,
        value_parser = ["success", "partial_success", "failure", "running"],
        help_heading = "Filters"
    )]
    pub status: Vec<String>,
    /// Only runs started at or after this time: 2h, 7d, 2026-11-01 or 2026-11-01T08:30:00Z
    #[arg(long, value_name = "WHEN", value_parser = timestamp, help_heading = "Filters")]
    pub since: Option<Timestamp>,
    /// Only runs started before this time
    #[arg(long, value_name = "WHEN", value_parser = timestamp, help_heading = "Filters")]
    pub until: Option<Timestamp>,
    /// Only runs with this text in robot, task title, errors or id
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    pub text: Option<String>,
}

impl RunFilter {
    /// Returns the query of the list.
    pub fn query(self) -> Query {
        filters([
            ("task", self.task.map(|task| task.to_string())),
            ("status", statuses(&self.status)),
            ("from", self.since.map(rfc3339)),
            ("to", self.until.map(rfc3339)),
            ("text", self.text),
        ])
    }
}

/// Returns the statuses as the server spells them.
fn statuses(names: &[String]) -> Option<String> {
    let names: Vec<String> = names
        .iter()
        .map(|name| match name.to_lowercase().as_str() {
            "running" => "running".to_owned(),
            name => name.to_uppercase(),
        })
        .collect();
    (!names.is_empty()).then(|| names.join(","))
}
