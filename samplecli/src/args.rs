//! Parsers of argument values: names, ids, scopes, durations and points in time.

use std::collections::BTreeSet;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_api::Scope;

/// Parses the name of a robot or an operator. The server's rule: names are segments of URL paths.
pub fn name(text: &str) -> Result<String, &'static str> {
    let fits = (1..=128).contains(&text.chars().count())
        && text.trim() == text
        && !text.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%'))
        && !text.chars().all(|c| c == '.');
    fits.then(|| text.to_owned()).ok_or(
        "expected 1 to 128 characters, without surrounding spaces or any of / \\ ? # %, and not \
         only dots",
    )
}

/// Parses the id of an import, a segment of URL paths.
pub fn import_id(text: &str) -> Result<String, &'static str> {
    name(text).map_err(|_| "expected the id of an import, as shown by `muster import`")
}

/// Parses the id of a task.
pub fn task_id(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "expected the id of a task, a whole number such as 206")
}

/// Returns a parser of the dialects that a token may use.
pub fn scope() -> impl TypedValueParser<Value = Scope> {
    let find = |name: String| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
    PossibleValuesParser::new(Scope::ALL.map(Scope::as_str))
        .try_map(move |name| find(name).ok_or("unknown dialect"))
}

/// Returns the scopes given, or `None` if no scope is given.
pub fn scopes(given: &[Scope]) -> Option<BTreeSet<Scope>> {
    (!given.is_empty()).then(|| given.iter().copied().collect())
}

/// Returns the value of a pair of opposite flags, or `None` if neither is given.
pub fn switch(on: bool, off: bool) -> Option<bool> {
    (on || off).then_some(on)
}

/// Parses a duration such as `90s`, `30m`, `12h`, `7d` or `2w` into seconds.
pub fn duration(text: &str) -> Result<u64, &'static str> {
    seconds(text).ok_or("invalid duration: expected 90s, 30m, 12h, 7d or 2w")
}

fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(seconds)
}

/// Parses a point in time: a duration before now, a date (midnight in the local zone), or RFC 3339.
pub fn timestamp(text: &str) -> Result<Timestamp, &'static str> {
    timestamp_at(text, Timestamp::now(), &TimeZone::system())
        .ok_or("invalid time: expected 2h, 7d, 2026-11-01 or 2026-11-01T08:30:00Z")
}

fn timestamp_at(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Some(ago) = seconds(text) {
        let ago = SignedDuration::from_secs(i64::try_from(ago).ok()?);
        return now.checked_sub(ago).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if text.len() != "2026-11-01".len() {
        return None;
    }
    let day: Date = text.parse().ok()?;
    Some(day.to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_duration_ago_a_date_or_rfc_3339() {
        let now: Timestamp = "2026-11-22T01:02:03Z".parse().unwrap();
        let parsed = |text| timestamp_at(text, now, &TimeZone::fixed(jiff::tz::offset(2)));
        for (text, expected) in [
            ("2h", "2026-11-21T23:02:03Z"),
            ("1w", "2026-11-15T01:02:03Z"),
            ("2026-11-01", "2026-10-31T22:00:00Z"),
            ("2026-11-01T08:30:00+02:00", "2026-11-01T06:30:00Z"),
        ] {
            assert_eq!(parsed(text), expected.parse().ok(), "{text}");
        }
        for invalid in ["", "h", "2", "yesterday", "2026-11-31", "2y", "-2h"] {
            assert_eq!(parsed(invalid), None, "{invalid}");
        }
    }
}
