//! The status of an import.

use muster_api::{ImportProgress, ImportResponse};
use serde::Deserialize;
use serde_json::Value;

use crate::imports::outcome::Outcome;
use crate::output::cell::{Cell, DetailView, field};

/// The status of an import, with the outcome once it has ended.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub struct ImportStatus {
    /// The status.
    pub import: ImportResponse,
    /// The outcome.
    pub outcome: Option<Outcome>,
}

impl TryFrom<Value> for ImportStatus {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            import: ImportResponse::deserialize(&value)?,
            outcome: Outcome::deserialize(&value).ok(),
        })
    }
}

impl DetailView for ImportStatus {
    fn fields(self) -> Vec<(String, Cell)> {
        let import = self.import;
        let ImportProgress {
            bytes,
            bytes_total,
            records,
            records_total,
            ..
        } = import.progress;
        let state = import.state.as_str();
        let state = if import.dry_run {
            format!("{state} (dry run)")
        } else {
            state.to_owned()
        };
        let whole = |number: f64| Cell::Number(number.round() as u64);
        let seconds = |seconds: u64| Cell::Duration(seconds.saturating_mul(1_000));
        let mut fields = vec![
            field("Import", Cell::text(import.import_id)),
            field("Task", Cell::Id(import.task)),
            field("State", Cell::text(state)),
            field("Started", import.started_at),
            field("Ended", import.ended_at),
            field("Size", Cell::Number(import.size)),
        ];
        match self.outcome {
            Some(outcome) => fields.extend(outcome.fields()),
            None => fields.extend([
                field("Bytes", Cell::maybe(bytes, Cell::Number)),
                field("Bytes in total", Cell::maybe(bytes_total, Cell::Number)),
                field("Records", Cell::maybe(records, Cell::Number)),
                field("Records in total", Cell::maybe(records_total, Cell::Number)),
                field("Records/s", Cell::maybe(import.rate, whole)),
                field("Time left", Cell::maybe(import.eta_seconds, seconds)),
            ]),
        }
        fields
    }
}
