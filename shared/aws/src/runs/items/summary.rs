//! Summaries of segments, as stored in an index row or a chunk row.

use std::collections::{BTreeMap, BTreeSet};

use muster_core::item::{Item, Severity};
use muster_core::login::canon;
use serde::{Deserialize, Serialize};

use super::bloom::{self, Probe};
use super::{count, count_codes};

/// Maximum bytes of a segment's keys; every record may have other keys.
const MAX_KEY_BYTES: usize = 2_000;

/// Summary of one segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::runs) struct SegmentSummary {
    /// Number of its first item.
    pub(in crate::runs) first: u64,
    /// Number of items.
    pub(in crate::runs) count: u64,
    /// Smallest and largest record number; absent if no item is about a record.
    pub(in crate::runs) records: Option<(u64, u64)>,
    /// Number of items by code.
    pub(in crate::runs) codes: BTreeMap<String, u64>,
    /// Number of items by severity.
    pub(in crate::runs) severities: BTreeMap<Severity, u64>,
    /// Number of items by JSON key; absent if there are too many keys.
    pub(in crate::runs) keys: Option<BTreeMap<String, u64>>,
    /// Size of its Bloom filter, in bytes.
    pub(in crate::runs) login_bytes: usize,
}

impl SegmentSummary {
    /// Returns the summary of the segment with these items, and its Bloom filter.
    pub(in crate::runs) fn of(first: u64, items: &[Item]) -> (Self, Vec<u8>) {
        let mut severities = BTreeMap::new();
        for item in items {
            *severities.entry(item.severity).or_default() += 1;
        }
        let records = items.iter().filter_map(|item| item.record);
        let keys = count(items.iter().filter_map(|item| item.key.as_deref()));
        // All items of a record have the same login; each login is hashed once.
        let logins: BTreeSet<&str> = items.iter().filter_map(|it| it.login.as_deref()).collect();
        let logins = logins.into_iter().map(|login| Probe::of(&canon(login)));
        let logins: BTreeSet<Probe> = logins.collect();
        let logins = bloom::filter(&Vec::from_iter(logins));
        let summary = Self {
            first,
            count: items.len() as u64,
            records: records.clone().min().zip(records.max()),
            codes: count_codes(items),
            severities,
            keys: Some(keys)
                .filter(|keys| keys.keys().map(String::len).sum::<usize>() < MAX_KEY_BYTES),
            login_bytes: logins.len(),
        };
        (summary, logins)
    }

    pub(in crate::runs) const fn end(&self) -> u64 {
        self.first + self.count
    }
}
