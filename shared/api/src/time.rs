//! Timestamps as the API writes them: RFC 3339 in UTC, always with milliseconds, so that they sort
//! as text.

use jiff::Timestamp;
use serde::Serializer;

/// Serializes a timestamp.
pub(crate) fn millis<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

/// Serializes a timestamp or null.
pub(crate) fn millis_option<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => millis(at, serializer),
        None => serializer.serialize_none(),
    }
}
