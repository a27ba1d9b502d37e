//! A user's row: how the domain's values stand in DynamoDB, and back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_core::attribute::{Attribute, CATALOGUE, Kind};
use muster_core::plan::User;
use muster_core::value::Value;

use super::changes::Changes;
use super::stamps::{Stamps, read_stamps};
use crate::error::StoreError;
use crate::row::{Attributes, number, text};

/// Shards of the index that lists a tenant's users.
pub(super) const TENANT_SHARDS: u64 = 32;

/// What stands under a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Grows with every write, also across the users that had the login one after the other.
    pub version: u64,
    /// What runs wrote here.
    pub stamps: Stamps,
    /// What was changed here, and by whom; of this user, not of the login.
    pub changes: Changes,
    /// The user; `None` where a rename left only a tombstone.
    pub user: Option<User>,
}

/// The key of the row of a login in its canonical form.
#[must_use]
pub(crate) fn user_key(canon: &str) -> String {
    ["U#", canon].concat()
}

/// The key of the row that names the login of a user who was made or renamed alone.
pub(super) fn id_key(tenant: &str, id: u64) -> String {
    format!("I#{tenant}#{id}")
}

pub(super) fn canon_of(key: &str) -> Option<&str> {
    key.strip_prefix("U#")
}

/// The partition of the index `by_tenant` that lists a user.
pub(crate) fn shard(tenant: &str, id: u64) -> String {
    format!("{tenant}#{}", id % TENANT_SHARDS)
}

pub(super) fn to_attribute(value: &Value<'_>) -> AttributeValue {
    match value {
        Value::Text(value) => text(value.as_ref()),
        Value::Flag(flag) => AttributeValue::Bool(*flag),
        Value::Integer(value) => number(*value),
        Value::Texts(values) => {
            AttributeValue::L(values.iter().map(|value| text(value.as_ref())).collect())
        }
        Value::Integers(values) => AttributeValue::L(values.iter().copied().map(number).collect()),
    }
}

impl Stored {
    /// Reads a row.
    pub(super) fn read(mut row: Attributes) -> Result<Self, StoreError> {
        let version = take_number(&mut row, "version")?;
        let stamps = match row.remove("stamps") {
            None => Stamps::new(),
            Some(stamps) => read_stamps(&stamps)?,
        };
        let changes = match row.remove("changes") {
            None => Changes::default(),
            Some(changes) => Changes::read(changes)?,
        };
        let user = match row.remove("id") {
            None => None,
            Some(id) => Some(User {
                tenant: take_text(&mut row, "tenant")?,
                id: parse_number(&id, "id")?,
                login: read_login(&mut row)?,
                version,
                values: read_values(&mut row)?,
            }),
        };
        Ok(Self {
            version,
            stamps,
            changes,
            user,
        })
    }
}

/// The attribute `login`: how a login is shown, where that is not its canonical form. Most are shown
/// as they stand in the key, which need not be paid for twice.
pub(super) fn login_attribute(shown: &str, canon: &str) -> Option<AttributeValue> {
    (shown != canon).then(|| text(shown))
}

fn read_login(row: &mut Attributes) -> Result<String, StoreError> {
    if row.contains_key("login") {
        return take_text(row, "login");
    }
    let key = take_text(row, "pk")?;
    canon_of(&key)
        .map(str::to_owned)
        .ok_or_else(|| broken("login"))
}

fn read_values(row: &mut Attributes) -> Result<BTreeMap<Attribute, Value<'static>>, StoreError> {
    let mut values = BTreeMap::new();
    for spec in CATALOGUE {
        // The user name stands as `login`.
        if spec.attribute == Attribute::Username {
            continue;
        }
        if let Some(stored) = row.remove(spec.name) {
            let value = read_value(spec.kind, stored).ok_or_else(|| broken(spec.name))?;
            values.insert(spec.attribute, value);
        }
    }
    Ok(values)
}

fn read_value(kind: Kind, stored: AttributeValue) -> Option<Value<'static>> {
    match kind {
        Kind::Flag { .. } => stored.as_bool().ok().copied().map(Value::Flag),
        Kind::Gender | Kind::UserId | Kind::Integer => {
            stored.as_n().ok()?.parse().ok().map(Value::Integer)
        }
        Kind::TextList => {
            let items = stored.as_l().ok()?.iter();
            let texts = items.map(|item| Some(Cow::Owned(item.as_s().ok()?.clone())));
            texts.collect::<Option<_>>().map(Value::Texts)
        }
        Kind::IdList => {
            let items = stored.as_l().ok()?.iter();
            let ids = items.map(|item| item.as_n().ok()?.parse().ok());
            ids.collect::<Option<_>>().map(Value::Integers)
        }
        Kind::Login
        | Kind::Text
        | Kind::Role
        | Kind::Email
        | Kind::Phone
        | Kind::Language
        | Kind::TimeZone
        | Kind::Date
        | Kind::EncodedObject
        | Kind::Choice(_)
        | Kind::Secret => match stored {
            AttributeValue::S(text) => Some(Value::Text(Cow::Owned(text))),
            _ => None,
        },
    }
}

pub(super) fn take_text(row: &mut Attributes, name: &'static str) -> Result<String, StoreError> {
    match row.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(broken(name)),
    }
}

fn take_number<T: std::str::FromStr>(
    row: &mut Attributes,
    name: &'static str,
) -> Result<T, StoreError> {
    row.remove(name)
        .ok_or_else(|| broken(name))
        .and_then(|value| parse_number(&value, name))
}

fn parse_number<T: std::str::FromStr>(
    value: &AttributeValue,
    name: &'static str,
) -> Result<T, StoreError> {
    value
        .as_n()
        .ok()
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| broken(name))
}

pub(super) fn broken(attribute: &'static str) -> StoreError {
    StoreError::Row {
        row: "a user",
        reason: format!("the attribute `{attribute}` is missing or has a wrong type"),
    }
}
