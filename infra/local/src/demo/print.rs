//! How the demo looks: in colour on a terminal only, which is `anstream`'s business.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use muster_core::value::Value;

use super::checks::Checks;

pub(super) const TITLE: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The last lines: all right, or a list of what is wrong.
pub(super) fn conclude(out: &mut impl Write, checks: &Checks, took: Duration) -> io::Result<()> {
    if checks.wrong().is_empty() {
        writeln!(
            out,
            "{GOOD}All {} checks passed{GOOD:#} in {}. Everything has been stopped; nothing is left behind.\n\
             Next: {TITLE}cargo run --release -p muster-local -- up{TITLE:#} keeps it running and prints how to sign in.",
            checks.right(),
            shown(took)
        )
    } else {
        writeln!(
            out,
            "{BAD}Not as it must be{BAD:#} ({} of {} checks):",
            checks.wrong().len(),
            checks.right() as usize + checks.wrong().len()
        )?;
        checks
            .wrong()
            .iter()
            .try_for_each(|wrong| writeln!(out, "  - {wrong}"))
    }
}

/// A value as people write it.
pub(super) fn text(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Texts(texts) => texts.join(", "),
        Value::Integers(numbers) => format!("{numbers:?}"),
    }
}

/// A duration with its unit.
pub(super) fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    fn concluded(checks: &Checks) -> String {
        let mut out = Vec::new();
        conclude(&mut out, checks, Duration::from_millis(1_250)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_wrong_figure_is_the_end_that_is_told() {
        let mut checks = Checks::default();
        checks.equal("created", 2, 2);
        assert!(concluded(&checks).contains("All 1 checks passed"));
        assert!(concluded(&checks).contains("1.2 s"));
        checks.equal("unchanged", 2, 0);
        let text = concluded(&checks);
        assert!(text.contains("(1 of 2 checks)"), "{text}");
        assert!(text.contains("- unchanged: expected 2, found 0"), "{text}");
    }
}
