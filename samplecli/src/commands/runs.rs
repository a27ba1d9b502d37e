//! `muster runs` and `muster run show`: the execution log.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use muster_core::run::{Counts, Status};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::admin::{Admin, AdminArgs, Place, Query};
use crate::commands::import::task_id;
use crate::commands::{name, watch};
use crate::failure::{Exit, Failure};
use crate::view::{Cell, Limit, Listing, Row, Sheet, given, line};
use crate::words;

/// List runs, newest first, or watch them come and go
///
/// With --watch it shows the latest runs and then each run as it begins and as it ends, a line
/// each, until Ctrl-C.
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
    filter: Filter,
    #[command(flatten)]
    limit: Limit,
    /// Go on showing runs as they begin and end, until Ctrl-C
    #[arg(long, conflicts_with_all = ["all", "until"])]
    watch: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Which runs.
#[derive(Args)]
pub struct Filter {
    /// Only this task's
    #[arg(long, value_name = "ID", value_parser = task_id, help_heading = "Filters")]
    pub task: Option<u64>,
    /// Only runs that ended so, or that are running; several between commas
    #[arg(
        long,
        value_name = "STATUS",
        value_delimiter = ',',
        ignore_case = true,
        value_parser = ["success", "partial_success", "failure", "running"],
        help_heading = "Filters"
    )]
    pub status: Vec<String>,
    /// Runs that began then or later: 2h, 7d, 2026-11-01 or 2026-11-01T08:30:00Z
    #[arg(long, value_name = "WHEN", value_parser = words::parse_moment, help_heading = "Filters")]
    pub since: Option<Timestamp>,
    /// Runs that began before that
    #[arg(long, value_name = "WHEN", value_parser = words::parse_moment, help_heading = "Filters")]
    pub until: Option<Timestamp>,
    /// Runs with this text in robot, task title, errors or id
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    pub text: Option<String>,
}

/// Look at one run
#[derive(Subcommand)]
#[command(after_help = "Examples:\n  muster run show latest")]
pub enum Run {
    Show(Show),
}

/// Show a run: its figures, its errors, and how many items of each code it has
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster run show latest
  muster run show latest --output json | jq .counts")]
pub struct Show {
    /// The run's id, as `muster runs` shows it, or `latest`
    #[arg(value_name = "RUN", value_parser = RunId::parse)]
    run: RunId,
    #[command(flatten)]
    admin: AdminArgs,
}

/// A run, as a person names it.
#[derive(Debug, Clone)]
pub enum RunId {
    /// The one that began last.
    Latest,
    /// The one with this id.
    Id(String),
}

impl RunId {
    /// Takes an id, or `latest`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        name(text)
            .map(Self::Id)
            .map_err(|_| "a run is named by its id, as `muster runs` shows it, or `latest`")
    }
}

/// The id of a run that was named.
pub fn newest(admin: &Admin, run: RunId) -> Result<String, Failure> {
    match run {
        RunId::Id(id) => Ok(id),
        RunId::Latest => {
            let query = vec![("limit", "1".to_owned())];
            let (runs, _) = admin.wait(admin.page(&Place::runs(), &query))?;
            let run = runs.first().ok_or_else(|| {
                Failure::failed("there is no run yet")
                    .next("`muster import FILE --task ID` makes one")
            })?;
            Ok(run.read::<RunView>()?.id)
        }
    }
}

/// A run as the server shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct RunView {
    pub id: String,
    task: u64,
    task_title: Option<String>,
    robot: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    duration_ms: Option<u64>,
    size: Option<u64>,
    #[serde(default)]
    dry_run: bool,
    state: String,
    status: Option<Status>,
    counts: Option<Counts>,
    #[serde(default)]
    items: BTreeMap<String, u64>,
    #[serde(default)]
    errors: Vec<String>,
}

impl RunView {
    /// The word by which runs are filtered.
    pub fn outcome(&self) -> String {
        self.status.map_or("running".to_owned(), |status| {
            status.as_str().to_lowercase()
        })
    }

    /// How it ended, or where it stands.
    fn standing(&self) -> Cell {
        let word = self
            .status
            .map_or(self.state.as_str(), |status| status.as_str());
        Cell::text(if self.dry_run {
            format!("{word} (dry run)")
        } else {
            word.to_owned()
        })
    }

    fn count(&self, figure: impl Fn(&Counts) -> u64) -> Cell {
        Cell::maybe(self.counts.as_ref(), |counts| Cell::Number(figure(counts)))
    }
}

impl Row for RunView {
    const COLUMNS: &'static [&'static str] = &[
        "Started", "Task", "Robot", "Status", "Duration", "Total", "Ignored", "Id",
    ];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Time(self.started_at),
            Cell::Id(self.task),
            Cell::text(&self.robot),
            self.standing(),
            Cell::maybe(self.duration_ms, Cell::Duration),
            self.count(|counts| counts.total),
            self.count(|counts| counts.ignored),
            Cell::text(&self.id),
        ]
    }
}

impl Sheet for RunView {
    fn lines(self) -> Vec<(String, Cell)> {
        let title = self.task_title.as_deref().unwrap_or_default();
        let items = self
            .items
            .iter()
            .map(|(code, count)| format!("{count} {code}"));
        vec![
            line("Run", Cell::text(&self.id)),
            line("Task", Cell::text(format!("{} {title}", self.task).trim())),
            line("Robot", Cell::text(&self.robot)),
            line("Status", self.standing()),
            line("Started", Cell::Time(self.started_at)),
            line("Ended", Cell::maybe(self.ended_at, Cell::Time)),
            line("Duration", Cell::maybe(self.duration_ms, Cell::Duration)),
            line("Bytes", Cell::maybe(self.size, Cell::Number)),
            line("Total Lines", self.count(|counts| counts.total)),
            line("Empty IDs", self.count(|counts| counts.empty)),
            line("Ignored Users", self.count(|counts| counts.ignored)),
            line("Duplicated Users", self.count(|counts| counts.duplicated)),
            line("Created", self.count(|counts| counts.created)),
            line("Updated", self.count(|counts| counts.updated)),
            line("Unchanged", self.count(|counts| counts.unchanged)),
            line("Items", Cell::Texts(items.collect())),
            line("Errors", Cell::Texts(self.errors)),
        ]
    }
}

impl Filter {
    fn query(self) -> Query {
        given([
            ("task", self.task.map(|task| task.to_string())),
            ("status", statuses(&self.status)),
            ("from", self.since.map(words::rfc3339)),
            ("to", self.until.map(words::rfc3339)),
            ("text", self.text),
        ])
    }
}

/// The statuses as the server spells them.
fn statuses(words: &[String]) -> Option<String> {
    let spelt = words.iter().map(|word| match word.to_lowercase().as_str() {
        "running" => "running".to_owned(),
        word => word.to_uppercase(),
    });
    (!words.is_empty()).then(|| spelt.collect::<Vec<_>>().join(","))
}

impl Runs {
    /// Lists or watches.
    pub fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        if self.watch {
            return watch::runs(&admin, self.filter, self.limit.given());
        }
        Listing {
            place: &Place::runs(),
            query: self.filter.query(),
            limit: &self.limit,
        }
        .show::<RunView>(&admin)
    }
}

impl Run {
    /// Does it.
    pub fn run(self) -> Result<Exit, Failure> {
        let Self::Show(Show { run, admin }) = self;
        let admin = admin.open()?;
        let run = newest(&admin, run)?;
        admin.show::<RunView>(&admin.get(&Place::run(&run))?)
    }
}
