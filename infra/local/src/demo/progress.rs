//! The progress of the large import: a bar on a terminal, a line for each tenth elsewhere.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::print::{DIM, grouped};

/// Number of lines per stage if the output is not a terminal.
const LINES_PER_STAGE: u64 = 10;

/// The progress of one import, stage by stage.
pub(super) struct DemoProgress {
    bar: ProgressBar,
    stage: &'static str,
    /// Number of tenths printed for the stage.
    printed_tenths: u64,
}

impl DemoProgress {
    /// Creates the progress of an import of `total` records.
    pub(super) fn new(total: u64) -> Self {
        let target = if io::stdout().is_terminal() && io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "   {msg:9} {wide_bar} {human_pos}/{human_len} {per_sec}";
        Self {
            bar: match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            },
            stage: "",
            printed_tenths: 0,
        }
    }

    /// Shows the number of records that completed a stage.
    pub(super) fn show(
        &mut self,
        stage: &'static str,
        records: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.stage != stage {
            self.stage = stage;
            self.printed_tenths = 0;
            self.bar.reset();
            self.bar.set_message(stage);
        }
        self.bar.set_position(records);
        let total = self.bar.length().unwrap_or(0);
        let tenths = (records * LINES_PER_STAGE).checked_div(total).unwrap_or(0);
        if !self.bar.is_hidden() || tenths <= self.printed_tenths {
            return Ok(());
        }
        self.printed_tenths = tenths;
        writeln!(
            out,
            "   {DIM}{stage}: {} of {} records{DIM:#}",
            grouped(records),
            grouped(total)
        )?;
        out.flush()
    }

    /// Removes the bar from the terminal.
    pub(super) fn clear(self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_line_is_printed_for_each_tenth_of_a_stage() {
        let mut progress = DemoProgress::new(2_000);
        progress.bar.set_draw_target(ProgressDrawTarget::hidden());
        let mut out = Vec::new();
        for (stage, records) in [
            ("checking", 0),
            ("checking", 199),
            ("checking", 1_200),
            ("checking", 1_201),
            ("applying", 100),
            ("applying", 2_000),
        ] {
            progress.show(stage, records, &mut out).unwrap();
        }
        let printed = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(
            printed,
            "   checking: 1,200 of 2,000 records\n   applying: 2,000 of 2,000 records\n"
        );
    }
}
