//! Reads one JSON object, exactly: the body of a request about one user. The grammar and the
//! treatment of values are the same as for the records of an array ([`super::exact`]).

use std::collections::HashMap;

use super::exact::{owned, parts, past_space};
use super::foreign::{Foreign, SentAs};
use super::grammar::{self, GrammarError, InvalidJson};
use super::position::Position;
use crate::json::{Json, OwnedJson};

/// The members of an object.
#[derive(Debug, Clone, Default)]
pub struct Object(HashMap<String, OwnedJson>);

/// Error for a text that is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The text is not JSON.
    #[error("the body is not JSON: {reason} at {position}")]
    Syntax {
        /// The problem.
        reason: &'static str,
        /// Its position.
        position: Position,
    },
    /// The text is something else.
    #[error("the body must be an object, found {found} at {position}: {}", found.advice(SentAs::User))]
    Foreign {
        /// What it is.
        found: Foreign,
        /// The position of the unexpected byte.
        position: Position,
    },
    /// The text starts like another JSON value.
    #[error("the body must be an object, found {0}")]
    WrongType(&'static str),
}

impl Object {
    /// Returns the keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the value of a key; for a duplicate key, the last one.
    #[must_use]
    pub fn get(&self, key: &str) -> Json<'_> {
        self.0.get(key).map_or(Json::Absent, OwnedJson::as_json)
    }
}

/// Reads a text that is one object, with or without a byte order mark.
///
/// # Errors
/// Returns an [`ObjectError`] if the text is not a JSON object.
pub fn read_object(text: &[u8]) -> Result<Object, ObjectError> {
    read(text).map_err(|error| match (Foreign::instead_of_object(text), error) {
        (None, error) => error,
        (Some(found), ObjectError::Syntax { position, .. }) => {
            ObjectError::Foreign { found, position }
        }
        (Some(found), _) => ObjectError::Foreign {
            found,
            position: Position { line: 1, column: 1 },
        },
    })
}

fn read(text: &[u8]) -> Result<Object, ObjectError> {
    let bytes = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let wrong = |at: usize, reason: &'static str| ObjectError::Syntax {
        reason,
        position: Position::of(bytes, at),
    };
    let whole = str::from_utf8(bytes).map_err(|error| wrong(error.valid_up_to(), "not UTF-8"))?;
    let start = past_space(bytes, 0);
    match bytes.get(start) {
        Some(b'{') => {}
        Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            let raw = whole.get(start..).unwrap_or_default();
            return Err(ObjectError::WrongType(type_at_start(raw)));
        }
        Some(_) => return Err(wrong(start, "expected `{`")),
        None => return Err(wrong(start, "the body is empty")),
    }
    let end = grammar::element(bytes, start).map_err(|stop| match stop {
        GrammarError::Incomplete => wrong(bytes.len(), "the text ends before the closing `}`"),
        GrammarError::TooLong => wrong(start, "the object is longer than 8,000,000 bytes"),
        GrammarError::Invalid(InvalidJson { at, reason }) => wrong(at, reason),
    })?;
    let after = past_space(bytes, end);
    if after < bytes.len() {
        return Err(wrong(after, "unexpected text after the object"));
    }
    let raw = whole.get(start..end).unwrap_or_default();
    let mut members = HashMap::new();
    let mut parts = parts(raw);
    while let Some((key, value)) = parts.next().zip(parts.next()) {
        // A key that is not valid text cannot be looked up.
        if let Ok(key) = serde_json::from_str::<String>(key) {
            members.insert(key, owned(value));
        }
    }
    Ok(Object(members))
}

/// Returns the type of the value that a text starts with.
fn type_at_start(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'[') => Json::Array(crate::json::Items::Owned(&[])).type_name(),
        Some(b'"') => Json::Text("").type_name(),
        Some(b't' | b'f') => Json::Bool(true).type_name(),
        Some(b'n') => Json::Null.type_name(),
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        read_object(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn members_are_found_by_key_and_the_last_duplicate_wins() {
        let object = read_object("\u{feff} {\"a\":1,\"b\":[\"x\",\"y\"],\"a\":\"2\"} ".as_bytes());
        let object = object.unwrap();
        assert!(matches!(object.get("a"), Json::Text("2")));
        let Json::Array(items) = object.get("b") else {
            panic!()
        };
        assert_eq!(items.into_iter().count(), 2);
        assert!(matches!(object.get("c"), Json::Absent));
        assert!(matches!(read_object(b"{}").unwrap().get("a"), Json::Absent));
    }

    #[test]
    fn a_text_that_is_not_an_object_is_refused_with_its_position() {
        for (text, expected) in [
            ("", "the body is empty at line 1, column 1"),
            ("x", "expected `{` at line 1, column 1"),
            ("{\n \"a\":}", "line 2, column 6"),
            (
                "{\"a\":1",
                "ends before the closing `}` at line 1, column 7",
            ),
            (
                "{} {}",
                "found objects one after the other (NDJSON) at line 1, column 4: send one user",
            ),
            (
                "{} x",
                "unexpected text after the object at line 1, column 4",
            ),
            (
                "[{}]",
                "must be an object, found an array at line 1, column 1: send one user a request",
            ),
            (
                "uid;login\n1;a",
                "found CSV at line 1, column 1: send a JSON object",
            ),
            ("null", "the body must be an object, found null"),
            ("17", "the body must be an object, found a number"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_100), "]".repeat(1_100));
        assert!(refusal(&deep).contains("1,024 levels"));
        assert!(read_object(b"{\"a\":\"\xff\"}").is_err());
    }
}
