//! Reading of one value of any kind.

use std::borrow::Cow;
use std::hash::Hash;

use indexmap::IndexSet;
use secrecy::SecretString;

use super::context::ReadContext;
use super::format::{date, email, language, phone, time_zone};
use super::model::{Assignment, Value};
use super::object::encoded_object;
use super::problem::{Problem, Removed};
use super::scalar::{
    choice, cleaned, flag, gender, has_control_characters, identifier, integer, text, trimmed,
    user_id,
};
use crate::attribute::AttributeKind;
use crate::json::{Items, Json};
use crate::limits;
use crate::text::{nfc, opaque};

/// What a value means for its attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<'a> {
    /// The change; `None` means "not given" and keeps the stored value.
    pub assignment: Option<Assignment<'a>>,
    /// Note on a value that is taken, but not as it was sent.
    pub warning: Option<Problem>,
}

/// Reads one value.
///
/// # Errors
/// Returns the reason why the value is refused; the stored value is kept.
pub fn read<'a>(
    kind: AttributeKind,
    json: Json<'a>,
    context: ReadContext<'a>,
) -> Result<Reading<'a>, Problem> {
    let mut removed = Removed::default();
    let assignment = match json {
        Json::Absent => None,
        Json::Null => (!keeps_at_null(kind)).then_some(Assignment::Clear),
        Json::Text(text) if context.formats.is_empty(text.trim()) => clear_at_empty(kind),
        json => read_given(kind, json, context, &mut removed)?,
    };
    Ok(Reading {
        assignment,
        warning: removed.warning(),
    })
}

/// Returns `true` if `null` counts as not given.
const fn keeps_at_null(kind: AttributeKind) -> bool {
    matches!(
        kind,
        AttributeKind::Role
            | AttributeKind::Login
            | AttributeKind::Secret
            | AttributeKind::Flag {
                default: Some(true)
            }
    )
}

/// Returns what an empty text means: it clears a text, and counts as not given elsewhere.
const fn clear_at_empty<'a>(kind: AttributeKind) -> Option<Assignment<'a>> {
    match kind {
        AttributeKind::Flag { .. }
        | AttributeKind::Integer
        | AttributeKind::UserId
        | AttributeKind::Gender
        | AttributeKind::Role
        | AttributeKind::Email
        | AttributeKind::Secret
        | AttributeKind::Login => None,
        AttributeKind::Text
        | AttributeKind::Identifier
        | AttributeKind::Phone
        | AttributeKind::TextList
        | AttributeKind::IdList
        | AttributeKind::Language
        | AttributeKind::TimeZone
        | AttributeKind::Date
        | AttributeKind::EncodedObject
        | AttributeKind::Choice(_) => Some(Assignment::Clear),
    }
}

/// Reads a value that is neither absent nor empty.
fn read_given<'a>(
    kind: AttributeKind,
    json: Json<'a>,
    context: ReadContext<'a>,
    removed: &mut Removed,
) -> Result<Option<Assignment<'a>>, Problem> {
    let value = match kind {
        // The login is read first and separately, and a password by `password`.
        AttributeKind::Login | AttributeKind::Secret => return Ok(None),
        AttributeKind::Identifier => Value::Text(identifier(json)?),
        AttributeKind::Role => Value::Text(role(json, context, removed)?),
        AttributeKind::Email => Value::Text(email(json)?),
        AttributeKind::Flag { .. } => Value::Flag(flag(json, context.flags, context.formats)?),
        AttributeKind::TextList => {
            let item = |json| text(json, removed).map(|text| (!text.is_empty()).then_some(text));
            return match list(json, context.separator, item)? {
                items if items.is_empty() => clear(removed),
                items => Ok(assign(items, Value::Texts)),
            };
        }
        AttributeKind::IdList => {
            let item = |json| integer(json).map(Some);
            return list(json, context.separator, item).map(|l| assign(l, Value::Integers));
        }
        AttributeKind::Gender => Value::Integer(gender(json)?),
        AttributeKind::UserId => Value::Integer(user_id(json)?),
        AttributeKind::Integer => Value::Integer(integer(json)?),
        AttributeKind::Text => match text(json, removed)? {
            text if text.is_empty() => return clear(removed),
            text => Value::Text(text),
        },
        AttributeKind::Phone
        | AttributeKind::Language
        | AttributeKind::TimeZone
        | AttributeKind::Date
        | AttributeKind::EncodedObject
        | AttributeKind::Choice(_) => {
            let text = cleaned(json, removed)?;
            if text.is_empty() {
                return clear(removed);
            }
            Value::Text(match kind {
                AttributeKind::Phone => phone(text, context.formats)?,
                AttributeKind::Language => language(&text, context.languages)?,
                AttributeKind::TimeZone => time_zone(&text)?,
                AttributeKind::Date => date(&text, &context.formats.dates)?,
                AttributeKind::Choice(words) => choice(&text, words)?,
                _ => encoded_object(&text)?,
            })
        }
    };
    Ok(Some(Assignment::Set(value)))
}

/// Clears the attribute of an empty text or list, unless something that nobody sees made it look empty.
fn clear<'a>(removed: &Removed) -> Result<Option<Assignment<'a>>, Problem> {
    match removed.nothing_left() {
        Some(problem) => Err(problem),
        None => Ok(Some(Assignment::Clear)),
    }
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
    // Counted in the form that is hashed; both forms of a stored password can be compared.
    if opaque(&text).chars().count() > limits::MAX_PASSWORD_CHARS {
        return Err(Problem::new("too_long", "longer than 128 characters"));
    }
    // Without the place, which would repeat a part of the password.
    if has_control_characters(&text) {
        return Err(Problem::new(
            "control_character",
            "contains a control character, such as a line break",
        ));
    }
    Ok(Some(text.into_owned().into()))
}

/// Returns the role of a string. A string with invisible characters is looked up as it is, and then
/// without them.
fn role<'a>(
    json: Json<'a>,
    context: ReadContext<'a>,
    removed: &mut Removed,
) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    let exact = context.roles.get(&*nfc(&text));
    let role = exact.or_else(|| {
        let visible = cleaned(json, removed).ok()?;
        context.roles.get(&*visible)
    });
    role.map(|role| Cow::Borrowed(role.as_str()))
        .ok_or(Problem::new(
            "unmapped",
            "this role is not in the task's role mapping",
        ))
}

/// Reads the set of a JSON array, or of one string that is split; items are read one by one, empty
/// and repeated ones dropped. An integer is a list as its digits are.
fn list<'a, T: Eq + Hash>(
    json: Json<'a>,
    separator: char,
    mut item: impl FnMut(Json<'a>) -> Result<Option<T>, Problem>,
) -> Result<Vec<T>, Problem> {
    let mut items = IndexSet::new();
    let mut push = |json: Json<'a>| {
        if matches!(json, Json::Text(text) if text.trim().is_empty()) {
            return Ok(());
        }
        let Some(item) = item(json)? else {
            return Ok(());
        };
        if items.insert(item) && items.len() > limits::MAX_LIST_ITEMS {
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
