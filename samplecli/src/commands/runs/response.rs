//! Runs as they are shown.

use muster_api::RunResponse;
use muster_core::run::Counts;

use crate::output::cell::{Cell, DetailView, Row, field};

/// Returns the status of a run that has ended, or its state.
fn status(run: &RunResponse) -> Cell {
    let name = match &run.status {
        Some(status) => status.as_str(),
        None => run.state.as_str(),
    };
    Cell::text(if run.dry_run {
        format!("{name} (dry run)")
    } else {
        name.to_owned()
    })
}

fn count(run: &RunResponse, count: impl Fn(&Counts) -> u64) -> Cell {
    Cell::maybe(run.counts.as_ref(), |counts| Cell::Number(count(counts)))
}

impl Row for RunResponse {
    const COLUMNS: &'static [&'static str] = &[
        "Started", "Task", "Robot", "Status", "Duration", "Total", "Ignored", "Id",
    ];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Time(self.started_at),
            Cell::Id(self.task),
            Cell::text(&self.robot),
            status(&self),
            Cell::maybe(self.duration_ms, Cell::Duration),
            count(&self, |counts| counts.total),
            count(&self, |counts| counts.ignored),
            Cell::Text(self.id),
        ]
    }
}

impl DetailView for RunResponse {
    fn fields(self) -> Vec<(String, Cell)> {
        let title = self.task_title.as_deref().unwrap_or_default();
        let items = self
            .items
            .iter()
            .map(|(code, count)| format!("{count} {code}"));
        vec![
            field("Run", Cell::text(&self.id)),
            field("Task", Cell::text(format!("{} {title}", self.task).trim())),
            field("Robot", Cell::text(&self.robot)),
            field("Status", status(&self)),
            field(
                "Threshold",
                Cell::maybe(
                    self.threshold_overridden.then_some("overridden"),
                    Cell::text,
                ),
            ),
            field("Started", self.started_at),
            field("Ended", self.ended_at),
            field("Duration", Cell::maybe(self.duration_ms, Cell::Duration)),
            field("Bytes", Cell::Number(self.size)),
            field("Total Lines", count(&self, |counts| counts.total)),
            field("Empty IDs", count(&self, |counts| counts.empty)),
            field("Ignored Users", count(&self, |counts| counts.ignored)),
            field("Duplicated Users", count(&self, |counts| counts.duplicated)),
            field("Created", count(&self, |counts| counts.created)),
            field("Updated", count(&self, |counts| counts.updated)),
            field("Unchanged", count(&self, |counts| counts.unchanged)),
            field("Renamed", count(&self, |counts| counts.renamed)),
            field("Ids moved", count(&self, |counts| counts.moved)),
            field("Blocked", count(&self, |counts| counts.blocked)),
            field("Unblocked", count(&self, |counts| counts.unblocked)),
            field("Values cleared", count(&self, |counts| counts.cleared)),
            field("Values kept until", self.undo_until),
            field("Items", Cell::Texts(items.collect())),
            field("Errors", self.errors),
        ]
    }
}
