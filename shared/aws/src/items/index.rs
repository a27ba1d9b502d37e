//! The index of a run's items: a row tells of up to 200 segments that follow each other what they
//! hold, another one beside it has their Bloom filters of logins. The second is written first, and
//! read only where a login is sought.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use muster_core::item::{Item, Severity};
use muster_core::login::canon;
use serde::{Deserialize, Serialize};

use super::bloom::{self, Probe};
use super::{Span, count, key};
use crate::StoreError;
use crate::row::{self, Attributes};
use crate::runs::RunId;

/// Segments of an index row; their Bloom filters take 1,500 bytes each at most.
const SEGMENTS: usize = 200;
/// Bytes of what a row tells of them as JSON; a row ends at 400 KB.
const BYTES: usize = 200_000;
/// Bytes of the keys of a segment; there may be others in each record.
const KEY_BYTES: usize = 2_000;
const LOGINS_WHAT: &str = "the logins of items";
const LOGINS_PREFIX: &str = "ITEMLOGINS#";

/// What the index tells of one segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The number of its first item.
    pub(crate) first: u64,
    /// How many items it has.
    pub(crate) count: u64,
    /// The smallest and the largest number of a record; absent: no item is about a record.
    pub(crate) records: Option<(u64, u64)>,
    /// How many items, by code.
    pub(crate) codes: BTreeMap<String, u64>,
    /// How many items, by severity.
    pub(crate) severities: BTreeMap<Severity, u64>,
    /// How many items, by JSON key; absent: there are too many keys to tell.
    pub(crate) keys: Option<BTreeMap<String, u64>>,
    /// Bytes of its Bloom filter.
    pub(crate) login_bytes: usize,
}

impl Entry {
    /// What there is to tell of the segment of these items, and its Bloom filter.
    pub(crate) fn of(first: u64, items: &[Item]) -> (Self, Vec<u8>) {
        let mut severities = BTreeMap::new();
        for item in items {
            *severities.entry(item.severity).or_default() += 1;
        }
        let records = items.iter().filter_map(|item| item.record);
        let keys = count(items.iter().filter_map(|item| item.key.as_deref()));
        // A record's items all have its login: each is looked at once.
        let logins: BTreeSet<&str> = items.iter().filter_map(|it| it.login.as_deref()).collect();
        let logins = logins.into_iter().map(|login| Probe::of(&canon(login)));
        let logins: BTreeSet<Probe> = logins.collect();
        let logins = bloom::filter(&Vec::from_iter(logins));
        let entry = Self {
            first,
            count: items.len() as u64,
            records: records.clone().min().zip(records.max()),
            codes: super::count_codes(items),
            severities,
            keys: Some(keys).filter(|keys| keys.keys().map(String::len).sum::<usize>() < KEY_BYTES),
            login_bytes: logins.len(),
        };
        (entry, logins)
    }

    pub(crate) const fn end(&self) -> u64 {
        self.first + self.count
    }
}

/// The Bloom filters of an index row's segments, one behind the other.
#[derive(Debug)]
pub(super) struct Logins(pub(super) Vec<u8>);

impl Logins {
    pub(super) fn key(run: &RunId, first: u64) -> row::Key {
        key(run, LOGINS_PREFIX, first)
    }

    /// Reads the row.
    pub(super) fn decode(mut row: Attributes) -> Result<Self, StoreError> {
        match row.remove("logins") {
            Some(AttributeValue::B(logins)) => Ok(Self(logins.into_inner())),
            _ => Err(StoreError::Row {
                row: LOGINS_WHAT,
                reason: "the filters are missing, or are not bytes".to_owned(),
            }),
        }
    }
}

/// A row of the index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IndexRow {
    /// The number of its first item.
    first: u64,
    /// How many items its segments have.
    count: u64,
    /// The segments as JSON: a map's name, as DynamoDB has it, is never empty, and a key may be.
    segments: String,
    expires_at: i64,
}

impl Span for IndexRow {
    const WHAT: &'static str = "an index of items";
    const PREFIX: &'static str = "ITEMINDEX#";

    fn first(&self) -> u64 {
        self.first
    }

    fn end(&self) -> u64 {
        self.first + self.count
    }
}

impl IndexRow {
    /// What it tells of its segments, in their order.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        serde_json::from_str(&self.segments).map_err(|_| StoreError::Row {
            row: Self::WHAT,
            reason: "the segments are not what this version writes".to_owned(),
        })
    }
}

/// Two rows of the index that belong together.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) logins: Attributes,
    pub(super) index: Attributes,
}

/// The index of segments that follow each other without a gap.
pub(super) fn rows(
    run: &RunId,
    segments: Vec<(Entry, Vec<u8>)>,
    expires_at: i64,
) -> Result<Vec<Indexed>, StoreError> {
    let mut rows = Vec::new();
    let mut open = Open::default();
    for (entry, logins) in segments {
        let json = serde_json::to_string(&entry).map_err(|_| StoreError::Row {
            row: IndexRow::WHAT,
            reason: "a segment cannot be told of as JSON".to_owned(),
        })?;
        if !open.has_room(&json) {
            rows.extend(std::mem::take(&mut open).close(run, expires_at)?);
        }
        open.push(&entry, &json, &logins);
    }
    rows.extend(open.close(run, expires_at)?);
    Ok(rows)
}

/// A row of the index that is being filled.
#[derive(Debug, Default)]
struct Open {
    first: u64,
    end: u64,
    segments: usize,
    json: String,
    logins: Vec<u8>,
}

impl Open {
    fn has_room(&self, json: &str) -> bool {
        self.segments < SEGMENTS && self.json.len() + json.len() < BYTES
    }

    fn push(&mut self, entry: &Entry, json: &str, logins: &[u8]) {
        if self.segments == 0 {
            self.first = entry.first;
        } else {
            self.json.push(',');
        }
        self.end = entry.end();
        self.segments += 1;
        self.json.push_str(json);
        self.logins.extend_from_slice(logins);
    }

    fn close(self, run: &RunId, expires_at: i64) -> Result<Option<Indexed>, StoreError> {
        let Self {
            first,
            end,
            segments,
            json,
            logins,
        } = self;
        if segments == 0 {
            return Ok(None);
        }
        let row = IndexRow {
            first,
            count: end - first,
            segments: format!("[{json}]"),
            expires_at,
        };
        let index = row::encode(IndexRow::WHAT, &key(run, IndexRow::PREFIX, first), &row)?;
        let mut filters = Logins::key(run, first).attributes();
        filters.insert("logins".to_owned(), AttributeValue::B(Blob::new(logins)));
        filters.insert(row::EXPIRES_AT.to_owned(), row::number(expires_at));
        Ok(Some(Indexed {
            logins: filters,
            index,
        }))
    }
}
