//! Progress of long operations: a bar on a terminal; elsewhere plain lines on standard error, one
//! per tenth or every few seconds.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::number::grouped;
use crate::output::stderr;

/// Longest time between two lines: on a slow connection a tenth may take hours.
const MAX_LINE_INTERVAL: Duration = Duration::from_secs(10);
const SPINNER_TICK: Duration = Duration::from_millis(120);

/// Returns a spinner on standard error, hidden unless that is a terminal with colours.
pub fn spinner(message: String) -> ProgressBar {
    let spinner = bar(None, "{spinner} {msg} {elapsed}").with_message(message);
    if !spinner.is_hidden() {
        spinner.enable_steady_tick(SPINNER_TICK);
    }
    spinner
}

/// Returns a progress bar in bytes on standard error, hidden unless that is a terminal.
pub fn byte_bar(total: Option<u64>) -> ProgressBar {
    bar(
        total,
        "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
    )
}

fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    // NO_COLOR selects plain lines.
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

/// The unit of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes; the rate is measured here.
    Bytes,
    /// Records; the server reports the rate.
    Records,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Records => "records",
        }
    }

    const fn template(self) -> &'static str {
        match self {
            Self::Bytes => {
                "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}"
            }
            Self::Records => "{msg} {wide_bar} {human_pos}/{human_len} {prefix}",
        }
    }
}

/// The current state of one stage.
pub struct Stage<'a> {
    /// The name: `uploading users.json`.
    pub name: &'a str,
    /// The unit of `done` and `total`.
    pub unit: Unit,
    /// Units done.
    pub done: u64,
    /// Units in total, once known.
    pub total: Option<u64>,
    /// Additional text, such as the remaining time.
    pub note: &'a str,
}

impl<'a> Stage<'a> {
    /// Returns a stage that counts bytes.
    pub const fn bytes(name: &'a str, done: u64, total: u64) -> Self {
        Self {
            name,
            unit: Unit::Bytes,
            done,
            total: Some(total),
            note: "",
        }
    }

    fn total(&self) -> Option<u64> {
        self.total.filter(|total| *total > 0)
    }

    fn line(&self) -> String {
        let Self {
            name,
            unit,
            done,
            note,
            ..
        } = self;
        let Some(total) = self.total() else {
            return (*name).to_owned();
        };
        let comma = if note.is_empty() { "" } else { ", " };
        format!(
            "{name}: {} of {} {} ({} %){comma}{note}",
            grouped(*done),
            grouped(total),
            unit.as_str(),
            self.share(100),
        )
    }

    /// Returns the share that is done, as a number of `parts`.
    fn share(&self, parts: u64) -> u64 {
        let total = u128::from(self.total().unwrap_or(1));
        let done = u128::from(self.done).min(total);
        u64::try_from(done * u128::from(parts) / total).unwrap_or(parts)
    }
}

/// Shows the progress of a command, stage by stage.
pub struct ProgressReporter {
    bar: ProgressBar,
    /// The last line shown: name, whether the total was known, tenths done, and time.
    last: Option<(String, bool, u64, Instant)>,
}

impl ProgressReporter {
    /// Returns a reporter that has shown nothing yet.
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            last: None,
        }
    }

    /// Returns the bar, for printing lines above it.
    pub fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Shows the state of a stage. A new name starts a new stage.
    pub fn show(&mut self, stage: &Stage<'_>) {
        let (known, tenths, now) = (stage.total().is_some(), stage.share(10), Instant::now());
        let before = match &self.last {
            Some((name, was_known, tenths, at)) if name == stage.name && *was_known == known => {
                Some((*tenths, *at))
            }
            _ => None,
        };
        if before.is_none() {
            self.begin(stage);
        }
        self.bar.set_prefix(stage.note.to_owned());
        self.bar.set_position(stage.done);
        let is_due = before.is_none_or(|(before, at)| {
            known && (tenths > before || now.duration_since(at) >= MAX_LINE_INTERVAL)
        });
        if !is_due {
            return;
        }
        if self.bar.is_hidden() {
            stderr::println(&stage.line());
        }
        self.last = Some((stage.name.to_owned(), known, tenths, now));
    }

    /// Removes the bar.
    pub fn end(&mut self) {
        self.bar.finish_and_clear();
        *self = Self::new();
    }

    fn begin(&mut self, stage: &Stage<'_>) {
        self.bar.finish_and_clear();
        let name = stage.name.to_owned();
        let bar = match stage.total() {
            Some(total) => bar(Some(total), stage.unit.template()).with_message(name),
            None => spinner(name),
        };
        // Complete before it is drawn. Work done earlier does not count for the estimate.
        self.bar = bar
            .with_prefix(stage.note.to_owned())
            .with_position(stage.done);
        self.bar.reset_eta();
    }
}

#[cfg(test)]
mod tests {
    use super::{Stage, Unit};

    fn line(done: u64, total: Option<u64>, note: &str) -> String {
        let stage = Stage {
            name: "applying",
            unit: Unit::Records,
            done,
            total,
            note,
        };
        stage.line()
    }

    #[test]
    fn a_line_shows_done_and_total_once_the_total_is_known() {
        let note = "about 3.0 s left";
        assert_eq!(
            line(1_500, Some(2_000), note),
            "applying: 1,500 of 2,000 records (75 %), about 3.0 s left"
        );
        assert_eq!(line(9, Some(8), ""), "applying: 9 of 8 records (100 %)");
        assert_eq!(line(0, None, note), "applying");
        assert_eq!(line(0, Some(0), note), "applying");
    }
}
