//! How far a long piece of work is: a bar on a terminal; elsewhere plain lines on standard error,
//! one for every tenth or every few seconds.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::terminal::{self, grouped};

/// On a slow line a tenth may take hours.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes; how fast they pass is measured here.
    Bytes,
    /// Records; how fast they are written is the server's to say.
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

/// How far one stage of the work is.
pub struct Stage<'a> {
    /// What is being done: `uploading users.json`.
    pub name: &'a str,
    /// What is counted.
    pub unit: Unit,
    /// How many of them are done.
    pub done: u64,
    /// How many there are, once that is known.
    pub total: Option<u64>,
    /// More to say, such as the time that is left.
    pub note: &'a str,
}

impl Stage<'_> {
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

    /// How many parts of so many are done.
    fn share(&self, of: u64) -> u64 {
        let total = u128::from(self.total().unwrap_or(1));
        let done = u128::from(self.done).min(total);
        u64::try_from(done * u128::from(of) / total).unwrap_or(of)
    }
}

/// The progress of one command, stage by stage.
pub struct Progress {
    bar: ProgressBar,
    /// What was shown last: its name, whether its total was known, its tenths, and when.
    last: Option<(String, bool, u64, Instant)>,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            last: None,
        }
    }

    /// The bar, for those who want to say something without spoiling it.
    pub fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Shows how far a stage is. The first call with another name begins another one.
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
        let is_news = before.is_none_or(|(before, at)| {
            known && (tenths > before || now.duration_since(at) >= SAY_EVERY)
        });
        if !is_news {
            return;
        }
        if self.bar.is_hidden() {
            terminal::say(&stage.line());
        }
        self.last = Some((stage.name.to_owned(), known, tenths, now));
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        self.bar.finish_and_clear();
        *self = Self::new();
    }

    fn begin(&mut self, stage: &Stage<'_>) {
        self.bar.finish_and_clear();
        let name = stage.name.to_owned();
        let bar = match stage.total() {
            Some(total) => {
                terminal::bar_on_terminal(Some(total), stage.unit.template()).with_message(name)
            }
            None => terminal::spinner(name),
        };
        // Whole before it is drawn. What was done before says nothing about how fast this goes.
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
    fn a_line_says_how_far_it_is_as_far_as_that_is_known() {
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
