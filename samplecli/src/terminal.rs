//! What a person sees: text on standard output and standard error, colours only on a terminal,
//! progress only on a terminal, and nothing from a file or a server that could steer one.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use anstyle::AnsiColor;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use muster_core::run::Status;

use crate::failure::Failure;

/// Writes text to standard output, its colours only where they are wanted. A reader that has gone
/// (`| head`) is not a failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes data to standard output, byte for byte, and ends its last line.
pub fn print_data(data: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let end: &[u8] = if data.ends_with(b"\n") { b"" } else { b"\n" };
    unless_closed(
        out.write_all(data)
            .and_then(|()| out.write_all(end))
            .and_then(|()| out.flush()),
    )
}

/// Takes a closed pipe for success.
pub fn unless_closed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a line to standard error. Where that is gone, nobody is left to be told.
pub fn say(line: &str) {
    writeln!(anstream::stderr(), "{line}").ok();
}

/// Text from elsewhere, fit to be shown: control characters and those that turn the writing
/// direction are spelled out, so that no record can steer the terminal.
pub fn shown(text: &str) -> Cow<'_, str> {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if steers(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// A spinner on standard error, hidden unless that is a terminal that takes more than plain lines.
pub fn spinner(message: String) -> ProgressBar {
    let spinner = bar_on_terminal(None, "{spinner} {msg} {elapsed}").with_message(message);
    if !spinner.is_hidden() {
        spinner.enable_steady_tick(Duration::from_millis(120));
    }
    spinner
}

/// A progress bar in bytes on standard error, hidden unless that is a terminal.
pub fn byte_bar(total: Option<u64>) -> ProgressBar {
    bar_on_terminal(
        total,
        "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
    )
}

/// A bar on standard error, hidden unless that is a terminal.
pub fn bar_on_terminal(total: Option<u64>, template: &str) -> ProgressBar {
    // Who wants no colours wants plain lines.
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let target = if io::stderr().is_terminal() && !plain {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(total, target);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Rows of names and values, the values below each other.
pub fn table(rows: impl IntoIterator<Item = (&'static str, String)>) -> String {
    rows.into_iter()
        .map(|(name, value)| format!("{name:<18}{value}\n"))
        .collect()
}

/// How a run ended, in the colour of it.
pub fn coloured(status: Status) -> String {
    let colour = match status {
        Status::Success => AnsiColor::Green,
        Status::PartialSuccess => AnsiColor::Yellow,
        Status::Failure => AnsiColor::Red,
    };
    let style = colour.on_default().bold();
    format!("{style}{status}{style:#}")
}

/// A number with its thousands apart: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 record`, `2,000 records`.
pub fn counted(number: u64, thing: &str) -> String {
    format!(
        "{} {thing}{}",
        grouped(number),
        if number == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::{counted, grouped, shown};

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "record"), "1 record");
    }

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(
            shown("Jiří \u{1b}[31m\u{9b}2J\u{202e}"),
            "Jiří \\u{1b}[31m\\u{9b}2J\\u{202e}"
        );
    }
}
