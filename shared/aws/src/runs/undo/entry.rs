//! The values before one write, and their encoding: NDJSON, packed with gzip.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use muster_core::attribute::Attribute;
use muster_core::login::canon;
use muster_core::plan::User;
use muster_core::value::Value;
use serde::Serialize;

use crate::error::StoreError;

/// A planned write, and what it replaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    record: u64,
    /// Id of the user.
    id: u64,
    /// Canonical login of the user after the write.
    login: String,
    /// Version of the user before the write, or of the row that a new user takes over; 0 if there is
    /// none.
    seen: u64,
    /// Version of the user after the write.
    after: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    created: bool,
    /// Values before the write of all that it sets or clears; null if there was none.
    before: BTreeMap<&'static str, Option<StoredValue>>,
}

/// A value as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum StoredValue {
    Text(String),
    Flag(bool),
    Integer(i64),
    Texts(Vec<String>),
    Integers(Vec<i64>),
}

impl StoredValue {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Flag(flag) => Self::Flag(*flag),
            Value::Integer(number) => Self::Integer(*number),
            Value::Texts(texts) => {
                Self::Texts(texts.iter().cloned().map(Cow::into_owned).collect())
            }
            Value::Integers(numbers) => Self::Integers(numbers.clone()),
        }
    }
}

impl Entry {
    /// Returns the entry of a record that creates a user, on a tombstone of version `onto` if there is
    /// one.
    #[must_use]
    pub fn created(record: u64, id: u64, login: &str, onto: Option<u64>) -> Self {
        let seen = onto.unwrap_or(0);
        Self {
            record,
            id,
            login: login.to_owned(),
            seen,
            after: seen + 1,
            created: true,
            before: BTreeMap::new(),
        }
    }

    /// Returns the entry of a record that changes these attributes of a user.
    #[must_use]
    pub fn updated(record: u64, user: &User, attributes: &[Attribute]) -> Self {
        Self {
            record,
            id: user.id,
            login: canon(&user.login).into_owned(),
            seen: user.version,
            after: user.version + 1,
            created: false,
            before: values(user, attributes),
        }
    }

    /// Returns the entry of a record that takes the external id of this user.
    #[must_use]
    pub fn taken_from(record: u64, holder: &User) -> Self {
        Self::updated(record, holder, &[Attribute::ExternalId])
    }

    /// Returns the entry of a record that gives a user another login, given in its canonical form, and
    /// version `after`.
    #[must_use]
    pub fn renamed(
        record: u64,
        user: &User,
        attributes: &[Attribute],
        login: &str,
        after: u64,
    ) -> Self {
        let mut before = values(user, attributes);
        let own = StoredValue::Text(user.login.clone());
        before.insert(Attribute::Username.name(), Some(own));
        Self {
            login: login.to_owned(),
            after,
            before,
            ..Self::updated(record, user, &[])
        }
    }
}

/// Returns the values of these attributes before they change. A password is never among them: nothing
/// here may keep one, whatever a caller plans.
fn values(user: &User, attributes: &[Attribute]) -> BTreeMap<&'static str, Option<StoredValue>> {
    let kept = attributes
        .iter()
        .filter(|attribute| **attribute != Attribute::Password);
    let value = |attribute: &Attribute| user.values.get(attribute).map(StoredValue::of);
    kept.map(|attribute| (attribute.name(), value(attribute)))
        .collect()
}

/// The entries of some writes, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(pub(super) Bytes);

/// Packs entries: a line of JSON each, compressed with gzip.
///
/// # Errors
/// Returns an error if an entry cannot be encoded.
pub fn pack(entries: &[Entry]) -> Result<Packed, StoreError> {
    let failed = |reason: &str| StoreError::Row {
        row: "the values before a run",
        reason: reason.to_owned(),
    };
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    for entry in entries {
        let line = serde_json::to_vec(entry);
        let mut line = line.map_err(|_| failed("cannot encode an entry as JSON"))?;
        line.push(b'\n');
        let written = packed.write_all(&line);
        written.map_err(|_| failed("cannot pack an entry"))?;
    }
    let packed = packed.finish();
    let packed = packed.map_err(|_| failed("cannot pack the entries"))?;
    Ok(Packed(packed.into()))
}
