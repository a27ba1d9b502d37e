//! `muster check`: checks a file offline with the service's own engine, as an import into an empty
//! directory would.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use muster_core::limits::MAX_EXPANDED_BYTES;
use muster_core::reader::{Format, FormatError, Position, SentAs, Sizes, Source, SourceError};
use muster_core::rules::Rules;
use muster_core::run::Status;
use muster_core::scan::{Checked, check_source};
use muster_core::settings::TaskSettings;
use serde::Serialize;

use crate::commands::settings_file;
use crate::encoding::{Encoding, EncodingArgs, START_BYTES};
use crate::failure::{Exit, Failure};
use crate::output::escape::escaped;
use crate::output::number::{counted, grouped};
use crate::output::{progress, stdout, summary};

/// Check a file offline, as an import into an empty directory would
#[derive(Args)]
#[command(after_help = "\
TASK.json contains the settings of a task; `attribute_mapping` must map at least the user name:
  {\"attribute_mapping\": {\"username\": \"Username\", \"name\": \"Name\", \"role\": \"Role\",
   \"email\": \"E-mail\"}, \"role_mapping\": {\"catman\": \"Category Manager\"}}

Exit codes: 0 no warnings, 1 unreadable or not in its format, 2 usage, 3 warnings.

Examples:
  muster check users.json --settings task.json
  muster check users.json --settings task.json --warnings 500
  muster check everybody.ndjson.gz --settings task.json
  muster check users.json --settings task.json --json | jq .users_per_second")]
pub struct Check {
    /// File with a JSON array of records, or one record per line, of any size; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// File with the settings of the task, as the service stores them
    #[arg(long, value_name = "TASK.json")]
    settings: PathBuf,

    #[command(flatten)]
    encoding: EncodingArgs,

    /// Number of threads [default: the number of cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU16>,

    /// Print one JSON object instead of a table; `warnings` is their number, `notes` has sentences
    #[arg(long)]
    json: bool,

    /// Maximum number of warnings to show
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "json")]
    warnings: usize,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Summary {
    #[serde(rename = "Total Lines")]
    total_lines: u64,
    #[serde(rename = "Empty IDs")]
    empty_ids: u64,
    #[serde(rename = "Ignored Users")]
    ignored_users: u64,
    #[serde(rename = "Duplicated Users")]
    duplicated_users: u64,
    warnings: u64,
    notes: Vec<String>,
    seconds: f64,
    users_per_second: f64,
    bytes_per_second: f64,
}

impl Check {
    /// Checks the file.
    pub fn run(self) -> Result<Exit, Failure> {
        let (rules, settings) = read_rules(&self.settings)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.map_or(0, |threads| usize::from(threads.get())))
            .build()
            .map_err(|error| Failure::failed(format!("cannot start the threads: {error}")))?;
        let start = Instant::now();
        let checked = pool.install(|| self.check(&rules))?;
        let seconds = start.elapsed().as_secs_f64().max(1e-9);

        let summary = Summary {
            total_lines: checked.counts.total,
            empty_ids: checked.counts.empty,
            ignored_users: checked.counts.ignored,
            duplicated_users: checked.counts.duplicated,
            warnings: checked.warnings,
            notes: notes(&checked, &settings),
            seconds,
            users_per_second: checked.counts.total as f64 / seconds,
            bytes_per_second: checked.bytes as f64 / seconds,
        };
        if self.json {
            stdout::print_json(&summary)?;
        } else {
            show(&summary, &checked)?;
        }
        Ok(if checked.warnings == 0 {
            Exit::Ok
        } else {
            Exit::Partial
        })
    }

    fn check(&self, rules: &Rules) -> Result<Checked, Failure> {
        if self.file == Path::new("-") {
            let name = "standard input";
            let (input, encoding) = self.open(io::stdin(), name)?;
            let checked = self.check_source(source(input, encoding), rules);
            return checked.map_err(|error| {
                unusable(name, &error, |error| {
                    let FormatError {
                        offset,
                        line,
                        record,
                        ..
                    } = error;
                    format!("byte {}, line {line}, record {record}", offset + 1)
                })
            });
        }
        let name = self.file.display().to_string();
        let file = File::open(&self.file).map_err(|error| unreadable(&name, &error))?;
        let length = file.metadata().ok().map(|metadata| metadata.len());
        let (input, encoding) = self.open(file, &name)?;
        let progress = progress::byte_bar(length);
        // Reading a wrapped file is slower.
        let checked = if progress.is_hidden() {
            self.check_source(source(input, encoding).without_lines(), rules)
        } else {
            let input = progress.wrap_read(input);
            self.check_source(source(input, encoding).without_lines(), rules)
        };
        progress.finish_and_clear();
        checked.map_err(|error| unusable(&name, &error, |error| self.position(error, encoding)))
    }

    /// Returns an input with its encoding, which its first bytes decide.
    fn open<R: Read>(
        &self,
        mut input: R,
        name: &str,
    ) -> Result<(impl Read + use<R>, Encoding), Failure> {
        let mut start = Vec::with_capacity(START_BYTES);
        let read = input
            .by_ref()
            .take(START_BYTES as u64)
            .read_to_end(&mut start);
        read.map_err(|error| unreadable(name, &error))?;
        let encoding = self.encoding.resolve(&self.file, name, &start)?;
        Ok((io::Cursor::new(start).chain(input), encoding))
    }

    fn check_source<R: Read + Send>(
        &self,
        mut source: Source<R>,
        rules: &Rules,
    ) -> Result<Checked, SourceError> {
        let max_items = if self.json { 0 } else { self.warnings };
        check_source(
            &mut source,
            rules,
            Sizes::default(),
            &rand::random(),
            max_items,
        )
    }

    /// Returns line and column of an error in the file, unpacked, which is read again.
    fn position(&self, error: &FormatError, encoding: Encoding) -> String {
        let located = File::open(&self.file).and_then(|file| {
            let text = Source::new(file, Format::Json, encoding.compression, MAX_EXPANDED_BYTES);
            Position::locate(text, error.offset)
        });
        located.map_or_else(
            |_| format!("byte {}", error.offset + 1),
            |position| position.to_string(),
        )
    }
}

/// Returns the text of an input as the service would read it.
fn source<R: Read>(input: R, encoding: Encoding) -> Source<R> {
    let Encoding {
        format,
        compression,
    } = encoding;
    Source::new(input, format, compression, MAX_EXPANDED_BYTES)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot read {name}: {error}"))
}

/// Returns the failure for a file of which no import would change anything.
fn unusable(
    name: &str,
    error: &SourceError,
    position: impl FnOnce(&FormatError) -> String,
) -> Failure {
    const NOTHING: &str = "an import of this file would change nothing";
    match error {
        SourceError::Io(error) | SourceError::Consumer(error) => unreadable(name, error),
        SourceError::Unpack(error) => {
            Failure::failed(format!("cannot unpack {name}: {error}")).hint(NOTHING)
        }
        SourceError::Syntax(error) => {
            let place = position(error);
            match &error.found {
                Some(found) => {
                    Failure::failed(format!("{name}, {place}: expected records, found {found}"))
                        .hint(format!("{NOTHING}: {}", found.advice(SentAs::File)))
                }
                None => {
                    Failure::failed(format!("{name}, {place}: {}", error.reason)).hint(format!(
                        "{} before it; {NOTHING}",
                        counted(error.record.saturating_sub(1), "complete record")
                    ))
                }
            }
        }
    }
}

/// Reads the settings of a task, and returns its rules as well.
fn read_rules(path: &Path) -> Result<(Rules, TaskSettings), Failure> {
    let mut settings = settings_file::read(path)?;
    settings.complete(None);
    // Who checks a file need not say who runs the task.
    settings.enabled = false;
    let rules = Rules::new(&settings).map_err(|problems| {
        let name = path.display();
        settings_file::refused(
            &format!("the settings in {name} are not complete enough for an import"),
            &problems,
        )
    })?;
    Ok((rules, settings))
}

/// Returns what the service would refuse of the settings, each limit that an import into an empty
/// directory would exceed, and the notes on the file.
fn notes(checked: &Checked, settings: &TaskSettings) -> Vec<String> {
    let problems = settings.check().err().unwrap_or_default();
    let problems = problems
        .iter()
        .map(|problem| format!("the service would not store these settings: {problem}"));
    let threshold = settings.safety_threshold.unwrap_or_default();
    let exceeded = threshold.exceeded(checked.counts).into_iter();
    let exceeded = exceeded.map(|sentence| {
        format!("the safety threshold would stop an import into an empty directory: {sentence}")
    });
    problems
        .chain(exceeded)
        .chain(checked.notes.iter().map(ToString::to_string))
        .collect()
}

fn show(summary: &Summary, checked: &Checked) -> Result<(), Failure> {
    let status = if summary.warnings == 0 {
        Status::Success
    } else {
        Status::PartialSuccess
    };
    let mut text = summary::table([
        ("Status", summary::coloured(status)),
        ("Total Lines", grouped(summary.total_lines)),
        ("Empty IDs", grouped(summary.empty_ids)),
        ("Ignored Users", grouped(summary.ignored_users)),
        ("Duplicated Users", grouped(summary.duplicated_users)),
        ("New users", grouped(checked.counts.created)),
        ("Warnings", grouped(summary.warnings)),
        ("Time", format!("{:.3} s", summary.seconds)),
        (
            "Speed",
            format!(
                "{} users/s, {:.1} MB/s",
                grouped(summary.users_per_second as u64),
                summary.bytes_per_second / 1e6
            ),
        ),
    ]);
    if !summary.notes.is_empty() {
        let number = counted(summary.notes.len() as u64, "note");
        text.push_str(&format!("\n{number}:\n"));
    }
    for note in &summary.notes {
        text.push_str(&format!("{}\n", escaped(note)));
    }
    if !checked.items.is_empty() {
        text.push('\n');
    }
    for item in &checked.items {
        text.push_str(&escaped(&item.to_string()));
        text.push('\n');
    }
    let hidden = summary.warnings.saturating_sub(checked.items.len() as u64);
    if hidden > 0 && hidden < summary.warnings {
        text.push_str(&format!(
            "and {}; show them with --warnings N\n",
            counted(hidden, "more warning")
        ));
    }
    stdout::print(&text)
}
