//! `muster items`: what a run has to say about its records.

use clap::Args;
use serde::Deserialize;

use crate::admin::{AdminArgs, Place};
use crate::commands::runs::{RunId, newest};
use crate::failure::{Exit, Failure};
use crate::view::{Cell, Limit, Listing, Row, given};

/// Show the warnings and errors of a run, record by record
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster items latest
  muster items latest --code email --limit 20
  muster items latest --login jack.woo
  muster items latest --all --output json | jq -r '.[].code' | sort | uniq -c")]
pub struct Items {
    /// The run's id, as `muster runs` shows it, or `latest`
    #[arg(value_name = "RUN", value_parser = RunId::parse)]
    run: RunId,
    /// Only this code, or all codes that begin so: `email` finds `email.malformed`
    #[arg(long, value_name = "CODE", help_heading = "Filters")]
    code: Option<String>,
    /// Only warnings, or only errors
    #[arg(long, value_name = "SEVERITY", value_parser = ["warning", "error"], help_heading = "Filters")]
    severity: Option<String>,
    /// Only this record; the first is 1
    #[arg(long, value_name = "NUMBER", help_heading = "Filters")]
    record: Option<u64>,
    /// Only this JSON key
    #[arg(long, value_name = "KEY", help_heading = "Filters")]
    key: Option<String>,
    /// Only the user with this login
    #[arg(long, value_name = "LOGIN", help_heading = "Filters")]
    login: Option<String>,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    admin: AdminArgs,
}

/// What a run has to say about a record.
#[derive(Deserialize)]
pub struct ItemView {
    record: Option<u64>,
    login: Option<String>,
    key: Option<String>,
    code: String,
    severity: String,
    message: String,
}

impl ItemView {
    /// The sentence of a warning, as a reply to an import has it.
    pub fn warning(&self) -> Option<String> {
        if self.severity != "warning" {
            return None;
        }
        let mut text = String::new();
        if let Some(record) = self.record {
            text.push_str(&format!("Record {record}"));
            if let Some(login) = &self.login {
                text.push_str(&format!(" ({login})"));
            }
            if let Some(key) = &self.key {
                text.push_str(&format!(", \"{key}\""));
            }
            text.push_str(": ");
        }
        Some(format!("{text}{} [{}]", self.message, self.code))
    }
}

impl Row for ItemView {
    const COLUMNS: &'static [&'static str] =
        &["Record", "Login", "Key", "Severity", "Code", "Message"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::maybe(self.record, Cell::Number),
            Cell::maybe(self.login, Cell::Text),
            Cell::maybe(self.key, Cell::Text),
            Cell::Text(self.severity),
            Cell::Text(self.code),
            Cell::Text(self.message),
        ]
    }
}

impl Items {
    /// Lists them.
    pub fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let run = newest(&admin, self.run)?;
        Listing {
            place: &Place::items(&run),
            query: given([
                ("code", self.code),
                ("severity", self.severity),
                ("record", self.record.map(|record| record.to_string())),
                ("key", self.key),
                ("login", self.login),
            ]),
            limit: &self.limit,
        }
        .show::<ItemView>(&admin)
    }
}
