//! A run, as the API of imports shows it.

use jiff::Timestamp;
use serde::Deserialize;

use crate::imports::Outcome;
use crate::view::{Cell, Sheet, line};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its parts are being sent.
    Uploading,
    /// All is there; nobody has begun with it.
    Queued,
    /// Its records are being read.
    Checking,
    /// What it will do is being found out.
    Planning,
    /// Its records are being written.
    Applying,
    /// It was cancelled, or given up; what was begun is brought to an end.
    Stopping,
    /// It has ended.
    Finished,
    /// It was ended.
    Cancelled,
    /// One that this client does not know.
    #[serde(other)]
    Other,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Checking => "checking",
            Self::Planning => "planning",
            Self::Applying => "applying",
            Self::Stopping => "stopping",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Other => "running",
        }
    }

    /// Whether it is over.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Finished | Self::Cancelled => true,
            Self::Uploading
            | Self::Queued
            | Self::Checking
            | Self::Planning
            | Self::Applying
            | Self::Stopping
            | Self::Other => false,
        }
    }
}

/// A run as the server shows it.
#[derive(Deserialize)]
pub struct ImportView {
    /// Its id.
    pub import_id: String,
    /// The task.
    pub task: u64,
    /// Where it stands.
    pub state: State,
    /// Whether it writes nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// The bytes of the upload, as sent.
    pub size: Option<u64>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
    /// Records a second.
    pub rate: Option<f64>,
    /// When it will have ended, as it looks.
    pub eta_seconds: Option<f64>,
    /// What became of it, once it has ended.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
}

/// How far a run is: what is not known is left out.
#[derive(Default, Deserialize)]
pub struct Progress {
    /// Bytes that were sent, or read.
    pub bytes: Option<u64>,
    /// All of them.
    pub bytes_total: Option<u64>,
    /// Records that were found, or written.
    pub records: Option<u64>,
    /// All of them.
    pub records_total: Option<u64>,
}

impl Sheet for ImportView {
    fn lines(self) -> Vec<(String, Cell)> {
        let Progress {
            bytes,
            bytes_total,
            records,
            records_total,
        } = self.progress;
        let state = self.state.as_str();
        let state = if self.dry_run {
            format!("{state} (dry run)")
        } else {
            state.to_owned()
        };
        let whole = |number: f64| Cell::Number(number.round() as u64);
        let left = |seconds: f64| Cell::Duration((seconds * 1_000.0) as u64);
        let mut lines = vec![
            line("Import", Cell::text(self.import_id)),
            line("Task", Cell::Id(self.task)),
            line("State", Cell::text(state)),
            line("Started", Cell::maybe(self.started_at, Cell::Time)),
            line("Ended", Cell::maybe(self.ended_at, Cell::Time)),
            line("Size", Cell::maybe(self.size, Cell::Number)),
        ];
        match self.outcome {
            Some(outcome) => lines.extend(outcome.lines()),
            None => lines.extend([
                line("Bytes", Cell::maybe(bytes, Cell::Number)),
                line("Bytes in all", Cell::maybe(bytes_total, Cell::Number)),
                line("Records", Cell::maybe(records, Cell::Number)),
                line("Records in all", Cell::maybe(records_total, Cell::Number)),
                line("Records a second", Cell::maybe(self.rate, whole)),
                line("Time left", Cell::maybe(self.eta_seconds, left)),
            ]),
        }
        lines
    }
}
