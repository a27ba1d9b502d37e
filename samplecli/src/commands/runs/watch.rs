//! `muster runs --watch`: shows runs as they start and end, until Ctrl-C.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use muster_api::{Extensible, RunResponse};

use crate::commands::admin::Admin;
use crate::commands::list::filters;
use crate::commands::runs::filter::RunFilter;
use crate::failure::{Exit, Failure};
use crate::http::admin::MAX_PAGE_ITEMS;
use crate::http::admin_resource::AdminResource;
use crate::json::JsonObject;
use crate::output::printer::OutputFormat;
use crate::output::time::rfc3339;
use crate::output::{stderr, stdout};

const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Runs may become visible shortly after they started, and clocks differ slightly.
const START_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// Earlier runs shown first by default.
const DEFAULT_EARLIER_RUNS: u64 = 10;

/// Shows the latest runs, and then changes.
pub fn watch(admin: &Admin, filter: RunFilter, earlier: Option<u64>) -> Result<Exit, Failure> {
    let from = filter.since;
    let mut watch = Watch {
        admin,
        filter,
        shown: HashMap::new(),
        from,
    };
    admin.client.block_on(async {
        tokio::select! {
            ended = watch.follow(earlier.unwrap_or(DEFAULT_EARLIER_RUNS)) => ended.map(|()| Exit::Ok),
            _ = tokio::signal::ctrl_c() => Ok(Exit::Ok),
        }
    })
}

struct Watch<'a> {
    admin: &'a Admin,
    filter: RunFilter,
    /// The start of each run, and true if it was shown as ended.
    shown: HashMap<String, (Timestamp, bool)>,
    /// Runs that started earlier can no longer change or appear. By the server's clock.
    from: Option<Timestamp>,
}

impl Watch<'_> {
    async fn follow(&mut self, earlier: u64) -> Result<(), Failure> {
        let printer = &self.admin.printer;
        if !printer.is_terminal() && printer.format == OutputFormat::Table {
            stdout::print(&format!("{}\n", printer.header::<RunResponse>()))?;
        }
        let mut runs = self.runs(self.from, Some(earlier)).await?;
        runs.truncate(usize::try_from(earlier).unwrap_or(usize::MAX));
        self.show(runs)?;
        self.advance();
        let mut reported = false;
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let from = self.from.map(|from| from - START_TOLERANCE);
            match self.runs(from, None).await {
                Ok(runs) => {
                    reported = false;
                    self.show(runs)?;
                    self.advance();
                }
                Err(failure) if failure.exit() == Exit::NotSignedIn => return Err(failure),
                // The server may recover, so watching continues.
                Err(failure) if !reported => {
                    stderr::report(&failure);
                    stderr::println("still watching");
                    reported = true;
                }
                Err(_) => {}
            }
        }
    }

    /// Reads the runs that started at `from` or later, newest first: all of them, or at least
    /// `enough`.
    async fn runs(
        &self,
        from: Option<Timestamp>,
        enough: Option<u64>,
    ) -> Result<Vec<(JsonObject, RunResponse)>, Failure> {
        let page_items = enough.map_or(MAX_PAGE_ITEMS, |enough| enough.min(MAX_PAGE_ITEMS));
        let mut query = filters([
            ("task", self.filter.task.map(|task| task.to_string())),
            ("text", self.filter.text.clone()),
            ("from", from.map(rfc3339)),
            ("limit", Some(page_items.to_string())),
        ]);
        let mut runs = Vec::new();
        loop {
            let page = self
                .admin
                .client
                .page(&AdminResource::runs(), &query)
                .await?;
            for object in page.items {
                let run: RunResponse = object.read()?;
                runs.push((object, run));
            }
            let is_enough = enough.is_some_and(|enough| runs.len() as u64 >= enough);
            let Some(next) = page.next.filter(|_| !is_enough) else {
                return Ok(runs);
            };
            query.retain(|(name, _)| *name != "after");
            query.push(("after", next));
        }
    }

    /// Shows the runs that are new or have changed, oldest first.
    fn show(&mut self, runs: Vec<(JsonObject, RunResponse)>) -> Result<(), Failure> {
        for (object, run) in runs.into_iter().rev() {
            let state = (run.started_at, run.ended_at.is_some());
            let before = self.shown.insert(run.id.clone(), state);
            if before == Some(state) || !self.matches(&run) {
                continue;
            }
            match self.admin.printer.format {
                OutputFormat::Json => stdout::print_data(object.as_str().as_bytes())?,
                OutputFormat::Table => {
                    stdout::print(&format!("{}\n", self.admin.printer.row(run)))?;
                }
            }
        }
        Ok(())
    }

    /// Applies the status filter in the client: the server would omit a run until it has ended with
    /// that status.
    fn matches(&self, run: &RunResponse) -> bool {
        let status = run.status.as_ref().map_or("running", Extensible::as_str);
        let statuses = &self.filter.status;
        statuses.is_empty()
            || statuses
                .iter()
                .any(|name| name.eq_ignore_ascii_case(status))
    }

    /// Moves the start of the next query to the first run that can still change.
    fn advance(&mut self) {
        let newest = self.shown.values().map(|(started, _)| *started).max();
        let running = self.shown.values().filter(|(_, ended)| !ended);
        let oldest_running = running.map(|(started, _)| *started).min();
        let Some(from) = oldest_running.or(newest) else {
            return;
        };
        self.from = self.from.max(Some(from));
        self.shown
            .retain(|_, (started, ended)| !*ended || *started >= from - START_TOLERANCE);
    }
}
