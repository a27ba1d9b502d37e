//! How answers are shown: as tables that fit the terminal, as plain columns for programs, or as
//! the server's JSON. On a terminal numbers are grouped and times local; elsewhere columns are
//! separated by tabs and nothing is rounded, grouped or cut.

mod json;
mod list;
mod table;

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use dialoguer::console::Term;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

pub use list::{Limit, ListArgs, Listing, given};

use crate::admin::Object;
use crate::failure::Failure;
use crate::terminal::{self, grouped, shown};
use crate::words;

/// How an answer is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A table; columns between tabs when it is piped
    #[value(name = "table", alias = "human")]
    Human,
    /// JSON
    Json,
}

/// One value of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text, perhaps of others.
    Text(String),
    /// Several texts: below each other in a sheet, between commas in a table.
    Texts(Vec<String>),
    /// A number that counts something.
    Number(u64),
    /// A number that names something.
    Id(u64),
    /// A point in time.
    Time(Timestamp),
    /// Milliseconds.
    Duration(u64),
    /// There is none.
    Nothing,
}

impl Cell {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A yes or no, in words.
    pub fn either(yes: bool, if_yes: &str, if_no: &str) -> Self {
        Self::text(if yes { if_yes } else { if_no })
    }

    /// What may not be there.
    pub fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Nothing, cell)
    }
}

/// Something that is listed: a row of a table.
pub trait Row: DeserializeOwned {
    /// What the columns are called.
    const COLUMNS: &'static [&'static str];

    /// The values, one a column.
    fn cells(self) -> Vec<Cell>;
}

/// Something that is shown by itself: names and values.
pub trait Sheet: DeserializeOwned {
    /// Name and value of each line; lines without a value are left out.
    fn lines(self) -> Vec<(String, Cell)>;
}

/// A line of a sheet.
pub fn line(name: &str, cell: Cell) -> (String, Cell) {
    (name.to_owned(), cell)
}

/// Where and how answers are shown.
#[derive(Clone)]
pub struct View {
    /// The form.
    pub output: Output,
    terminal: bool,
    /// Columns of the terminal.
    width: u16,
    zone: TimeZone,
}

impl View {
    /// A view on standard output.
    pub fn new(output: Output) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            output,
            terminal,
            width: Term::stdout().size().1,
            // Programs read RFC 3339 in UTC and need no zone.
            zone: if terminal {
                TimeZone::system()
            } else {
                TimeZone::UTC
            },
        }
    }

    /// Whether a person is looking.
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A point in time, as it is shown here.
    pub fn moment(&self, at: Timestamp) -> String {
        words::time(at, self.terminal.then_some(&self.zone))
    }

    /// Shows one object.
    pub fn object<T: Sheet>(&self, object: &Object) -> Result<(), Failure> {
        match self.output {
            Output::Json => self.json(object.json()),
            Output::Human => self.sheet(object.read::<T>()?),
        }
    }

    /// Shows JSON: as it is to a program, indented to a person.
    pub fn json(&self, text: &str) -> Result<(), Failure> {
        if self.terminal {
            terminal::print_data(json::indented(text).as_bytes())
        } else {
            terminal::print_data(text.as_bytes())
        }
    }

    /// Shows names and values.
    pub fn sheet(&self, sheet: impl Sheet) -> Result<(), Failure> {
        terminal::print(&self.sheet_text(sheet))
    }

    /// Names and values, the values below each other.
    pub fn sheet_text(&self, sheet: impl Sheet) -> String {
        let lines = sheet.lines();
        let longest = lines.iter().map(|(name, _)| name.chars().count()).max();
        let width = longest.unwrap_or_default().max(16) + 2;
        let mut text = String::new();
        for (name, cell) in lines {
            let values = match cell {
                Cell::Nothing => continue,
                Cell::Texts(values) if values.is_empty() => continue,
                Cell::Texts(values) => values.iter().map(|value| safe(value)).collect(),
                // Paragraphs stay paragraphs.
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

    /// A value in one line.
    fn value(&self, cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => safe(text),
            Cell::Texts(texts) => safe(&texts.join(", ")),
            Cell::Number(number) if self.terminal => grouped(*number),
            Cell::Number(number) | Cell::Id(number) => number.to_string(),
            Cell::Time(at) => self.moment(*at),
            Cell::Duration(milliseconds) => words::duration(*milliseconds),
            Cell::Nothing => String::new(),
        }
    }

    /// The values of a row in one line.
    pub fn row<T: Row>(&self, row: T) -> String {
        let values: Vec<String> = row.cells().iter().map(|cell| self.value(cell)).collect();
        values.join(if self.terminal { "  " } else { "\t" })
    }
}

fn safe(text: &str) -> String {
    shown(text).into_owned()
}
