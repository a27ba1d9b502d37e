//! Points in time and durations as people and programs read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Formats a point in time: to the minute in a zone, or RFC 3339 in UTC without one.
pub fn timestamp(at: Timestamp, zone: Option<&TimeZone>) -> String {
    match zone {
        Some(zone) => at
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string(),
        None => rfc3339(at),
    }
}

/// Formats a point in time as RFC 3339 with milliseconds, in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Formats milliseconds in the two largest units that fit.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_use_the_largest_units_that_fit() {
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
    fn a_time_is_short_for_people_and_exact_for_programs() {
        let at: Timestamp = "2026-11-22T23:02:03.456Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(timestamp(at, Some(&zone)), "2026-11-23 01:02");
        assert_eq!(timestamp(at, None), "2026-11-22T23:02:03.456Z");
    }
}
