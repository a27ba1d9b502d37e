//! Lists: they follow the server's pages up to a limit, and say when there is more.

use std::io::Write;

use clap::Args;
use indicatif::ProgressBar;

use super::{Output, Row, View};
use crate::admin::{Admin, AdminArgs, Object, Place, Query};
use crate::failure::{Exit, Failure};
use crate::terminal;

/// The most that the server gives at a time.
const PAGE: u64 = 1_000;
/// What is shown unless it is said.
const DEFAULT: u64 = 100;

/// How much of a list is shown.
#[derive(Args)]
pub struct Limit {
    /// How many are shown at most [default: 100]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "How much")]
    limit: Option<u64>,

    /// Show all of them, however many there are
    #[arg(long, conflicts_with = "limit", help_heading = "How much")]
    all: bool,
}

impl Limit {
    /// As many as were asked for, if that was said.
    pub const fn given(&self) -> Option<u64> {
        self.limit
    }

    fn most(&self) -> Option<u64> {
        (!self.all).then(|| self.limit.unwrap_or(DEFAULT))
    }
}

fn at_least_one(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .filter(|&number| number > 0)
        .ok_or("write a number from 1 on, or --all")
}

/// The filters that were given.
pub fn given<const N: usize>(filters: [(&'static str, Option<String>); N]) -> Query {
    filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The arguments of a plain list.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    admin: AdminArgs,
}

impl ListArgs {
    /// Shows what the query matches.
    pub fn show<T: Row>(&self, place: &Place, query: Query) -> Result<Exit, Failure> {
        Listing {
            place,
            query,
            limit: &self.limit,
        }
        .show::<T>(&self.admin.open()?)
    }
}

/// A list of the server.
pub struct Listing<'a> {
    /// Where it is.
    pub place: &'a Place,
    /// What is asked for.
    pub query: Query,
    /// How much of it is shown.
    pub limit: &'a Limit,
}

impl Listing<'_> {
    /// Shows the list.
    pub fn show<T: Row>(self, admin: &Admin) -> Result<Exit, Failure> {
        let thing = self.place.path.last().map_or("", String::as_str);
        let mut sink = Sink::<T>::new(&admin.view);
        let progress = terminal::spinner(format!("reading {thing}"));
        let walked = admin.wait(self.walk(admin, &mut sink, &progress));
        progress.finish_and_clear();
        // What was begun is ended, so that the JSON is whole.
        if walked.is_ok() || sink.count > 0 {
            sink.end()?;
        }
        let more = walked?;
        if sink.count == 0 {
            terminal::say(&format!("no {thing}"));
        }
        if more {
            let further = sink.count.saturating_mul(2);
            terminal::say(&format!("more {thing}: --limit {further}, or --all"));
        }
        Ok(Exit::Ok)
    }

    /// Follows the pages; answers whether there is more than was shown.
    async fn walk<T: Row>(
        &self,
        admin: &Admin,
        sink: &mut Sink<'_, T>,
        progress: &ProgressBar,
    ) -> Result<bool, Failure> {
        let most = self.limit.most();
        let mut after = None;
        loop {
            // One more than is shown tells whether there are more.
            let wanted = most.map_or(PAGE, |most| (most - sink.count + 1).min(PAGE));
            let mut query = self.query.clone();
            query.push(("limit", wanted.to_string()));
            query.extend(after.map(|after| ("after", after)));
            let (objects, next) = admin.page(self.place, &query).await?;
            let room = most.map_or(u64::MAX, |most| most - sink.count);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let more = objects.len() > room;
            // Both may go to the same terminal.
            progress.suspend(|| {
                let mut shown = objects.iter().take(room);
                shown.try_for_each(|object| sink.take(object))
            })?;
            if more || next.is_none() {
                return Ok(more);
            }
            after = next;
        }
    }
}

/// Where the objects of a list go, one by one.
struct Sink<'a, T> {
    view: &'a View,
    count: u64,
    /// Those of a table, whose widths are known when the last one is.
    rows: Vec<T>,
}

impl<'a, T: Row> Sink<'a, T> {
    fn new(view: &'a View) -> Self {
        Self {
            view,
            count: 0,
            rows: Vec::new(),
        }
    }

    fn take(&mut self, object: &Object) -> Result<(), Failure> {
        match self.view.output {
            Output::Json => {
                let before = if self.count == 0 { "[" } else { "," };
                self.write(&format!("{before}{}", self.element(object)))?;
            }
            Output::Human if self.view.is_terminal() => self.rows.push(object.read()?),
            Output::Human => {
                if self.count == 0 {
                    self.header()?;
                }
                self.write(&format!("{}\n", self.view.row(object.read::<T>()?)))?;
            }
        }
        self.count += 1;
        Ok(())
    }

    fn element(&self, object: &Object) -> String {
        if self.view.is_terminal() {
            let text = super::json::indented(object.json());
            format!("\n  {}", text.replace('\n', "\n  "))
        } else {
            object.json().to_owned()
        }
    }

    fn end(&mut self) -> Result<(), Failure> {
        match (self.view.output, self.count) {
            (Output::Json, 0) => self.write("[]\n"),
            (Output::Json, _) if self.view.is_terminal() => self.write("\n]\n"),
            (Output::Json, _) => self.write("]\n"),
            (Output::Human, 0) if self.view.is_terminal() => Ok(()),
            (Output::Human, 0) => self.header(),
            (Output::Human, _) if self.view.is_terminal() => {
                terminal::print(&self.view.table(std::mem::take(&mut self.rows)))
            }
            (Output::Human, _) => Ok(()),
        }
    }

    fn header(&self) -> Result<(), Failure> {
        self.write(&format!("{}\n", self.view.header::<T>()))
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        terminal::unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }
}
