//! Patterns of dates that a task sets: `M/D/YYYY *`.

use jiff::civil::Date;

/// Maximum characters of a pattern.
const MAX_PATTERN_CHARS: usize = 40;

/// How the dates of a task are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatePattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Four digits.
    Year,
    /// Two digits, or one or two.
    Month { padded: bool },
    /// Two digits, or one or two.
    Day { padded: bool },
    /// This character.
    Literal(char),
    /// A time of day, which is dropped.
    Time,
}

impl DatePattern {
    /// Parses a pattern: `YYYY`, `MM` or `M`, `DD` or `D`, each once and in any order; a `*` at the end
    /// for a time of day, which is dropped: straight after the date, `T` or white space comes before it,
    /// or there is none; other characters but ASCII letters and digits stand for
    /// themselves, and so does `T`.
    ///
    /// # Errors
    /// Returns what is wrong with the pattern.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.chars().count() > MAX_PATTERN_CHARS {
            return Err(format!("longer than {MAX_PATTERN_CHARS} characters"));
        }
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            let after = rest.trim_start_matches(first);
            let run = rest.len() - after.len();
            let part = match (first, run) {
                ('Y', 4) => Part::Year,
                ('M', 1 | 2) => Part::Month { padded: run == 2 },
                ('D', 1 | 2) => Part::Day { padded: run == 2 },
                ('*', 1) if after.is_empty() => Part::Time,
                ('T', _) => Part::Literal(first),
                (other, _) if other.is_ascii_alphanumeric() || other == '*' => {
                    return Err(format!(
                        "expected YYYY, MM or M, DD or D, and a `*` at most at the end, found {}",
                        rest.get(..run).unwrap_or(rest)
                    ));
                }
                (other, _) => Part::Literal(other),
            };
            if let Part::Literal(_) = part {
                parts.push(part);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            } else {
                parts.push(part);
                rest = after;
            }
        }
        let count = |is: fn(&Part) -> bool| parts.iter().filter(|part| is(part)).count();
        for (name, number) in [
            ("YYYY", count(|part| matches!(part, Part::Year))),
            ("MM or M", count(|part| matches!(part, Part::Month { .. }))),
            ("DD or D", count(|part| matches!(part, Part::Day { .. }))),
        ] {
            if number != 1 {
                return Err(format!("expected {name} once, found it {number} times"));
            }
        }
        let is_number = |part: &Part| !matches!(part, Part::Literal(_) | Part::Time);
        let is_unpadded = |part: &Part| {
            matches!(
                part,
                Part::Month { padded: false } | Part::Day { padded: false }
            )
        };
        if parts.windows(2).any(|two| match two {
            [one, next] => is_unpadded(one) && is_number(next),
            _ => false,
        }) {
            return Err("M and D need a separator after them: write MM and DD".to_owned());
        }
        Ok(Self {
            text: pattern.to_owned(),
            parts,
        })
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the day that a trimmed text means; `None` if it is not written so.
    #[must_use]
    pub fn day(&self, text: &str) -> Option<Date> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for (position, part) in self.parts.iter().enumerate() {
            let previous = position.checked_sub(1).and_then(|at| self.parts.get(at));
            match part {
                Part::Year => (year, rest) = digits(rest, 4, 4)?,
                Part::Month { padded } => {
                    (month, rest) = digits(rest, if *padded { 2 } else { 1 }, 2)?;
                }
                Part::Day { padded } => (day, rest) = digits(rest, if *padded { 2 } else { 1 }, 2)?,
                Part::Literal(c) => rest = rest.strip_prefix(*c)?,
                Part::Time => rest = without_time(rest, previous)?,
            }
        }
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        if !rest.is_empty() || year == 0 {
            return None;
        }
        Date::new(year, month, day).ok()
    }

    /// Returns `true` if some text means one day here and another day there.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        // A day and a month that can be taken for each other, in all widths.
        [(2001, 2, 3), (2001, 11, 12)].into_iter().any(|(y, m, d)| {
            let written = self.write(y, m, d);
            let here = self.day(&written);
            other.day(&written).is_some_and(|there| here != Some(there))
        })
    }

    fn write(&self, year: i16, month: i8, day: i8) -> String {
        let number = |number: i8, padded: bool| {
            if padded {
                format!("{number:02}")
            } else {
                number.to_string()
            }
        };
        let part = |part: &Part| match part {
            Part::Year => format!("{year:04}"),
            Part::Month { padded } => number(month, *padded),
            Part::Day { padded } => number(day, *padded),
            Part::Literal(c) => c.to_string(),
            Part::Time => String::new(),
        };
        let parts = self.parts.iter().map(part).collect::<String>();
        match self.parts.as_slice() {
            [.., Part::Literal(_), Part::Time] => parts + "00:00",
            _ => parts,
        }
    }
}

/// Splits off a number of at least `min` and at most `max` digits.
fn digits(text: &str, min: usize, max: usize) -> Option<(i16, &str)> {
    let length = text
        .bytes()
        .take(max)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, rest) = text.split_at_checked(length)?;
    Some((number.parse().ok().filter(|_| length >= min)?, rest))
}

/// Returns what is left after a time of day: nothing. Straight after the date, `T` or white space comes
/// before it, or there is none.
fn without_time<'t>(text: &'t str, previous: Option<&Part>) -> Option<&'t str> {
    let time = match previous {
        Some(Part::Literal(_)) => text,
        _ if text.is_empty() => return Some(text),
        _ => {
            let time = text.trim_start();
            if time.len() < text.len() {
                time
            } else {
                text.strip_prefix(['T', 't'])?
            }
        }
    };
    is_time(time).then_some("")
}

/// Returns `true` for what may be a time of day with its zone: `12:00:00 AM`, `00:00:00.000Z`.
fn is_time(text: &str) -> bool {
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '+' | '-' | ' ');
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains(':')
        && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(pattern: &str, text: &str) -> Option<String> {
        let day = DatePattern::parse(pattern).unwrap().day(text)?;
        Some(day.to_string())
    }

    #[test]
    fn a_pattern_reads_what_is_written_so() {
        for (pattern, text, expected) in [
            ("M/D/YYYY", "5/1/2024", Some("2024-05-01")),
            ("M/D/YYYY", "05/31/2024", Some("2024-05-31")),
            ("M/D/YYYY", "31/05/2024", None),
            ("MM/DD/YYYY", "5/1/2024", None),
            ("DD.MM.YYYY", "01.05.24", None),
            ("DD.MM.YYYY", "01.05.2024 ", None),
            ("DD.MM.YYYY", "01.05.20245", None),
            ("YYYYMMDD", "20240229", Some("2024-02-29")),
            ("YYYYMMDD", "20230229", None),
            ("YYYYMMDD", "00000000", None),
            (
                "YYYY-MM-DDT*",
                "2024-05-01T22:00:00.000Z",
                Some("2024-05-01"),
            ),
            ("M/D/YYYY *", "5/1/2024 12:00:00 AM", Some("2024-05-01")),
            ("M/D/YYYY *", "5/1/2024", None),
            ("M/D/YYYY *", "5/1/2024 or so", None),
            ("M/D/YYYY *", "5/1/2024 7", None),
            ("M/D/YYYY*", "5/1/2024 12:00:00 AM", Some("2024-05-01")),
            ("YYYY-M-D*", "2024-5-1T22:00:00Z", Some("2024-05-01")),
            ("YYYY-MM-DD*", "2024-05-01 00:00", Some("2024-05-01")),
            ("YYYY-MM-DD*", "2024-05-01", Some("2024-05-01")),
            ("YYYY-MM-DD*", "2024-05-0110:00", None),
            ("YYYY-MM-DD*", "2024-05-01T", None),
            ("YYYY-MM-DD*", "2024-05-01 or so", None),
            ("YYYY年M月D日", "2024年5月1日", Some("2024-05-01")),
        ] {
            assert_eq!(day(pattern, text).as_deref(), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn other_patterns_are_refused() {
        for pattern in [
            "",
            "YYYY",
            "YY-MM-DD",
            "YYYY-MM-DD-DD",
            "MMM/DD/YYYY",
            "YYYY-MM-DD hh",
            "*YYYYMMDD",
            "YYYYMD",
            "DMMYYYY",
            "MM-DD-YYYY**",
        ] {
            assert!(DatePattern::parse(pattern).is_err(), "{pattern}");
        }
        let long = format!("YYYYMMDD{}", "-".repeat(40));
        assert!(DatePattern::parse(&long).is_err());
    }

    #[test]
    fn patterns_contradict_each_other_if_one_text_means_two_days() {
        let contradict = |one: &str, other: &str| {
            let parse = |pattern: &str| DatePattern::parse(pattern).unwrap();
            let (one, other) = (parse(one), parse(other));
            one.contradicts(&other) || other.contradicts(&one)
        };
        assert!(contradict("M/D/YYYY", "DD/MM/YYYY"));
        assert!(contradict("YYYYMMDD", "YYYYDDMM"));
        assert!(contradict("MMDDYYYY", "DDMMYYYY"));
        assert!(!contradict("M/D/YYYY", "DD.MM.YYYY"));
        assert!(!contradict("M/D/YYYY", "MM/DD/YYYY"));
        assert!(!contradict("M/D/YYYY", "M/D/YYYY *"));
        assert!(contradict("M/D/YYYY*", "D/M/YYYY"));
        assert!(contradict("M/D/YYYY *", "D/M/YYYY*"));
    }
}
