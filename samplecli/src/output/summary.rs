//! The summary of an import or a check: names and values, one per line.

use anstyle::AnsiColor;
use muster_core::run::Status;

/// Formats rows of names and values, with the values in one column.
pub fn table(rows: impl IntoIterator<Item = (&'static str, String)>) -> String {
    rows.into_iter()
        .map(|(name, value)| format!("{name:<18}{value}\n"))
        .collect()
}

/// Formats a status in its colour.
pub fn coloured(status: Status) -> String {
    let colour = match status {
        Status::Success => AnsiColor::Green,
        Status::PartialSuccess => AnsiColor::Yellow,
        Status::Failure => AnsiColor::Red,
    };
    let style = colour.on_default().bold();
    format!("{style}{status}{style:#}")
}
