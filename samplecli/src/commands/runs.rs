//! `muster runs` and `muster run show`: the execution log.

pub mod filter;
mod response;
pub mod selector;
mod watch;

use clap::{Args, Subcommand};
use muster_api::RunResponse;

use self::filter::RunFilter;
use self::selector::RunSelector;
use crate::commands::admin::AdminArgs;
use crate::commands::list::{Limit, Listing};
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;

/// List runs, newest first, or watch them start and end
///
/// With --watch, shows the latest runs and then a line for each run that starts or ends, until
/// Ctrl-C.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster runs
  muster runs --task 206 --status failure --since 7d
  muster runs --since 2026-11-01 --until 2026-11-08 --all
  muster runs --watch
  muster runs --output json | jq -r '.[] | select(.counts.ignored > 0) | .id'")]
pub struct Runs {
    #[command(flatten)]
    filter: RunFilter,
    #[command(flatten)]
    limit: Limit,
    /// Keep showing runs as they start and end, until Ctrl-C
    #[arg(long, conflicts_with_all = ["all", "until"])]
    watch: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Show one run
#[derive(Subcommand)]
#[command(after_help = "Examples:\n  muster run show latest")]
pub enum Run {
    Show(Show),
}

/// Show the counters and errors of a run, and the number of items of each code
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster run show latest
  muster run show latest --output json | jq .counts")]
pub struct Show {
    /// Id of the run, as shown by `muster runs`, or `latest`
    #[arg(value_name = "RUN", value_parser = RunSelector::parse)]
    run: RunSelector,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Runs {
    /// Lists or watches runs.
    pub fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        if self.watch {
            return watch::watch(&admin, self.filter, self.limit.given());
        }
        Listing {
            resource: &AdminResource::runs(),
            query: self.filter.query(),
            limit: &self.limit,
        }
        .show::<RunResponse>(&admin)
    }
}

impl Run {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        let Self::Show(Show { run, admin }) = self;
        let admin = admin.open()?;
        let id = run.resolve(&admin.client)?;
        admin.get_and_print::<RunResponse>(&AdminResource::run(&id))
    }
}
