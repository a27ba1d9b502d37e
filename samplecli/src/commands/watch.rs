//! `muster runs --watch`: shows each run as it begins and as it ends, until Ctrl-C.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::admin::{Admin, Object, Place};
use crate::commands::runs::{Filter, RunView};
use crate::failure::{Exit, Failure};
use crate::terminal;
use crate::view::{Output, given};
use crate::words;

const REFRESH: Duration = Duration::from_secs(2);
/// Runs may become visible a little later than they began, and clocks differ a little.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);
/// How many earlier runs are shown first, unless it is said.
const EARLIER: usize = 10;

/// Shows the latest runs, and then what changes.
pub fn runs(admin: &Admin, filter: Filter, earlier: Option<u64>) -> Result<Exit, Failure> {
    let filter_from = filter.since;
    let mut watch = Watch {
        admin,
        filter,
        shown: HashMap::new(),
        from: filter_from,
    };
    admin.wait(async {
        tokio::select! {
            ended = watch.follow(earlier) => ended.map(|()| Exit::Ok),
            _ = tokio::signal::ctrl_c() => Ok(Exit::Ok),
        }
    })
}

struct Watch<'a> {
    admin: &'a Admin,
    filter: Filter,
    /// When each run began, and whether it was shown as ended.
    shown: HashMap<String, (Timestamp, bool)>,
    /// No run that began before can still change or appear: the server's time, not ours.
    from: Option<Timestamp>,
}

impl Watch<'_> {
    async fn follow(&mut self, earlier: Option<u64>) -> Result<(), Failure> {
        let most = earlier.map_or(EARLIER, |most| usize::try_from(most).unwrap_or(usize::MAX));
        if !self.admin.view.is_terminal() && self.admin.view.output == Output::Human {
            terminal::print(&format!("{}\n", self.admin.view.header::<RunView>()))?;
        }
        let mut runs = self.page(self.from, Some(most.min(1_000))).await?;
        runs.truncate(most);
        self.show(runs)?;
        self.move_on();
        let mut silent = false;
        loop {
            tokio::time::sleep(REFRESH).await;
            match self.page(self.from.map(|from| from - OVERLAP), None).await {
                Ok(runs) => {
                    silent = false;
                    self.show(runs)?;
                    self.move_on();
                }
                Err(failure) if failure.exit() == Exit::NotSignedIn => return Err(failure),
                // The server may be back in a moment: whoever watches wants to see that.
                Err(failure) if !silent => {
                    failure.report();
                    terminal::say("still watching");
                    silent = true;
                }
                Err(_) => {}
            }
        }
    }

    /// The runs that began then or later, newest first; all of them, or about as many as given.
    async fn page(
        &self,
        from: Option<Timestamp>,
        most: Option<usize>,
    ) -> Result<Vec<(Object, RunView)>, Failure> {
        let mut query = given([
            ("task", self.filter.task.map(|task| task.to_string())),
            ("text", self.filter.text.clone()),
            ("from", from.map(words::rfc3339)),
        ]);
        query.push(("limit", most.unwrap_or(1_000).to_string()));
        let mut runs = Vec::new();
        loop {
            let (objects, next) = self.admin.page(&Place::runs(), &query).await?;
            for object in objects {
                let run: RunView = object.read()?;
                runs.push((object, run));
            }
            let enough = most.is_some_and(|most| runs.len() >= most);
            let Some(next) = next.filter(|_| !enough) else {
                return Ok(runs);
            };
            query.retain(|(name, _)| *name != "after");
            query.push(("after", next));
        }
    }

    /// Shows what is new of them, oldest first.
    fn show(&mut self, runs: Vec<(Object, RunView)>) -> Result<(), Failure> {
        for (object, run) in runs.into_iter().rev() {
            let news = (run.started_at, run.ended_at.is_some());
            let before = self.shown.insert(run.id.clone(), news);
            if before == Some(news) || !self.is_wanted(&run) {
                continue;
            }
            match self.admin.view.output {
                Output::Json => terminal::print_data(object.json().as_bytes())?,
                Output::Human => terminal::print(&format!("{}\n", self.admin.view.row(run)))?,
            }
        }
        Ok(())
    }

    /// The status is looked at here: the server would hide a run until it has ended so.
    fn is_wanted(&self, run: &RunView) -> bool {
        let outcome = run.outcome();
        let statuses = &self.filter.status;
        statuses.is_empty()
            || statuses
                .iter()
                .any(|word| word.eq_ignore_ascii_case(&outcome))
    }

    /// Begins the next look where something can still change.
    fn move_on(&mut self) {
        let newest = self.shown.values().map(|(began, _)| *began).max();
        let running = self.shown.values().filter(|(_, ended)| !ended);
        let oldest = running.map(|(began, _)| *began).min();
        let Some(from) = oldest.or(newest) else {
            return;
        };
        self.from = self.from.max(Some(from));
        self.shown
            .retain(|_, (began, ended)| !*ended || *began >= from - OVERLAP);
    }
}
