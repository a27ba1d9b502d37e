//! Reading of one value of any kind.

use std::borrow::Cow;
use std::hash::Hash;

use indexmap::IndexSet;
use secrecy::SecretString;

use super::context::ReadContext;
use super::format::{date, email, language, phone, time_zone};
use super::model::{Assignment, Value};
use super::object::encoded_object;
use super::problem::Problem;
use super::scalar::{
    CONTROL_CHARACTER, choice, flag, gender, has_control_characters, integer, text, trimmed,
    user_id,
};
use crate::attribute::AttributeKind;
use crate::json::{Items, Json};
use crate::limits;

/// Reads one value. `Ok(None)` means "not given" and keeps the stored value.
///
/// # Errors
/// Returns the reason why the value is refused; the stored value is kept.
pub fn read<'a>(
    kind: AttributeKind,
    json: Json<'a>,
    context: ReadContext<'a>,
) -> Result<Option<Assignment<'a>>, Problem> {
    match json {
        Json::Absent => return Ok(None),
        Json::Null => {
            return Ok(match kind {
                AttributeKind::Role
                | AttributeKind::Login
                | AttributeKind::Secret
                | AttributeKind::Flag {
                    default: Some(true),
                } => None,
                _ => Some(Assignment::Clear),
            });
        }
        Json::Text(text) if text.trim().is_empty() && kind != AttributeKind::Login => {
            return Ok(match kind {
                AttributeKind::Flag { .. }
                | AttributeKind::Integer
                | AttributeKind::UserId
                | AttributeKind::Gender
                | AttributeKind::Role
                | AttributeKind::Email
                | AttributeKind::Secret
                | AttributeKind::Login => None,
                AttributeKind::Text
                | AttributeKind::Phone
                | AttributeKind::TextList
                | AttributeKind::IdList
                | AttributeKind::Language
                | AttributeKind::TimeZone
                | AttributeKind::Date
                | AttributeKind::EncodedObject
                | AttributeKind::Choice(_) => Some(Assignment::Clear),
            });
        }
        _ => {}
    }
    let value = match kind {
        AttributeKind::Login | AttributeKind::Secret => {
            // The login is read first and separately, and a password by `password`.
            return Ok(None);
        }
        AttributeKind::Text => Value::Text(text(json)?),
        AttributeKind::Role => Value::Text(role(json, context)?),
        AttributeKind::Email => Value::Text(email(json)?),
        AttributeKind::Phone => Value::Text(phone(json)?),
        AttributeKind::Flag { .. } => Value::Flag(flag(json, context.flags)?),
        AttributeKind::TextList => {
            return list(json, context.separator, text).map(|l| assign(l, Value::Texts));
        }
        AttributeKind::IdList => {
            return list(json, context.separator, integer).map(|l| assign(l, Value::Integers));
        }
        AttributeKind::Language => Value::Text(language(json, context.languages)?),
        AttributeKind::TimeZone => Value::Text(time_zone(json)?),
        AttributeKind::Gender => Value::Integer(gender(json)?),
        AttributeKind::Date => Value::Text(date(json)?),
        AttributeKind::EncodedObject => Value::Text(encoded_object(json)?),
        AttributeKind::Choice(words) => Value::Text(choice(json, words)?),
        AttributeKind::UserId => Value::Integer(user_id(json)?),
        AttributeKind::Integer => Value::Integer(integer(json)?),
    };
    Ok(Some(Assignment::Set(value)))
}

/// Returns the assignment of a list; an empty list clears the attribute.
fn assign<'a, T>(items: Vec<T>, value: impl FnOnce(Vec<T>) -> Value<'a>) -> Option<Assignment<'a>> {
    Some(if items.is_empty() {
        Assignment::Clear
    } else {
        Assignment::Set(value(items))
    })
}

/// Reads a password, of which only a hash is stored. `Ok(None)` keeps the stored one.
///
/// # Errors
/// Returns the reason why the password is refused.
pub fn password(json: Json<'_>) -> Result<Option<SecretString>, Problem> {
    let text: Cow<'_, str> = match json {
        Json::Absent | Json::Null | Json::Text("") => return Ok(None),
        // Spaces are part of a password: it is not trimmed.
        Json::Text(text) => Cow::Borrowed(text),
        other => trimmed(other)?,
    };
    if text.chars().count() > limits::MAX_PASSWORD_CHARS {
        return Err(Problem::new("too_long", "longer than 128 characters"));
    }
    if has_control_characters(&text) {
        return Err(CONTROL_CHARACTER);
    }
    Ok(Some(text.into_owned().into()))
}

fn role<'a>(json: Json<'a>, context: ReadContext<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    let role = context.roles.get(&*text).ok_or(Problem::new(
        "unmapped",
        "this role is not in the task's role mapping",
    ))?;
    Ok(Cow::Borrowed(role))
}

/// Reads the set of a JSON array, or of one string that is split; items are read one by one, empty
/// and repeated ones dropped. An integer is a list as its digits are.
fn list<'a, T: Eq + Hash>(
    json: Json<'a>,
    separator: char,
    item: fn(Json<'a>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let mut items = IndexSet::new();
    let mut push = |json: Json<'a>| {
        if matches!(json, Json::Text(text) if text.trim().is_empty()) {
            return Ok(());
        }
        if items.insert(item(json)?) && items.len() > limits::MAX_LIST_ITEMS {
            return Err(Problem::new(
                "too_many_items",
                "the list has more than 5,000 items",
            ));
        }
        Ok(())
    };
    match json {
        Json::Array(elements @ (Items::Tape(_) | Items::Owned(_))) => {
            elements.into_iter().try_for_each(&mut push)?;
        }
        Json::Text(text) => text
            .split(separator)
            .try_for_each(|part| push(Json::Text(part)))?,
        Json::Integer(_) | Json::BigInteger(_) => push(json)?,
        other => return Err(Problem::wrong_type("a list", &other)),
    }
    Ok(items.into_iter().collect())
}
