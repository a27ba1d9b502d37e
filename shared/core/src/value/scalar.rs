//! Texts, booleans and integers.

use std::borrow::Cow;

use super::context::Flags;
use super::problem::{Problem, Removed};
use super::task_formats::TaskFormats;
use crate::json::{BigInteger, Json};
use crate::limits;
use crate::text::{Place, invisible_characters, is_clean, nfc};

/// Returns the trimmed text of a string or an integer.
pub(super) fn trimmed<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    match json {
        Json::Text(text) => Ok(Cow::Borrowed(text.trim())),
        Json::Integer(number) => Ok(Cow::Owned(number.to_string())),
        Json::BigInteger(number) => Ok(Cow::Owned(number.to_string())),
        other => Err(Problem::wrong_type("text", &other)),
    }
}

/// Returns the trimmed text of a string or an integer, in NFC and without invisible characters.
/// What is removed is added to `removed`.
pub(super) fn cleaned<'a>(json: Json<'a>, removed: &mut Removed) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    if text.is_ascii() || is_clean(&text) {
        return Ok(text);
    }
    let composed = nfc(&text);
    let mut visible = String::with_capacity(composed.len());
    let mut copied = 0;
    for (at, c) in invisible_characters(&composed) {
        removed.add(&composed, at);
        visible.push_str(composed.get(copied..at).unwrap_or_default());
        copied = at + c.len_utf8();
    }
    visible.push_str(composed.get(copied..).unwrap_or_default());
    // The characters around a removed one may belong together now.
    Ok(Cow::Owned(nfc(visible.trim()).into_owned()))
}

/// Reads a text of any words.
pub(super) fn text<'a>(json: Json<'a>, removed: &mut Removed) -> Result<Cow<'a, str>, Problem> {
    within_limits(cleaned(json, removed)?)
}

/// Reads a text that tells one thing from another: a character that nobody sees would make two things
/// of what looks like one.
pub(super) fn identifier<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    if text.is_ascii() || is_clean(&text) {
        return within_limits(text);
    }
    let composed = nfc(&text);
    match invisible_problem(&composed) {
        Some(problem) => Err(problem),
        None => within_limits(Cow::Owned(composed.into_owned())),
    }
}

/// Returns the problem of a text with an invisible character.
fn invisible_problem(text: &str) -> Option<Problem> {
    let (at, _) = invisible_characters(text).next()?;
    let place = Place::of(text, at)?;
    Some(Problem {
        code: "invisible_character",
        message: Cow::Owned(format!("contains an invisible character: {place}")),
    })
}

fn within_limits(text: Cow<'_, str>) -> Result<Cow<'_, str>, Problem> {
    if text.len() > limits::MAX_TEXT_CHARS && text.chars().count() > limits::MAX_TEXT_CHARS {
        return Err(Problem::new("too_long", "longer than 1,024 characters"));
    }
    if has_control_characters(&text) {
        return Err(control_character(&text));
    }
    Ok(text)
}

/// Returns the problem of a text with a control character.
fn control_character(text: &str) -> Problem {
    let at = text.find(char::is_control).unwrap_or_default();
    let place = Place::of(text, at).map(|place| format!(": {place}"));
    Problem {
        code: "control_character",
        message: Cow::Owned(format!(
            "contains a control character, such as a line break{}",
            place.unwrap_or_default()
        )),
    }
}

/// Returns `true` if the text contains C0, DEL or C1 characters. It scans the bytes first, which
/// the compiler vectorises.
pub(super) fn has_control_characters(text: &str) -> bool {
    let suspicious = text.bytes().fold(false, |found, byte| {
        found | (byte < 0x20) | (byte == 0x7f) | (byte == 0xc2)
    });
    suspicious && text.chars().any(char::is_control)
}

pub(super) fn flag(json: Json<'_>, flags: Flags, formats: &TaskFormats) -> Result<bool, Problem> {
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
        (Json::Text(text), Flags::Words) => {
            let word = text.trim();
            flag_of_word(word).or_else(|| formats.flag(word))
        }
        (_, Flags::Words) => return Err(Problem::wrong_type("a boolean", &json)),
        (_, Flags::Digits) => return Err(Problem::wrong_type("1 or 0", &json)),
    };
    value.ok_or(match flags {
        Flags::Words if formats.words.is_empty() => {
            Problem::new("malformed", "must be true, false, yes, no, 1 or 0")
        }
        Flags::Words => Problem::new(
            "malformed",
            "must be true, false, yes, no, 1, 0 or one of the task's words for them",
        ),
        Flags::Digits | Flags::Strict => Problem::new("malformed", "must be 1 or 0"),
    })
}

/// Returns what a trimmed word means in every task.
pub(crate) fn flag_of_word(word: &str) -> Option<bool> {
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
    text: &str,
    words: &'static [&'static str],
) -> Result<Cow<'a, str>, Problem> {
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
