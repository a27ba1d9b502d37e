//! Points in time and durations, as a person writes and reads them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time: short in a person's zone, or RFC 3339 in UTC.
pub fn time(at: Timestamp, zone: Option<&TimeZone>) -> String {
    match zone {
        Some(zone) => at
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string(),
        None => rfc3339(at),
    }
}

/// RFC 3339 with milliseconds, in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Milliseconds in the units that a person would choose.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..=59 => format!("{seconds}.{} s", milliseconds % 1_000 / 100),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A length of time such as `90s`, `30m`, `12h`, `7d` or `2w`, in seconds.
pub fn parse_duration(text: &str) -> Result<u64, &'static str> {
    seconds(text).ok_or("no length of time: write 90s, 30m, 12h, 7d or 2w")
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

/// A point in time: a length of time before now, a day (its first moment here), or RFC 3339.
pub fn parse_moment(text: &str) -> Result<Timestamp, &'static str> {
    moment(text, Timestamp::now(), &TimeZone::system())
        .ok_or("no point in time: write 2h, 7d, 2026-11-01 or 2026-11-01T08:30:00Z")
}

fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
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
    fn durations_read_in_the_unit_that_fits() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_999, "59.9 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (180_000_000, "2 d 2 h"),
        ] {
            assert_eq!(duration(milliseconds), text);
        }
    }

    #[test]
    fn a_moment_is_a_while_ago_a_day_or_a_full_time() {
        let now: Timestamp = "2026-11-22T01:02:03Z".parse().unwrap();
        let of = |text| moment(text, now, &TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!(rfc3339(of("2h").unwrap()), "2026-11-21T23:02:03.000Z");
        assert_eq!(rfc3339(of("1w").unwrap()), "2026-11-15T01:02:03.000Z");
        assert_eq!(
            rfc3339(of("2026-11-01").unwrap()),
            "2026-10-31T22:00:00.000Z"
        );
        assert_eq!(
            rfc3339(of("2026-11-01T08:30:00+02:00").unwrap()),
            "2026-11-01T06:30:00.000Z"
        );
        for wrong in ["", "h", "2", "yesterday", "2026-11-31", "2y", "-2h"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_short_for_people_and_exact_for_programs() {
        let at: Timestamp = "2026-11-22T23:02:03.456Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(time(at, Some(&zone)), "2026-11-23 01:02");
        assert_eq!(time(at, None), "2026-11-22T23:02:03.456Z");
    }
}
