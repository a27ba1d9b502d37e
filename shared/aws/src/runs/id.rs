//! The names of runs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many lists the open runs are spread over.
pub(crate) const SHARDS: u8 = 16;

/// The name of a run: a UUID of version 7, so texts sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Uuid);

/// A new UUID of version 7.
pub(crate) fn time_ordered(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let random = rand::random::<[u8; 10]>();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

impl RunId {
    /// A new name for a run that begins at `now`.
    #[must_use]
    pub fn generate(now: Timestamp) -> Self {
        Self(time_ordered(now))
    }

    /// Reads the text form; anything else names no run.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // `Uuid` also reads braces, URNs, upper case and texts without hyphens: one run, one name.
        let spelt = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let id = Uuid::try_parse(text).ok()?;
        (spelt && id.get_version_num() == 7).then_some(Self(id))
    }

    /// The list of open runs that it is in; the last byte of an id is random.
    pub(crate) fn shard(&self) -> u8 {
        self.0.as_bytes().last().map_or(0, |byte| byte % SHARDS)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl TryFrom<String> for RunId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not the id of a run")
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
    fn ids_sort_by_time_and_come_back_from_their_text() {
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
