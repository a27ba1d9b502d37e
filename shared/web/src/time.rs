//! Times as the API writes them: RFC 3339 in UTC, always with milliseconds, so that texts sort as
//! times do.

use jiff::Timestamp;
use serde::Serializer;

/// Serde: one time.
///
/// # Errors
/// Those of the serializer.
pub fn millis<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{at:.3}"))
}

/// Serde: one time, or null.
///
/// # Errors
/// Those of the serializer.
pub fn optional<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => millis(at, to),
        None => to.serialize_none(),
    }
}
