//! Keys and attributes of user rows: encoding of values, and reading of stored ones from a row.

use aws_sdk_dynamodb::types::AttributeValue;
use muster_core::value::Value;

use crate::dynamodb::row::{Attributes, number, text};
use crate::error::StoreError;

/// Number of shards of a tenant in the index of users.
pub(super) const TENANT_SHARDS: u64 = 32;

/// Returns the key of the row of a login in its canonical form.
pub(super) fn user_key(canon: &str) -> String {
    ["U#", canon].concat()
}

/// Returns the key of the row that names the login of a user who was created or renamed by a
/// single-user write.
pub(super) fn id_key(tenant: &str, id: u64) -> String {
    format!("I#{tenant}#{id}")
}

pub(super) fn canon_of(key: &str) -> Option<&str> {
    key.strip_prefix("U#")
}

/// Returns the partition of the index `by_tenant` that lists a user.
pub(super) fn shard(tenant: &str, id: u64) -> String {
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

/// Returns the attribute `login`, the displayed form of a login, if it differs from the canonical
/// form. Most logins equal their key, and storing them twice would cost.
pub(super) fn login_attribute(shown: &str, canon: &str) -> Option<AttributeValue> {
    (shown != canon).then(|| text(shown))
}

pub(super) fn take_text(row: &mut Attributes, name: &'static str) -> Result<String, StoreError> {
    match row.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(broken(name)),
    }
}

pub(super) fn take_number<T: std::str::FromStr>(
    row: &mut Attributes,
    name: &'static str,
) -> Result<T, StoreError> {
    row.remove(name)
        .ok_or_else(|| broken(name))
        .and_then(|value| parse_number(&value, name))
}

pub(super) fn parse_number<T: std::str::FromStr>(
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
