//! Values of tables and detail views.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

/// One value of a table or a detail view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text, possibly from a file or a server.
    Text(String),
    /// Several texts: one per line in a detail view, comma-separated in a table.
    Texts(Vec<String>),
    /// A count.
    Number(u64),
    /// A numeric id.
    Id(u64),
    /// A point in time.
    Time(Timestamp),
    /// A duration in milliseconds.
    Duration(u64),
    /// No value.
    Nothing,
}

impl Cell {
    /// Returns a text cell.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Returns the text for a boolean.
    pub fn either(yes: bool, if_yes: &str, if_no: &str) -> Self {
        Self::text(if yes { if_yes } else { if_no })
    }

    /// Returns the state of an account or a task.
    pub fn enabled(enabled: bool) -> Self {
        Self::either(enabled, "enabled", "disabled")
    }

    /// Returns the cell of an optional value.
    pub fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Nothing, cell)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        Self::maybe(value, Into::into)
    }
}

/// A type that can be shown as a row of a table.
pub trait Row: DeserializeOwned {
    /// The column headings.
    const COLUMNS: &'static [&'static str];

    /// Returns the values, one per column.
    fn cells(self) -> Vec<Cell>;
}

/// A type that can be shown by itself, as named fields.
pub trait DetailView: DeserializeOwned {
    /// Returns the name and the value of each field; fields without a value are not shown.
    fn fields(self) -> Vec<(String, Cell)>;
}

/// Returns a field of a detail view.
pub fn field(name: &str, value: impl Into<Cell>) -> (String, Cell) {
    (name.to_owned(), value.into())
}
