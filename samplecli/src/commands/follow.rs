//! An import on its way at the server: shown until it ends, and what became of it, judged.

use std::time::Duration;

use crate::commands::items::ItemView;
use crate::failure::{Exit, Failure};
use crate::imports::{ImportView, Imports, Outcome, State, Trouble, patiently};
use crate::progress::{Progress, Stage, Unit};
use crate::terminal::{self, counted, grouped, shown};
use crate::view::Output;
use crate::words;

/// How long it is until the first look again; each pause is twice the last, up to [`PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_secs(1);
/// As the end comes near, for so many looks; it may be said to be near for long.
const LAST_PAUSE: Duration = Duration::from_millis(250);
const LAST_LOOKS: usize = 20;

/// What to do when nobody knows what became of an import.
pub const SEND_AGAIN: &str =
    "sending the same file again is safe: users who are already as the file says are left alone";

/// Waits for a run to end, and shows meanwhile how far it is.
pub async fn until_it_ends(
    imports: &Imports,
    run: &str,
    progress: &mut Progress,
) -> Result<ImportView, Failure> {
    let (mut pause, mut last_looks) = (FIRST_PAUSE, LAST_LOOKS);
    loop {
        let look = async || {
            let run = imports.run(run).await?;
            run.read::<ImportView>().map_err(Trouble::Lasting)
        };
        let looked = patiently(progress.bar(), look).await;
        let view = looked.map_err(|trouble| goes_on(imports, run, trouble.into()))?;
        if view.state.is_terminal() {
            progress.end();
            return Ok(view);
        }
        show(&view, progress);
        let ends_soon = view.eta_seconds.is_some_and(|left| left <= 1.0);
        if ends_soon && last_looks > 0 {
            last_looks -= 1;
            tokio::time::sleep(LAST_PAUSE.min(pause)).await;
        } else {
            tokio::time::sleep(pause).await;
        }
        pause = (pause * 2).min(PAUSE);
    }
}

/// What it means to an import that nobody looks any more: nothing.
pub fn goes_on(imports: &Imports, run: &str, failure: Failure) -> Failure {
    failure.then(format!(
        "import {run} goes on at the server: {} follows it, {} stops it",
        imports.command(&format!("status {run} --watch")),
        imports.command(&format!("cancel {run}")),
    ))
}

fn show(view: &ImportView, progress: &mut Progress) {
    let at = &view.progress;
    let (unit, done, total) = match view.state {
        State::Uploading | State::Queued | State::Checking => {
            (Unit::Bytes, at.bytes, at.bytes_total)
        }
        State::Planning | State::Applying | State::Stopping | State::Other => {
            (Unit::Records, at.records, at.records_total)
        }
        State::Finished | State::Cancelled => return,
    };
    let rate = view
        .rate
        .map(|rate| format!("{} records/s", grouped(rate.round() as u64)));
    let left = view
        .eta_seconds
        .map(|left| format!("about {} left", words::duration((left * 1_000.0) as u64)));
    let notes: Vec<String> = rate.into_iter().chain(left).collect();
    progress.show(&Stage {
        name: view.state.as_str(),
        unit,
        done: done.unwrap_or_default(),
        total,
        note: &notes.join(", "),
    });
}

/// An import that has ended, and how that is to be shown.
pub struct Ending<'a> {
    pub imports: &'a Imports,
    /// What was imported, as a person knows it.
    pub name: &'a str,
    /// Whether the warnings are wanted.
    pub debug: bool,
    pub output: Output,
}

impl Ending<'_> {
    /// Shows what became of a run, and answers how the command ends.
    pub async fn judge(&self, view: ImportView) -> Result<Exit, Failure> {
        let (run, task, state) = (view.import_id, view.task, view.state);
        let Some(mut outcome) = view.outcome else {
            return Err(Failure::failed(format!(
                "import {run} has ended, but the server does not say how"
            ))
            .next("is this client older than the server? `muster --version` says which it is"));
        };
        if self.debug {
            outcome.warnings = tokio::select! {
                warnings = self.warnings(&run) => warnings?,
                _ = tokio::signal::ctrl_c() => {
                    return Err(Failure::failed("interrupted while the warnings were read")
                        .next(format!("import {run} has ended")));
                }
            };
        }
        outcome.import_id = Some(run.clone());
        if self.output == Output::Json {
            outcome.print_json()?;
        }
        let refused = Failure::failed(format!(
            "the import of {} into task {task} was {}{}\n(import {run})",
            self.name,
            if state == State::Cancelled {
                "cancelled"
            } else {
                "refused"
            },
            outcome.reasons(),
        ));
        match (state, outcome.exit()) {
            (State::Cancelled, Exit::Failure) => Err(refused.next("nothing was changed")),
            (State::Cancelled, _) => {
                self.show(&outcome)?;
                Err(Failure::failed(format!("import {run} was cancelled"))
                    .next(format!("what it had written by then stays; {SEND_AGAIN}")))
            }
            (_, Exit::Failure) => {
                if !outcome.warnings.is_empty() {
                    self.show(&outcome)?;
                }
                Err(refused.next(format!("put it right and import it again; {SEND_AGAIN}")))
            }
            (_, exit) => {
                self.show(&outcome)?;
                self.mention_rejected(&outcome);
                if exit == Exit::Partial && !self.debug && self.output == Output::Human {
                    terminal::say(&format!(
                        "some records gave warnings; an operator sees them with `muster items {run}`"
                    ));
                }
                Ok(exit)
            }
        }
    }

    /// Shows an outcome to a person, and where more is to be had.
    pub fn show(&self, outcome: &Outcome) -> Result<(), Failure> {
        if self.output == Output::Json {
            return Ok(());
        }
        outcome.print()?;
        if outcome.dry_run {
            terminal::say("this was a dry run: nothing was changed");
        }
        Ok(())
    }

    /// Says where the records are that a run in the background did not take; one within a request
    /// keeps none.
    fn mention_rejected(&self, outcome: &Outcome) {
        if self.output == Output::Json {
            return;
        }
        if let (Some(run), 1..) = (&outcome.import_id, outcome.not_taken()) {
            let not_taken = outcome.not_taken();
            terminal::say(&format!(
                "{} {} not taken: {} writes what they were, and why",
                counted(not_taken, "record"),
                if not_taken == 1 { "was" } else { "were" },
                self.imports
                    .command(&format!("rejected {} -o rejected.ndjson", shown(run))),
            ));
        }
    }

    /// As many warnings as a reply holds, in its words.
    async fn warnings(&self, run: &str) -> Result<Vec<String>, Failure> {
        let mut warnings = Vec::new();
        let mut after: Option<String> = None;
        let bar = indicatif::ProgressBar::hidden();
        loop {
            let page = async || self.imports.items::<ItemView>(run, after.as_deref()).await;
            let page = patiently(&bar, page).await?;
            warnings.extend(page.items.iter().filter_map(ItemView::warning));
            let enough = warnings.len() >= muster_core::limits::REPLY_WARNINGS;
            if enough && page.next.is_some() {
                warnings.push(format!(
                    "there are more: an operator sees all with `muster items {run} --all`"
                ));
            }
            after = page.next.filter(|_| !enough);
            if after.is_none() {
                return Ok(warnings);
            }
        }
    }
}
