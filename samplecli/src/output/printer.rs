//! Printing of responses: as tables that fit the terminal, as tab-separated columns for programs,
//! or as the JSON received. On a terminal numbers are grouped and times are local; elsewhere
//! nothing is rounded, grouped or cut.

mod table;

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use dialoguer::console::Term;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::{Exit, Failure};
use crate::json::{self, JsonObject};
use crate::output::cell::{Cell, DetailView, Row};
use crate::output::escape::escaped;
use crate::output::number::grouped;
use crate::output::{stdout, time};

/// The narrowest column of names in a detail view.
const MIN_NAME_COLUMNS: usize = 16;

/// The format of a response on standard output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A table; tab-separated columns when piped
    #[value(name = "table", alias = "human")]
    Table,
    /// JSON
    Json,
}

/// Prints responses to standard output.
#[derive(Clone)]
pub struct Printer {
    /// The format.
    pub format: OutputFormat,
    is_terminal: bool,
    /// Columns of the terminal.
    width: u16,
    zone: TimeZone,
}

impl Printer {
    /// Returns a printer to standard output.
    pub fn new(format: OutputFormat) -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            format,
            is_terminal,
            width: Term::stdout().size().1,
            // Programs get RFC 3339 in UTC.
            zone: if is_terminal {
                TimeZone::system()
            } else {
                TimeZone::UTC
            },
        }
    }

    /// Returns true if standard output is a terminal.
    pub const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Formats a point in time.
    pub fn timestamp(&self, at: Timestamp) -> String {
        time::timestamp(at, self.is_terminal.then_some(&self.zone))
    }

    /// Prints an object in the requested format, and succeeds.
    pub fn object<T: DetailView>(&self, object: &JsonObject) -> Result<Exit, Failure> {
        match self.format {
            OutputFormat::Json => self.json(object)?,
            OutputFormat::Table => stdout::print(&self.details(object.read::<T>()?))?,
        }
        Ok(Exit::Ok)
    }

    /// Prints an object as JSON: indented on a terminal, otherwise as received.
    pub fn json(&self, object: &JsonObject) -> Result<(), Failure> {
        if self.is_terminal {
            stdout::print_data(json::indented(object.as_str()).as_bytes())
        } else {
            stdout::print_data(object.as_str().as_bytes())
        }
    }

    /// Formats the fields of a detail view, with the values in one column.
    pub fn details(&self, view: impl DetailView) -> String {
        let fields = view.fields();
        let longest = fields.iter().map(|(name, _)| name.chars().count()).max();
        let width = longest.unwrap_or_default().max(MIN_NAME_COLUMNS) + 2;
        let mut text = String::new();
        for (name, cell) in fields {
            let values = match cell {
                Cell::Nothing => continue,
                Cell::Texts(values) if values.is_empty() => continue,
                Cell::Texts(values) => values.iter().map(|value| safe(value)).collect(),
                // Line breaks within a text are kept.
                Cell::Text(value) => value.lines().map(safe).collect(),
                cell => vec![self.value(&cell)],
            };
            let mut name = name.as_str();
            for value in values {
                text.push_str(format!("{name:<width$}{value}").trim_end());
                text.push('\n');
                name = "";
            }
        }
        text
    }

    /// Formats a value on one line.
    fn value(&self, cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => safe(text),
            Cell::Texts(texts) => safe(&texts.join(", ")),
            Cell::Number(number) if self.is_terminal => grouped(*number),
            Cell::Number(number) | Cell::Id(number) => number.to_string(),
            Cell::Time(at) => self.timestamp(*at),
            Cell::Duration(milliseconds) => time::duration(*milliseconds),
            Cell::Nothing => String::new(),
        }
    }

    /// Formats a row on one line.
    pub fn row<T: Row>(&self, row: T) -> String {
        let values: Vec<String> = row.cells().iter().map(|cell| self.value(cell)).collect();
        values.join(if self.is_terminal { "  " } else { "\t" })
    }
}

fn safe(text: &str) -> String {
    escaped(text).into_owned()
}
