//! `muster items`: the warnings and errors of a run.

use clap::Args;
use muster_core::item::Item;

use crate::commands::admin::AdminArgs;
use crate::commands::list::{Limit, Listing, filters};
use crate::commands::runs::selector::RunSelector;
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::output::cell::{Cell, Row};

/// Show the warnings and errors of a run, record by record
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster items latest
  muster items latest --code email --limit 20
  muster items latest --login jack.woo
  muster items latest --all --output json | jq -r '.[].code' | sort | uniq -c")]
pub struct Items {
    /// Id of the run, as shown by `muster runs`, or `latest`
    #[arg(value_name = "RUN", value_parser = RunSelector::parse)]
    run: RunSelector,
    /// Only this code, or codes below it: `email` matches `email.malformed`
    #[arg(long, value_name = "CODE", help_heading = "Filters")]
    code: Option<String>,
    /// Only notes, only warnings or only errors
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "warning", "error"], help_heading = "Filters")]
    severity: Option<String>,
    /// Only the record with this number, from 1
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

impl Row for Item {
    const COLUMNS: &'static [&'static str] = &[
        "Record", "Login", "Key", "Value", "Severity", "Code", "Message",
    ];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::maybe(self.record, Cell::Number),
            Cell::maybe(self.login, Cell::Text),
            Cell::maybe(self.key, Cell::Text),
            Cell::maybe(self.value, Cell::Text),
            Cell::text(self.severity.as_str()),
            Cell::text(self.code),
            Cell::text(self.message),
        ]
    }
}

impl Items {
    /// Lists the items.
    pub fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let run = self.run.resolve(&admin.client)?;
        Listing {
            resource: &AdminResource::items(&run),
            query: filters([
                ("code", self.code),
                ("severity", self.severity),
                ("record", self.record.map(|record| record.to_string())),
                ("key", self.key),
                ("login", self.login),
            ]),
            limit: &self.limit,
        }
        .show::<Item>(&admin)
    }
}
