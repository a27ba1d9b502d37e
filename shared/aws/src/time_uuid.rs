//! UUIDs that sort by time as strings.

use jiff::Timestamp;
use uuid::Uuid;

/// Returns a new UUID of version 7.
pub(crate) fn time_ordered(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let random = rand::random::<[u8; 10]>();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
