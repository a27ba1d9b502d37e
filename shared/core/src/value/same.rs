//! Equality of values in different spellings: what is the same value is no change
//! (contract.md#merging-and-missing-values).

use std::collections::HashSet;
use std::hash::Hash;

use icu_time::TimeZone;
use icu_time::zone::iana::IanaParser;

use super::model::Value;
use super::object::is_same_object;
use crate::attribute::AttributeKind;

/// Returns `true` if both are the same value of this kind, perhaps in different spellings.
#[must_use]
pub fn is_same(kind: AttributeKind, one: &Value<'_>, other: &Value<'_>) -> bool {
    match (kind, one, other) {
        _ if one == other => true,
        (_, Value::Texts(one), Value::Texts(other)) => is_same_set(one, other),
        (_, Value::Integers(one), Value::Integers(other)) => is_same_set(one, other),
        (AttributeKind::Email, Value::Text(one), Value::Text(other)) => is_same_email(one, other),
        (AttributeKind::TimeZone, Value::Text(one), Value::Text(other)) => {
            is_same_time_zone(one, other)
        }
        (AttributeKind::EncodedObject, Value::Text(one), Value::Text(other)) => {
            is_same_object(one, other)
        }
        _ => false,
    }
}

fn is_same_set<T: Eq + Hash>(one: &[T], other: &[T]) -> bool {
    one.iter().collect::<HashSet<_>>() == other.iter().collect::<HashSet<_>>()
}

/// Returns `true` for the same address. Domains have no case; whether local parts do is for the
/// receiving server to say.
fn is_same_email(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((local, domain)), Some((other_local, other_domain))) => {
            local == other_local && domain.eq_ignore_ascii_case(other_domain)
        }
        _ => false,
    }
}

/// Returns `true` for two names of one zone, such as `Asia/Calcutta` and `Asia/Kolkata`. Zones of
/// different countries stay different, even where the clocks have always agreed.
fn is_same_time_zone(one: &str, other: &str) -> bool {
    let names = IanaParser::new();
    let zone = names.parse(one);
    zone != TimeZone::UNKNOWN && zone == names.parse(other)
}
