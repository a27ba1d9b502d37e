//! The outcome of an import: the keys of Quant's reply and those of the import's status, the same
//! for an import in one request and for an upload.

use muster_core::run::Status;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::output::cell::{Cell, field};
use crate::output::escape::escaped;
use crate::output::number::{counted, grouped};
use crate::output::{stdout, summary};

/// The outcome of an import.
#[derive(Serialize, Deserialize)]
pub struct Outcome {
    /// The result in one word.
    #[serde(rename = "Status")]
    pub status: Status,
    /// Warnings about records, if requested.
    #[serde(rename = "Warnings", default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Notes about the data as a whole.
    #[serde(rename = "Notes", default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The reasons for a refusal.
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
    /// True if the import was a dry run, which writes nothing.
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
    #[serde(rename = "Renamed", skip_serializing_if = "Option::is_none")]
    renamed: Option<u64>,
    #[serde(rename = "Moved", skip_serializing_if = "Option::is_none")]
    moved: Option<u64>,
    #[serde(rename = "Blocked", skip_serializing_if = "Option::is_none")]
    blocked: Option<u64>,
    #[serde(rename = "Unblocked", skip_serializing_if = "Option::is_none")]
    unblocked: Option<u64>,
    #[serde(rename = "Cleared", skip_serializing_if = "Option::is_none")]
    cleared: Option<u64>,
    /// The id of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_id: Option<String>,
}

impl Outcome {
    /// Returns the exit code of the command.
    pub fn exit(&self) -> Exit {
        match self.status {
            Status::Success => Exit::Ok,
            Status::PartialSuccess => Exit::Partial,
            Status::Failure => Exit::Failure,
        }
    }

    /// Returns true if the numbers of created, updated and unchanged users are known.
    pub fn has_changes(&self) -> bool {
        self.created.is_some()
    }

    /// Copies the numbers of created, updated and unchanged users.
    pub fn copy_changes(&mut self, other: &Self) {
        self.created = other.created;
        self.updated = other.updated;
        self.unchanged = other.unchanged;
        self.renamed = other.renamed;
        self.moved = other.moved;
        self.blocked = other.blocked;
        self.unblocked = other.unblocked;
        self.cleared = other.cleared;
    }

    /// Returns the number of records that were rejected.
    pub fn rejected(&self) -> u64 {
        [self.empty_ids, self.ignored_users, self.duplicated_users]
            .into_iter()
            .flatten()
            .sum()
    }

    /// Formats the errors, to be appended to a message.
    pub fn reasons(&self) -> String {
        match self.errors.as_slice() {
            [] => ", no reason given".to_owned(),
            [only] => format!(": {}", escaped(only)),
            several => several
                .iter()
                .map(|error| format!("\n- {}", escaped(error)))
                .collect(),
        }
    }

    fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [
            created,
            updated,
            unchanged,
            renamed,
            moved,
            blocked,
            unblocked,
            cleared,
        ] = if self.dry_run {
            [
                "Would create",
                "Would update",
                "Would not change",
                "Would rename",
                "Ids to move",
                "Would block",
                "Would unblock",
                "Values to clear",
            ]
        } else {
            [
                "Created",
                "Updated",
                "Unchanged",
                "Renamed",
                "Ids moved",
                "Blocked",
                "Unblocked",
                "Values cleared",
            ]
        };
        [
            ("Total Lines", self.total_lines),
            ("Empty IDs", self.empty_ids),
            ("Ignored Users", self.ignored_users),
            ("Duplicated Users", self.duplicated_users),
            (created, self.created),
            (updated, self.updated),
            (unchanged, self.unchanged),
            (renamed, self.renamed),
            (moved, self.moved),
            (blocked, self.blocked),
            (unblocked, self.unblocked),
            (cleared, self.cleared),
        ]
        .into_iter()
        .filter_map(|(name, count)| Some((name, count?)))
    }

    /// Returns the fields of a detail view.
    pub fn fields(self) -> Vec<(String, Cell)> {
        let mut fields = vec![field("Status", Cell::text(self.status.as_str()))];
        let counts = self.counts();
        fields.extend(counts.map(|(name, count)| field(name, Cell::Number(count))));
        fields.push(field("Errors", self.errors));
        fields
    }

    /// Prints the summary and the warnings to standard output.
    pub fn print(&self) -> Result<(), Failure> {
        let counts = self.counts();
        let mut rows = vec![("Status", summary::coloured(self.status))];
        rows.extend(counts.map(|(name, count)| (name, grouped(count))));
        let id = self.import_id.as_deref();
        rows.extend(id.map(|id| ("Import-Id", escaped(id).into_owned())));
        let mut text = summary::table(rows);
        for (sentences, singular) in [(&self.notes, "note"), (&self.warnings, "warning")] {
            if !sentences.is_empty() {
                let number = counted(sentences.len() as u64, singular);
                text.push_str(&format!("\n{number}:\n"));
            }
            for sentence in sentences {
                text.push_str(&format!("{}\n", escaped(sentence)));
            }
        }
        stdout::print(&text)
    }
}
