//! The values before a synchronous run: a row of at most 8 KB, and objects if there are more. A
//! hand-over leaves the row as it is.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{GRACE, Packed, days};
use crate::dynamodb::row::{self, EXPIRES_AT, Key};
use crate::error::StoreError;
use crate::runs::id::RunId;
use crate::s3::Objects;
use crate::store::Store;

/// Maximum bytes of packed values in the row.
pub const MAX_ROW_BYTES: usize = 8 * 1_024;

pub(super) fn key(run: &RunId) -> Key {
    Key::new(format!("RUN#{run}"), "BEFORE")
}

/// The values before the writes of a synchronous run so far.
#[derive(Debug, Clone)]
pub struct RequestValues {
    run: RunId,
    /// Days for which they are kept.
    days: u32,
    /// Values in the row: files in gzip's format, one after the other, which is one file.
    in_row: Vec<u8>,
    /// Names of the objects.
    objects: Vec<String>,
}

impl RequestValues {
    /// Returns the values of a run that has written nothing.
    #[must_use]
    pub const fn new(run: RunId, days: u32) -> Self {
        Self {
            run,
            days,
            in_row: Vec::new(),
            objects: Vec::new(),
        }
    }

    /// Stores the values before some writes, before these are sent.
    ///
    /// # Errors
    /// Returns an error if a request fails; the values may have been stored, which is harmless without
    /// the writes.
    pub async fn add(
        &mut self,
        store: &Store,
        objects: &Objects,
        values: Packed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.in_row.len() + values.0.len() <= MAX_ROW_BYTES {
            self.in_row.extend_from_slice(&values.0);
        } else {
            let number = self.objects.len();
            let put = objects.put_request_values(&self.run, number, (values, self.days));
            let name = put.await?;
            self.objects.push(name);
        }
        let names = self.objects.iter().map(row::text).collect();
        let expires_at = row::later(row::later(now, days(self.days)), GRACE);
        let mut attributes = key(&self.run).attributes();
        attributes.insert("objects".to_owned(), AttributeValue::L(names));
        attributes.insert(EXPIRES_AT.to_owned(), row::number(row::expiry(expires_at)));
        if !self.in_row.is_empty() {
            let packed = AttributeValue::B(Blob::new(self.in_row.clone()));
            attributes.insert("packed".to_owned(), packed);
        }
        store.put_retrying(attributes).await
    }
}
