//! Run ids.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time_uuid::time_ordered;

/// Number of partitions that the `OPEN` rows are spread over.
pub(crate) const OPEN_RUN_SHARDS: u8 = 16;

/// Id of a run: a UUID of version 7, so its text form sorts by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Uuid);

impl RunId {
    /// Generates the id of a run that starts at `now`.
    #[must_use]
    pub fn generate(now: Timestamp) -> Self {
        Self(time_ordered(now))
    }

    /// Parses the canonical text form; returns `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // `Uuid` also accepts braces, URNs, upper case and text without hyphens; a run has exactly
        // one spelling.
        let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let id = Uuid::try_parse(text).ok()?;
        (canonical && id.get_version_num() == 7).then_some(Self(id))
    }

    /// Returns the id that sorts before those of all runs started at `at` or later, and after all
    /// others.
    pub(crate) fn earliest(at: Timestamp) -> Self {
        // Ids have millisecond precision, so a time within a millisecond is rounded up.
        let round_up = i64::from(at.subsec_nanosecond() % 1_000_000 > 0);
        let millis = at.as_millisecond().saturating_add(round_up);
        let millis = u64::try_from(millis).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// Returns the text that sorts right before this id.
    pub(crate) fn text_before(&self) -> String {
        let before = Uuid::from_u128(self.0.as_u128().saturating_sub(1));
        before.as_hyphenated().to_string()
    }

    /// Returns the partition of its `OPEN` row, taken from the last byte, which is random.
    pub(crate) fn shard(&self) -> u8 {
        self.0
            .as_bytes()
            .last()
            .map_or(0, |byte| byte % OPEN_RUN_SHARDS)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("invalid run id")
    }
}

impl TryFrom<String> for RunId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_round_trip_through_text() {
        let ids: Vec<_> = (0..5)
            .map(|second| RunId::generate(Timestamp::from_second(1_800_000_000 + second).unwrap()))
            .collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().map(ToString::to_string).is_sorted());
        for id in ids {
            assert_eq!(RunId::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn earliest_separates_the_ids_before_a_time_from_later_ones() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let id = RunId::generate(at("2026-11-22T01:02:03.004Z")).to_string();
        for (time, since) in [
            ("1960-01-01T00:00:00Z", true),
            ("2026-11-22T01:02:03.0035Z", true),
            ("2026-11-22T01:02:03.004Z", true),
            ("2026-11-22T01:02:03.004000001Z", false),
            ("2026-11-22T01:02:03.005Z", false),
        ] {
            let earliest = RunId::earliest(at(time));
            assert_eq!(id >= earliest.to_string(), since, "{time}");
            assert_eq!(id <= earliest.text_before(), !since, "{time}");
        }
    }

    #[test]
    fn a_run_has_one_spelling() {
        let id = "018bcfe5-687b-7fff-bfff-ffffffffffff";
        assert!(RunId::parse(id).is_some());
        for wrong in [
            String::new(),
            id.to_uppercase(),
            id.replace('-', ""),
            format!("{{{id}}}"),
            "00000000-0000-4000-8000-000000000000".to_owned(),
        ] {
            assert_eq!(RunId::parse(&wrong), None, "{wrong}");
        }
    }
}
