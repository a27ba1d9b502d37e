//! Values as items show them, so that a reader sees which role or address was refused.

use std::borrow::Cow;

use super::model::Value;
use crate::attribute::{Attribute, AttributeKind};
use crate::json::{Items, Json};
use crate::text::visible;

/// Maximum characters of a value in an item.
const MAX_SHOWN_CHARS: usize = 200;

/// Returns a value of an attribute as it was sent; `None` for one without a text, and for those that
/// no item may repeat.
#[must_use]
pub fn shown(attribute: Attribute, json: Json<'_>) -> Option<String> {
    if !may_be_shown(attribute) {
        return None;
    }
    let text = match json {
        Json::Array(items) => Cow::Owned(list(items)),
        json => scalar(json)?,
    };
    (!text.is_empty()).then(|| visible(&text, MAX_SHOWN_CHARS))
}

/// Returns a value of an attribute as it would be stored; `None` for those that no item may repeat.
#[must_use]
pub fn shown_value(attribute: Attribute, value: &Value<'_>) -> Option<String> {
    let text = match value {
        Value::Text(text) => Cow::Borrowed(&**text),
        Value::Flag(flag) => Cow::Owned(flag.to_string()),
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Texts(texts) => Cow::Owned(joined(texts.iter().map(|text| quoted(text)))),
        Value::Integers(numbers) => Cow::Owned(joined(numbers.iter().map(i64::to_string))),
    };
    may_be_shown(attribute).then(|| visible(&text, MAX_SHOWN_CHARS))
}

fn may_be_shown(attribute: Attribute) -> bool {
    match attribute.kind() {
        // May hold what nobody else shall read.
        AttributeKind::Secret | AttributeKind::EncodedObject => false,
        AttributeKind::Login
        | AttributeKind::Text
        | AttributeKind::Identifier
        | AttributeKind::Role
        | AttributeKind::Email
        | AttributeKind::Phone
        | AttributeKind::Flag { .. }
        | AttributeKind::TextList
        | AttributeKind::IdList
        | AttributeKind::Language
        | AttributeKind::TimeZone
        | AttributeKind::Gender
        | AttributeKind::Date
        | AttributeKind::Choice(_)
        | AttributeKind::UserId
        | AttributeKind::Integer => true,
    }
}

fn scalar(json: Json<'_>) -> Option<Cow<'_, str>> {
    Some(match json {
        Json::Absent | Json::Null | Json::BrokenText | Json::Array(_) | Json::Object => {
            return None;
        }
        Json::Text(text) => Cow::Borrowed(text),
        Json::Bool(value) => Cow::Owned(value.to_string()),
        Json::Integer(number) => Cow::Owned(number.to_string()),
        Json::BigInteger(number) => Cow::Owned(number.to_string()),
        Json::Fraction(number) => Cow::Owned(number.to_string()),
    })
}

/// Returns the beginning of a list.
fn list(items: Items<'_>) -> String {
    joined(items.into_iter().map(|item| match item {
        Json::Text(text) => quoted(text),
        Json::Null => "null".to_owned(),
        Json::Array(_) => "[…]".to_owned(),
        Json::Object => "{…}".to_owned(),
        item => scalar(item).map_or_else(|| "…".to_owned(), Cow::into_owned),
    }))
}

fn quoted(text: &str) -> String {
    let start: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    format!("\"{start}\"")
}

/// Joins items up to the first that is not shown any more.
fn joined(items: impl Iterator<Item = String>) -> String {
    let mut text = String::from("[");
    for (index, item) in items.enumerate() {
        if text.len() > MAX_SHOWN_CHARS * char::MAX_LEN_UTF8 {
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&item);
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{BigInteger, Fraction, OwnedJson};

    #[test]
    fn values_are_shown_as_they_were_sent() {
        let list = [
            OwnedJson::Text("a, b".into()),
            OwnedJson::Integer(7),
            OwnedJson::Null,
            OwnedJson::Object,
            OwnedJson::Array(Vec::new()),
            OwnedJson::BrokenText,
        ];
        for (json, expected) in [
            (Json::Text(" Cashier\u{a0}2 "), Some(" Cashier\\u{a0}2 ")),
            (Json::Text(""), None),
            (Json::Integer(-17), Some("-17")),
            (
                Json::BigInteger(BigInteger::Digits("99999999999999999999")),
                Some("99999999999999999999"),
            ),
            (Json::Fraction(Fraction::Double(1.5)), Some("1.5")),
            (Json::Fraction(Fraction::Written("1.50")), Some("1.5")),
            (Json::Fraction(Fraction::Written("1e999")), Some("1e999")),
            (Json::Bool(true), Some("true")),
            (
                Json::Array(Items::Owned(&list)),
                Some("[\"a, b\", 7, null, {…}, […], …]"),
            ),
            (Json::Object, None),
            (Json::Null, None),
            (Json::Absent, None),
            (Json::BrokenText, None),
        ] {
            assert_eq!(
                shown(Attribute::Role, json).as_deref(),
                expected,
                "{json:?}"
            );
        }
        let long = "é".repeat(500);
        let list = [OwnedJson::Text(long.clone()), OwnedJson::Text(long.clone())];
        for json in [Json::Text(&long), Json::Array(Items::Owned(&list))] {
            let shown = shown(Attribute::Tags, json).unwrap();
            assert_eq!(shown.chars().count(), 201);
            assert!(shown.ends_with('…'));
        }
    }

    #[test]
    fn stored_values_are_shown_like_sent_ones() {
        for (value, expected) in [
            (Value::Text("E\u{200b}1".into()), "E\\u{200b}1"),
            (Value::Flag(false), "false"),
            (Value::Integer(17), "17"),
            (Value::Texts(vec!["a".into(), "b".into()]), "[\"a\", \"b\"]"),
            (Value::Integers(vec![1, 2]), "[1, 2]"),
        ] {
            assert_eq!(shown_value(Attribute::Tags, &value).unwrap(), expected);
        }
    }

    #[test]
    fn passwords_and_custom_info_are_never_shown() {
        for attribute in [Attribute::Password, Attribute::CustomInfo] {
            assert_eq!(shown(attribute, Json::Text("secret")), None);
            assert_eq!(shown(attribute, Json::Integer(1)), None);
            assert_eq!(
                shown_value(attribute, &Value::Text("c2VjcmV0".into())),
                None
            );
        }
    }
}
