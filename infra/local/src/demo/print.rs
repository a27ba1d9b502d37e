//! The output format of the demo. `anstream` removes colours if stdout is not a terminal.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use muster_core::value::Value;

use super::checks::Checks;

pub(super) const TITLE: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Prints the last lines: success, or the list of failed checks.
pub(super) fn print_summary(
    out: &mut impl Write,
    checks: &Checks,
    elapsed: Duration,
) -> io::Result<()> {
    if checks.failures().is_empty() {
        writeln!(
            out,
            "{GOOD}All {} checks passed{GOOD:#} in {}. Everything was stopped and removed.\n\
             Next: {TITLE}cargo run --release -p muster-local -- up{TITLE:#} starts a stack to work with and prints how to sign in.",
            checks.passed(),
            duration(elapsed)
        )
    } else {
        writeln!(
            out,
            "{BAD}Checks failed{BAD:#} ({} of {}):",
            checks.failures().len(),
            checks.passed() as usize + checks.failures().len()
        )?;
        checks
            .failures()
            .iter()
            .try_for_each(|failure| writeln!(out, "  - {failure}"))
    }
}

/// Formats an attribute value.
pub(super) fn value_text(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Texts(texts) => texts.join(", "),
        Value::Integers(numbers) => format!("{numbers:?}"),
    }
}

/// Formats a duration with its unit.
pub(super) fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// Formats a number with thousands separators.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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
    fn thousands_are_separated() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    fn summary(checks: &Checks) -> String {
        let mut out = Vec::new();
        print_summary(&mut out, checks, Duration::from_millis(1_250)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_failed_check_changes_the_summary() {
        let mut checks = Checks::default();
        checks.equal("created", 2, 2);
        assert!(summary(&checks).contains("All 1 checks passed"));
        assert!(summary(&checks).contains("1.2 s"));
        checks.equal("unchanged", 2, 0);
        let text = summary(&checks);
        assert!(text.contains("(1 of 2)"), "{text}");
        assert!(text.contains("- unchanged: expected 2, found 0"), "{text}");
    }
}
