//! Lists: they follow the server's pages up to a limit and report whether there is more.

use clap::Args;
use indicatif::ProgressBar;

use crate::commands::admin::{Admin, AdminArgs};
use crate::failure::{Exit, Failure};
use crate::http::admin::MAX_PAGE_ITEMS;
use crate::http::admin_resource::AdminResource;
use crate::http::server::Query;
use crate::json::{self, JsonObject};
use crate::output::cell::Row;
use crate::output::printer::{OutputFormat, Printer};
use crate::output::{progress, stderr, stdout};

/// Objects shown by default.
const DEFAULT_LIMIT: u64 = 100;

/// The number of objects to show.
#[derive(Args)]
pub struct Limit {
    /// Maximum number of entries [default: 100]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Limit")]
    limit: Option<u64>,

    /// Show all entries
    #[arg(long, conflicts_with = "limit", help_heading = "Limit")]
    all: bool,
}

impl Limit {
    /// Returns the limit, if it is given.
    pub const fn given(&self) -> Option<u64> {
        self.limit
    }

    fn max(&self) -> Option<u64> {
        (!self.all).then(|| self.limit.unwrap_or(DEFAULT_LIMIT))
    }
}

fn at_least_one(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .filter(|&number| number > 0)
        .ok_or("expected a positive whole number; to show all entries, use --all")
}

/// Returns a query with the filters that are given.
pub fn filters<const N: usize>(filters: [(&'static str, Option<String>); N]) -> Query {
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
    /// Shows the objects that match a query.
    pub fn show<T: Row>(&self, resource: &AdminResource, query: Query) -> Result<Exit, Failure> {
        Listing {
            resource,
            query,
            limit: &self.limit,
        }
        .show::<T>(&self.admin.open()?)
    }
}

/// A list of the server.
pub struct Listing<'a> {
    /// The resource.
    pub resource: &'a AdminResource,
    /// The filters.
    pub query: Query,
    /// The number of objects to show.
    pub limit: &'a Limit,
}

impl Listing<'_> {
    /// Shows the list.
    pub fn show<T: Row>(self, admin: &Admin) -> Result<Exit, Failure> {
        let name = self.resource.path.last().map_or("", String::as_str);
        let mut printer = ListPrinter::<T>::new(&admin.printer);
        let progress = progress::spinner(format!("reading {name}"));
        let pages = self.print_pages(admin, &mut printer, &progress);
        let result = admin.client.block_on(pages);
        progress.finish_and_clear();
        // The JSON array is closed even after a failure.
        if result.is_ok() || printer.count > 0 {
            printer.end()?;
        }
        let has_more = result?;
        if printer.count == 0 {
            stderr::println(&format!("no {name}"));
        }
        if has_more {
            let limit = printer.count.saturating_mul(2);
            stderr::println(&format!(
                "there are more {name}: use --limit {limit} or --all"
            ));
        }
        Ok(Exit::Ok)
    }

    /// Follows the pages; returns true if there are more objects than were shown.
    async fn print_pages<T: Row>(
        &self,
        admin: &Admin,
        printer: &mut ListPrinter<'_, T>,
        progress: &ProgressBar,
    ) -> Result<bool, Failure> {
        let max = self.limit.max();
        let mut after = None;
        loop {
            // One object beyond the limit shows that there are more.
            let page_items = max.map_or(MAX_PAGE_ITEMS, |max| {
                (max - printer.count + 1).min(MAX_PAGE_ITEMS)
            });
            let mut query = self.query.clone();
            query.push(("limit", page_items.to_string()));
            query.extend(after.map(|after| ("after", after)));
            let page = admin.client.page(self.resource, &query).await?;
            let room = max.map_or(u64::MAX, |max| max - printer.count);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let has_more = page.items.len() > room;
            // Both may write to the same terminal.
            progress.suspend(|| {
                let mut objects = page.items.iter().take(room);
                objects.try_for_each(|object| printer.print(object))
            })?;
            if has_more || page.next.is_none() {
                return Ok(has_more);
            }
            after = page.next;
        }
    }
}

/// Prints the objects of a list one by one.
struct ListPrinter<'a, T> {
    printer: &'a Printer,
    count: u64,
    /// Rows of a table, whose column widths depend on all of them.
    rows: Vec<T>,
}

impl<'a, T: Row> ListPrinter<'a, T> {
    fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            count: 0,
            rows: Vec::new(),
        }
    }

    fn print(&mut self, object: &JsonObject) -> Result<(), Failure> {
        match self.printer.format {
            OutputFormat::Json => {
                let before = if self.count == 0 { "[" } else { "," };
                write(&format!("{before}{}", self.element(object)))?;
            }
            OutputFormat::Table if self.printer.is_terminal() => self.rows.push(object.read()?),
            OutputFormat::Table => {
                if self.count == 0 {
                    self.header()?;
                }
                write(&format!("{}\n", self.printer.row(object.read::<T>()?)))?;
            }
        }
        self.count += 1;
        Ok(())
    }

    fn element(&self, object: &JsonObject) -> String {
        if self.printer.is_terminal() {
            let text = json::indented(object.as_str());
            format!("\n  {}", text.replace('\n', "\n  "))
        } else {
            object.as_str().to_owned()
        }
    }

    fn end(&mut self) -> Result<(), Failure> {
        match (self.printer.format, self.count) {
            (OutputFormat::Json, 0) => write("[]\n"),
            (OutputFormat::Json, _) if self.printer.is_terminal() => write("\n]\n"),
            (OutputFormat::Json, _) => write("]\n"),
            (OutputFormat::Table, 0) if self.printer.is_terminal() => Ok(()),
            (OutputFormat::Table, 0) => self.header(),
            (OutputFormat::Table, _) if self.printer.is_terminal() => {
                stdout::print(&self.printer.table(std::mem::take(&mut self.rows)))
            }
            (OutputFormat::Table, _) => Ok(()),
        }
    }

    fn header(&self) -> Result<(), Failure> {
        write(&format!("{}\n", self.printer.header::<T>()))
    }
}

fn write(text: &str) -> Result<(), Failure> {
    stdout::write(text.as_bytes())
}
