//! Texts, booleans and integers.

use std::borrow::Cow;

use super::context::Flags;
use super::problem::Problem;
use crate::json::{BigInteger, Json};
use crate::limits;

/// Returns the trimmed text of a string or an integer.
pub(super) fn trimmed<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    match json {
        Json::Text(text) => Ok(Cow::Borrowed(text.trim())),
        Json::Integer(number) => Ok(Cow::Owned(number.to_string())),
        Json::BigInteger(number) => Ok(Cow::Owned(number.to_string())),
        other => Err(Problem::wrong_type("text", &other)),
    }
}

pub(super) fn text<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    if text.len() > limits::MAX_TEXT_CHARS && text.chars().count() > limits::MAX_TEXT_CHARS {
        return Err(Problem::new("too_long", "longer than 1,024 characters"));
    }
    if has_control_characters(&text) {
        return Err(CONTROL_CHARACTER);
    }
    Ok(text)
}

pub(super) const CONTROL_CHARACTER: Problem = Problem::new(
    "control_character",
    "contains a control character, such as a line break",
);

/// Returns `true` if the text contains C0, DEL or C1 characters. It scans the bytes first, which
/// the compiler vectorises.
pub(super) fn has_control_characters(text: &str) -> bool {
    let suspicious = text.bytes().fold(false, |found, byte| {
        found | (byte < 0x20) | (byte == 0x7f) | (byte == 0xc2)
    });
    suspicious && text.chars().any(char::is_control)
}

pub(super) fn flag(json: Json<'_>, flags: Flags) -> Result<bool, Problem> {
    let number = |number: i64| match number {
        1 => Some(true),
        0 => Some(false),
        _ => None,
    };
    let value = match (json, flags) {
        (Json::Bool(value), _) => Some(value),
        (_, Flags::Strict) => return Err(Problem::wrong_type("true or false", &json)),
        (Json::Integer(value), Flags::Words | Flags::Digits) => number(value),
        (Json::BigInteger(_), Flags::Words | Flags::Digits) => None,
        (Json::Text(text), Flags::Digits) => match text.trim() {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        (Json::Text(text), Flags::Words) => word(text.trim()),
        (_, Flags::Words) => return Err(Problem::wrong_type("a boolean", &json)),
        (_, Flags::Digits) => return Err(Problem::wrong_type("1 or 0", &json)),
    };
    value.ok_or(match flags {
        Flags::Words => Problem::new("malformed", "must be true, false, yes, no, 1 or 0"),
        Flags::Digits | Flags::Strict => Problem::new("malformed", "must be 1 or 0"),
    })
}

fn word(word: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if is(["true", "yes", "1"]) {
        Some(true)
    } else if is(["false", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

pub(super) fn gender(json: Json<'_>) -> Result<i64, Problem> {
    match json {
        Json::Integer(number @ (0 | 1)) => Ok(number),
        Json::Text(text) if text.trim() == "0" => Ok(0),
        Json::Text(text) if text.trim() == "1" => Ok(1),
        Json::Integer(_) | Json::BigInteger(_) | Json::Text(_) => {
            Err(Problem::new("unknown", "must be 0 (male) or 1 (female)"))
        }
        other => Err(Problem::wrong_type("0 or 1", &other)),
    }
}

pub(super) fn choice<'a>(
    json: Json<'a>,
    words: &'static [&'static str],
) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    words
        .iter()
        .find(|word| **word == text)
        .map(|word| Cow::Borrowed(*word))
        .ok_or_else(|| Problem::one_of(words))
}

pub(super) fn user_id(json: Json<'_>) -> Result<i64, Problem> {
    let id = integer(json)?;
    (id > 0).then_some(id).ok_or(Problem::new(
        "malformed",
        "not a user id: expected a positive integer",
    ))
}

/// Reads an integer with an absolute value below 2^53, or its decimal text.
pub(super) fn integer(json: Json<'_>) -> Result<i64, Problem> {
    const MALFORMED: Problem = Problem::new(
        "malformed",
        "expected an integer with an absolute value below 2^53",
    );
    let number = match json {
        Json::Integer(number) => number,
        Json::Text(text) => text.trim().parse().map_err(|_| MALFORMED)?,
        Json::BigInteger(BigInteger::Unsigned(_) | BigInteger::Digits(_)) => return Err(MALFORMED),
        other => return Err(Problem::wrong_type("an integer", &other)),
    };
    (-limits::INTEGER_LIMIT < number && number < limits::INTEGER_LIMIT)
        .then_some(number)
        .ok_or(MALFORMED)
}
