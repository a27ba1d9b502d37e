//! Follows an import until it ends, and reports its outcome.

use std::time::Duration;

use muster_api::Extensible;
use muster_core::item::Severity;
use muster_core::limits::MAX_REPLY_WARNINGS;
use muster_core::run::ImportState;

use crate::failure::{Exit, Failure};
use crate::imports::client::ImportsClient;
use crate::imports::outcome::Outcome;
use crate::imports::retry::{RequestError, retrying};
use crate::imports::status::ImportStatus;
use crate::output::escape::escaped;
use crate::output::number::{counted, grouped};
use crate::output::printer::OutputFormat;
use crate::output::progress::{ProgressReporter, Stage, Unit};
use crate::output::{stderr, stdout, time};

/// The first polling interval; each is twice the last, up to [`MAX_POLL_INTERVAL`].
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The polling interval near the end of an import.
const FINAL_POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum polls at that interval: estimates may stay near the end for long.
const MAX_FINAL_POLLS: usize = 20;

/// The hint where the outcome of an import is unknown.
pub const RESEND_HINT: &str =
    "sending the same file again is safe: users that are up to date are not changed";

/// Returns true if the import has ended.
pub fn is_terminal(state: &Extensible<ImportState>) -> bool {
    matches!(
        state.known(),
        Some(ImportState::Finished | ImportState::Cancelled)
    )
}

/// Waits until an import has ended, and shows its progress.
pub async fn wait_until_ended(
    imports: &ImportsClient,
    id: &str,
    progress: &mut ProgressReporter,
) -> Result<ImportStatus, Failure> {
    let (mut interval, mut final_polls) = (MIN_POLL_INTERVAL, MAX_FINAL_POLLS);
    loop {
        let poll = async || {
            let status = imports.status(id).await?;
            status
                .read::<ImportStatus>()
                .map_err(RequestError::Permanent)
        };
        let polled = retrying(progress.bar(), poll).await;
        let status = polled.map_err(|error| still_running(imports, id, error.into()))?;
        if is_terminal(&status.import.state) {
            progress.end();
            return Ok(status);
        }
        show_progress(&status, progress);
        let ends_soon = status.import.eta_seconds.is_some_and(|left| left <= 1);
        if ends_soon && final_polls > 0 {
            final_polls -= 1;
            tokio::time::sleep(FINAL_POLL_INTERVAL.min(interval)).await;
        } else {
            tokio::time::sleep(interval).await;
        }
        interval = (interval * 2).min(MAX_POLL_INTERVAL);
    }
}

/// Adds a hint that the import continues on the server.
pub fn still_running(imports: &ImportsClient, id: &str, failure: Failure) -> Failure {
    failure.add_hint(format!(
        "import {id} continues on the server: follow it with {}, cancel it with {}",
        imports.command(&format!("status {id} --watch")),
        imports.command(&format!("cancel {id}")),
    ))
}

fn show_progress(status: &ImportStatus, reporter: &mut ProgressReporter) {
    let import = &status.import;
    let progress = &import.progress;
    let (unit, done, total) = match import.state.known().unwrap_or(ImportState::Applying) {
        ImportState::Uploading | ImportState::Queued | ImportState::Checking => {
            (Unit::Bytes, progress.bytes, progress.bytes_total)
        }
        ImportState::Planning | ImportState::Applying | ImportState::Stopping => {
            (Unit::Records, progress.records, progress.records_total)
        }
        ImportState::Finished | ImportState::Cancelled => return,
    };
    let rate = import
        .rate
        .map(|rate| format!("{} records/s", grouped(rate.round() as u64)));
    let left = import.eta_seconds.map(|left| {
        let left = time::duration(left.saturating_mul(1_000));
        format!("about {left} left")
    });
    let notes: Vec<String> = rate.into_iter().chain(left).collect();
    reporter.show(&Stage {
        name: import.state.as_str(),
        unit,
        done: done.unwrap_or_default(),
        total,
        note: &notes.join(", "),
    });
}

/// Reports the outcome of an import that has ended.
pub struct ResultReporter<'a> {
    pub imports: &'a ImportsClient,
    /// The name of the data in messages.
    pub source_name: &'a str,
    /// Shows the warnings.
    pub debug: bool,
    pub output: OutputFormat,
}

impl ResultReporter<'_> {
    /// Shows the outcome of an import, and returns the exit code of the command.
    pub async fn report(&self, status: ImportStatus) -> Result<Exit, Failure> {
        let (id, task) = (status.import.import_id, status.import.task);
        let was_cancelled = status.import.state == ImportState::Cancelled.into();
        let Some(mut outcome) = status.outcome else {
            return Err(Failure::failed(format!(
                "import {id} has ended, but the server did not return the outcome"
            ))
            .hint("the client may be older than the server: see `muster --version`"));
        };
        if self.debug {
            outcome.warnings = tokio::select! {
                warnings = self.warnings(&id) => warnings?,
                _ = tokio::signal::ctrl_c() => {
                    return Err(Failure::failed("interrupted while reading the warnings")
                        .hint(format!("import {id} has ended")));
                }
            };
        }
        outcome.notes = tokio::select! {
            notes = self.imports.notes(&id) => notes,
            _ = tokio::signal::ctrl_c() => Vec::new(),
        };
        outcome.import_id = Some(id.clone());
        if self.output == OutputFormat::Json {
            stdout::print_json(&outcome)?;
        }
        let failure = Failure::failed(format!(
            "the import of {} into task {task} was {}{}\n(import {id})",
            self.source_name,
            if was_cancelled {
                "cancelled"
            } else {
                "refused"
            },
            outcome.reasons(),
        ));
        match (was_cancelled, outcome.exit()) {
            (true, Exit::Failure) => Err(failure.hint("nothing was changed")),
            (true, _) => {
                self.show(&outcome)?;
                Err(Failure::failed(format!("import {id} was cancelled"))
                    .hint(format!("records already written are kept; {RESEND_HINT}")))
            }
            (false, Exit::Failure) => {
                if !outcome.warnings.is_empty() {
                    self.show(&outcome)?;
                }
                Err(failure.hint(format!("correct this and import it again; {RESEND_HINT}")))
            }
            (false, exit) => {
                self.show(&outcome)?;
                self.mention_rejected(&outcome);
                if exit == Exit::Partial && !self.debug && self.output == OutputFormat::Table {
                    stderr::println(&format!(
                        "there are warnings: operators see them with `muster items {id}`"
                    ));
                }
                Ok(exit)
            }
        }
    }

    /// Prints the summary of an outcome, unless JSON was printed.
    pub fn show(&self, outcome: &Outcome) -> Result<(), Failure> {
        if self.output == OutputFormat::Json {
            return Ok(());
        }
        outcome.print()?;
        if outcome.dry_run {
            stderr::println("dry run: nothing was changed");
        }
        Ok(())
    }

    /// Mentions the rejected records. The server stores those of background runs only.
    fn mention_rejected(&self, outcome: &Outcome) {
        if self.output == OutputFormat::Json {
            return;
        }
        if let (Some(id), rejected @ 1..) = (&outcome.import_id, outcome.rejected()) {
            stderr::println(&format!(
                "{} {} rejected: get them, with the reasons, with {}",
                counted(rejected, "record"),
                if rejected == 1 { "was" } else { "were" },
                self.imports
                    .command(&format!("rejected {} -o rejected.ndjson", escaped(id))),
            ));
        }
    }

    /// Reads as many warnings as a reply to an import in one request contains.
    async fn warnings(&self, id: &str) -> Result<Vec<String>, Failure> {
        let mut warnings = Vec::new();
        let mut next: Option<String> = None;
        let bar = indicatif::ProgressBar::hidden();
        loop {
            let page = async || self.imports.items(id, next.as_deref()).await;
            let page = retrying(&bar, page).await?;
            let items = page.items.iter();
            warnings.extend(
                items
                    .filter(|item| item.severity == Severity::Warning)
                    .map(ToString::to_string),
            );
            let is_enough = warnings.len() >= MAX_REPLY_WARNINGS;
            if is_enough && page.next.is_some() {
                warnings.push(format!(
                    "there are more: operators see all with `muster items {id} --all`"
                ));
            }
            next = page.next.filter(|_| !is_enough);
            if next.is_none() {
                return Ok(warnings);
            }
        }
    }
}
