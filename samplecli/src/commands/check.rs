//! `muster check`: reads a file with the service's own engine, offline, and says what an import
//! of it into an empty directory would answer.

use std::fs::File;
use std::io;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use muster_core::reader::{Position, ReadError, Sizes, SyntaxError};
use muster_core::rules::Rules;
use muster_core::run::Status;
use muster_core::survey::{Checked, check};
use serde::Serialize;

use crate::commands::settings;
use crate::failure::{Exit, Failure};
use crate::terminal::{self, counted, grouped, shown};

/// Check a file offline, as an import into an empty directory would
#[derive(Args)]
#[command(after_help = "\
TASK.json holds the settings of a task; `attribute_mapping` must name at least the user name:
  {\"attribute_mapping\": {\"username\": \"Username\", \"name\": \"Name\", \"role\": \"Role\",
   \"email\": \"E-mail\"}, \"role_mapping\": {\"catman\": \"Category Manager\"}}

Exit codes: 0 no warnings, 1 not a JSON array or not readable, 2 usage, 3 warnings.

Examples:
  muster check users.json --settings task.json
  muster check users.json --settings task.json --warnings 500
  muster check users.json --settings task.json --json | jq .users_per_second")]
pub struct Check {
    /// The file, a JSON array of records, of any size; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The task's settings, as the service stores them
    #[arg(long, value_name = "TASK.json")]
    settings: PathBuf,

    /// How many threads check; without it as many as the machine has cores
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU16>,

    /// One JSON object instead of a table; its `warnings` are how many there are
    #[arg(long)]
    json: bool,

    /// How many warnings to show
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "json")]
    warnings: usize,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Figures {
    #[serde(rename = "Total Lines")]
    total_lines: u64,
    #[serde(rename = "Empty IDs")]
    empty_ids: u64,
    #[serde(rename = "Ignored Users")]
    ignored_users: u64,
    #[serde(rename = "Duplicated Users")]
    duplicated_users: u64,
    warnings: u64,
    seconds: f64,
    users_per_second: f64,
    bytes_per_second: f64,
}

impl Check {
    /// Checks the file.
    pub fn run(self) -> Result<Exit, Failure> {
        let rules = read_rules(&self.settings)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.map_or(0, |threads| usize::from(threads.get())))
            .build()
            .map_err(|error| Failure::failed(format!("cannot start the threads: {error}")))?;
        let start = Instant::now();
        let checked = pool.install(|| self.check(&rules))?;
        let seconds = start.elapsed().as_secs_f64().max(1e-9);

        let figures = Figures {
            total_lines: checked.counts.total,
            empty_ids: checked.counts.empty,
            ignored_users: checked.counts.ignored,
            duplicated_users: checked.counts.duplicated,
            warnings: checked.warnings,
            seconds,
            users_per_second: checked.counts.total as f64 / seconds,
            bytes_per_second: checked.bytes as f64 / seconds,
        };
        if self.json {
            let json = serde_json::to_string(&figures)
                .map_err(|error| Failure::failed(format!("cannot write the figures: {error}")))?;
            terminal::print_data(json.as_bytes())?;
        } else {
            show(&figures, &checked)?;
        }
        Ok(if checked.warnings == 0 {
            Exit::Ok
        } else {
            Exit::Partial
        })
    }

    fn check(&self, rules: &Rules) -> Result<Checked, Failure> {
        if self.file == Path::new("-") {
            return self
                .check_input(io::stdin(), rules)
                .map_err(|error| match error {
                    ReadError::Io(error) => {
                        Failure::failed(format!("cannot read standard input: {error}"))
                    }
                    ReadError::Syntax(error) => {
                        let place = format!("after {}", counted(error.offset, "byte"));
                        not_an_array("standard input", &place, &error)
                    }
                });
        }
        let name = self.file.display().to_string();
        let unreadable = |error| Failure::failed(format!("cannot read {name}: {error}"));
        let file = File::open(&self.file).map_err(unreadable)?;
        let progress = terminal::byte_bar(file.metadata().ok().map(|metadata| metadata.len()));
        // A wrapped file is read in a slower way.
        let checked = if progress.is_hidden() {
            self.check_input(file, rules)
        } else {
            self.check_input(progress.wrap_read(file), rules)
        };
        progress.finish_and_clear();
        checked.map_err(|error| match error {
            ReadError::Io(error) => unreadable(error),
            ReadError::Syntax(error) => {
                let located =
                    File::open(&self.file).and_then(|file| Position::locate(file, error.offset));
                let place = located.map_or_else(
                    |_| format!("after {}", counted(error.offset, "byte")),
                    |position| position.to_string(),
                );
                not_an_array(&name, &place, &error)
            }
        })
    }

    fn check_input(
        &self,
        input: impl io::Read + Send,
        rules: &Rules,
    ) -> Result<Checked, ReadError> {
        let most_items = if self.json { 0 } else { self.warnings };
        check(input, rules, Sizes::default(), &rand::random(), most_items)
    }
}

fn not_an_array(name: &str, place: &str, error: &SyntaxError) -> Failure {
    Failure::failed(format!("{name}, {place}: {}", error.reason)).next(format!(
        "{} before it; an import of this file would change nothing",
        counted(error.records, "complete record")
    ))
}

/// The rules of the task whose settings this file holds.
fn read_rules(path: &Path) -> Result<Rules, Failure> {
    Rules::new(&settings::read(path)?).map_err(|problems| {
        let name = path.display();
        settings::refused(
            &format!("the settings in {name} do not allow an import"),
            &problems,
        )
    })
}

fn show(figures: &Figures, checked: &Checked) -> Result<(), Failure> {
    let status = if figures.warnings == 0 {
        Status::Success
    } else {
        Status::PartialSuccess
    };
    let mut text = terminal::table([
        ("Status", terminal::coloured(status)),
        ("Total Lines", grouped(figures.total_lines)),
        ("Empty IDs", grouped(figures.empty_ids)),
        ("Ignored Users", grouped(figures.ignored_users)),
        ("Duplicated Users", grouped(figures.duplicated_users)),
        ("New users", grouped(checked.counts.created)),
        ("Warnings", grouped(figures.warnings)),
        ("Time", format!("{:.3} s", figures.seconds)),
        (
            "Speed",
            format!(
                "{} users/s, {:.1} MB/s",
                grouped(figures.users_per_second as u64),
                figures.bytes_per_second / 1e6
            ),
        ),
    ]);
    if !checked.items.is_empty() {
        text.push('\n');
    }
    for item in &checked.items {
        text.push_str(&shown(&item.to_string()));
        text.push('\n');
    }
    let hidden = figures.warnings.saturating_sub(checked.items.len() as u64);
    if hidden > 0 && hidden < figures.warnings {
        text.push_str(&format!(
            "and {}; --warnings N shows N\n",
            counted(hidden, "more warning")
        ));
    }
    terminal::print(&text)
}
