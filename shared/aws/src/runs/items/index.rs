//! The index of a run's items: one row summarizes up to 200 consecutive segments, and a second row
//! has the Bloom filters of their logins. The second row is written first, and read only if the
//! filter has a login.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::summary::SegmentSummary;
use super::{Span, key};
use crate::dynamodb::row::{self, Attributes};
use crate::error::StoreError;
use crate::runs::id::RunId;

/// Maximum segments per index row; a Bloom filter takes at most 1,500 bytes.
const MAX_SEGMENTS: usize = 200;
/// Maximum bytes of an index row's JSON summaries; DynamoDB limits a row to 400 KB.
const MAX_SUMMARY_BYTES: usize = 200_000;
const LOGINS_ROW: &str = "the logins of items";
const LOGINS_PREFIX: &str = "ITEMLOGINS#";

/// Concatenated Bloom filters of an index row's segments.
#[derive(Debug)]
pub(super) struct Logins(pub(super) Vec<u8>);

impl Logins {
    pub(super) fn key(run: &RunId, first: u64) -> row::Key {
        key(run, LOGINS_PREFIX, first)
    }

    /// Decodes the row.
    pub(super) fn decode(mut row: Attributes) -> Result<Self, StoreError> {
        match row.remove("logins") {
            Some(AttributeValue::B(logins)) => Ok(Self(logins.into_inner())),
            _ => Err(StoreError::Row {
                row: LOGINS_ROW,
                reason: "the filters are missing or not binary".to_owned(),
            }),
        }
    }
}

/// A row of the index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IndexRow {
    /// Number of its first item.
    first: u64,
    /// Number of items in its segments.
    count: u64,
    /// Segment summaries as JSON: a name in a DynamoDB map cannot be empty, and a key of an item
    /// can.
    segments: String,
    expires_at: i64,
}

row::codec!(IndexRow);

impl Span for IndexRow {
    const ROW: &'static str = "an index of items";
    const PREFIX: &'static str = "ITEMINDEX#";

    fn first(&self) -> u64 {
        self.first
    }

    fn end(&self) -> u64 {
        self.first + self.count
    }
}

impl IndexRow {
    /// Returns the summaries of its segments, in order.
    pub(super) fn entries(&self) -> Result<Vec<SegmentSummary>, StoreError> {
        serde_json::from_str(&self.segments).map_err(|_| StoreError::Row {
            row: Self::ROW,
            reason: "unknown segment format".to_owned(),
        })
    }
}

/// The two rows of the index for the same segments.
#[derive(Debug)]
pub(super) struct IndexRows {
    pub(super) logins: Attributes,
    pub(super) index: Attributes,
}

/// Returns the index rows of consecutive segments.
pub(super) fn rows(
    run: &RunId,
    segments: Vec<(SegmentSummary, Vec<u8>)>,
    expires_at: i64,
) -> Result<Vec<IndexRows>, StoreError> {
    let mut rows = Vec::new();
    let mut open = RowBuilder::default();
    for (entry, logins) in segments {
        let json = serde_json::to_string(&entry).map_err(|_| StoreError::Row {
            row: IndexRow::ROW,
            reason: "cannot encode a segment summary as JSON".to_owned(),
        })?;
        if !open.has_room(&json) {
            rows.extend(std::mem::take(&mut open).close(run, expires_at)?);
        }
        open.push(&entry, &json, &logins);
    }
    rows.extend(open.close(run, expires_at)?);
    Ok(rows)
}

/// Builder of an index row.
#[derive(Debug, Default)]
struct RowBuilder {
    first: u64,
    end: u64,
    segments: usize,
    json: String,
    logins: Vec<u8>,
}

impl RowBuilder {
    fn has_room(&self, json: &str) -> bool {
        self.segments < MAX_SEGMENTS && self.json.len() + json.len() < MAX_SUMMARY_BYTES
    }

    fn push(&mut self, entry: &SegmentSummary, json: &str, logins: &[u8]) {
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

    fn close(self, run: &RunId, expires_at: i64) -> Result<Option<IndexRows>, StoreError> {
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
        let index = row::encode(IndexRow::ROW, &key(run, IndexRow::PREFIX, first), &row)?;
        let mut filters = Logins::key(run, first).attributes();
        filters.insert("logins".to_owned(), AttributeValue::B(Blob::new(logins)));
        filters.insert(row::EXPIRES_AT.to_owned(), row::number(expires_at));
        Ok(Some(IndexRows {
            logins: filters,
            index,
        }))
    }
}
