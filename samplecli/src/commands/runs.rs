//! `muster runs`, `muster run show` and `muster run forget`: the execution log.

pub mod filter;
mod response;
pub mod selector;
mod watch;

use clap::{Args, Subcommand};
use muster_api::RunResponse;
use reqwest::Method;

use self::filter::RunFilter;
use self::selector::RunSelector;
use crate::commands::admin::AdminArgs;
use crate::commands::list::{Limit, Listing};
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::output::stderr;

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

/// Show one run, or erase what it keeps
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  muster run show latest
  muster run forget 019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")]
pub enum Run {
    Show(Show),
    Forget(Forget),
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

/// Erase the values before a run at once, so that it can never be undone
///
/// Users and log stay as they are. Repeating it changes nothing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster run forget 019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")]
pub struct Forget {
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
        match self {
            Self::Show(show) => show.run(),
            Self::Forget(forget) => forget.run(),
        }
    }
}

impl Show {
    fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let id = self.run.resolve(&admin.client)?;
        admin.get_and_print::<RunResponse>(&AdminResource::run(&id))
    }
}

impl Forget {
    fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let id = self.run.resolve(&admin.client)?;
        let resource =
            AdminResource::undo_data(&id).on_conflict("see `muster run show`, then try again");
        admin.client.call_without_body(Method::DELETE, &resource)?;
        stderr::println(&format!("the values before the run {id} are erased"));
        Ok(Exit::Ok)
    }
}
