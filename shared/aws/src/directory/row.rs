//! Decoding of the row of a login.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_core::attribute::{Attribute, AttributeKind, CATALOGUE};
use muster_core::plan::User;
use muster_core::value::Value;

use super::attributes::{broken, canon_of, parse_number, take_number, take_text};
use super::history::ChangeHistory;
use super::stamps::{Stamps, read_stamps};
use crate::dynamodb::row::Attributes;
use crate::error::StoreError;

/// The row of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// Grows with every write, across all users that have had the login.
    pub version: u64,
    /// Stamps of the runs that wrote this row.
    pub stamps: Stamps,
    /// Change history of this user, not of the login.
    pub changes: ChangeHistory,
    /// The user; `None` if the row is a tombstone.
    pub user: Option<User>,
}

impl LoginRow {
    /// Reads a row.
    pub(super) fn read(mut row: Attributes) -> Result<Self, StoreError> {
        let version = take_number(&mut row, "version")?;
        let stamps = match row.remove("stamps") {
            None => Stamps::new(),
            Some(stamps) => read_stamps(&stamps)?,
        };
        let changes = match row.remove("changes") {
            None => ChangeHistory::default(),
            Some(changes) => ChangeHistory::read(changes)?,
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
        // The user name is stored as `login`.
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

fn read_value(kind: AttributeKind, stored: AttributeValue) -> Option<Value<'static>> {
    match kind {
        AttributeKind::Flag { .. } => stored.as_bool().ok().copied().map(Value::Flag),
        AttributeKind::Gender | AttributeKind::UserId | AttributeKind::Integer => {
            stored.as_n().ok()?.parse().ok().map(Value::Integer)
        }
        AttributeKind::TextList => {
            let items = stored.as_l().ok()?.iter();
            let texts = items.map(|item| Some(Cow::Owned(item.as_s().ok()?.clone())));
            texts.collect::<Option<_>>().map(Value::Texts)
        }
        AttributeKind::IdList => {
            let items = stored.as_l().ok()?.iter();
            let ids = items.map(|item| item.as_n().ok()?.parse().ok());
            ids.collect::<Option<_>>().map(Value::Integers)
        }
        AttributeKind::Login
        | AttributeKind::Text
        | AttributeKind::Identifier
        | AttributeKind::Role
        | AttributeKind::Email
        | AttributeKind::Phone
        | AttributeKind::Language
        | AttributeKind::TimeZone
        | AttributeKind::Date
        | AttributeKind::EncodedObject
        | AttributeKind::Choice(_)
        | AttributeKind::Secret => match stored {
            AttributeValue::S(text) => Some(Value::Text(Cow::Owned(text))),
            _ => None,
        },
    }
}
