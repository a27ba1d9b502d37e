//! What became of an import: the keys of the reply, and those that a run has beside them. Whether
//! it was one request or an upload makes no difference here.

use muster_core::run::Status;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::terminal::{self, counted, grouped, shown};
use crate::view::{Cell, line};

/// What became of an import.
#[derive(Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    #[serde(rename = "Status")]
    pub status: Status,
    /// What it has to say about records, where that was asked for.
    #[serde(rename = "Warnings", default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it was refused.
    #[serde(rename = "Errors", default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    #[serde(rename = "Total Lines", skip_serializing_if = "Option::is_none")]
    total_lines: Option<u64>,
    #[serde(rename = "Empty IDs", skip_serializing_if = "Option::is_none")]
    empty_ids: Option<u64>,
    #[serde(rename = "Ignored Users", skip_serializing_if = "Option::is_none")]
    ignored_users: Option<u64>,
    #[serde(rename = "Duplicated Users", skip_serializing_if = "Option::is_none")]
    duplicated_users: Option<u64>,
    /// Whether nothing was written.
    #[serde(
        rename = "Dry Run",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub dry_run: bool,
    #[serde(rename = "Created", skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(rename = "Updated", skip_serializing_if = "Option::is_none")]
    updated: Option<u64>,
    #[serde(rename = "Unchanged", skip_serializing_if = "Option::is_none")]
    unchanged: Option<u64>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_id: Option<String>,
}

impl Outcome {
    /// How a command ends that did this.
    pub fn exit(&self) -> Exit {
        match self.status {
            Status::Success => Exit::Ok,
            Status::PartialSuccess => Exit::Partial,
            Status::Failure => Exit::Failure,
        }
    }

    /// Whether it is known what was done to users.
    pub fn tells_what_was_done(&self) -> bool {
        self.created.is_some()
    }

    /// Takes over what was done to users.
    pub fn take_what_was_done(&mut self, run: &Self) {
        self.created = run.created;
        self.updated = run.updated;
        self.unchanged = run.unchanged;
    }

    /// How many records were not taken.
    pub fn not_taken(&self) -> u64 {
        [self.empty_ids, self.ignored_users, self.duplicated_users]
            .into_iter()
            .flatten()
            .sum()
    }

    /// The reasons, as they follow what was refused.
    pub fn reasons(&self) -> String {
        match self.errors.as_slice() {
            [] => ", without a reason".to_owned(),
            [only] => format!(": {}", shown(only)),
            several => several
                .iter()
                .map(|error| format!("\n- {}", shown(error)))
                .collect(),
        }
    }

    fn figures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [created, updated, unchanged] = if self.dry_run {
            ["Would create", "Would update", "Would not change"]
        } else {
            ["Created", "Updated", "Unchanged"]
        };
        [
            ("Total Lines", self.total_lines),
            ("Empty IDs", self.empty_ids),
            ("Ignored Users", self.ignored_users),
            ("Duplicated Users", self.duplicated_users),
            (created, self.created),
            (updated, self.updated),
            (unchanged, self.unchanged),
        ]
        .into_iter()
        .filter_map(|(name, figure)| Some((name, figure?)))
    }

    /// Its lines on a sheet.
    pub fn lines(self) -> Vec<(String, Cell)> {
        let mut lines = vec![line("Status", Cell::text(self.status.as_str()))];
        let figures = self.figures();
        lines.extend(figures.map(|(name, figure)| line(name, Cell::Number(figure))));
        lines.push(line("Errors", Cell::Texts(self.errors)));
        lines
    }

    /// Writes the table of figures and the warnings to standard output.
    pub fn print(&self) -> Result<(), Failure> {
        let figures = self.figures();
        let mut rows = vec![("Status", terminal::coloured(self.status))];
        rows.extend(figures.map(|(name, figure)| (name, grouped(figure))));
        let run = self.import_id.as_deref();
        rows.extend(run.map(|id| ("Import-Id", shown(id).into_owned())));
        let mut text = terminal::table(rows);
        if !self.warnings.is_empty() {
            text.push_str(&format!(
                "\n{}:\n",
                counted(self.warnings.len() as u64, "warning")
            ));
        }
        for warning in &self.warnings {
            text.push_str(&format!("{}\n", shown(warning)));
        }
        terminal::print(&text)
    }

    /// Writes it as one JSON object to standard output.
    pub fn print_json(&self) -> Result<(), Failure> {
        let json = serde_json::to_vec(self)
            .map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))?;
        terminal::print_data(&json)
    }
}
