//! Reading one JSON object, exactly: what a request about one user holds. The grammar and what is
//! seen of a value are those of the records of an array ([`super::exact`]).

use std::collections::HashMap;

use super::exact::{owned, parts, past_space};
use super::position::Position;
use super::scan::{self, NotJson, Stop};
use crate::json::{Json, OwnedJson};

/// The members of an object.
#[derive(Debug, Clone, Default)]
pub struct Object(HashMap<String, OwnedJson>);

/// Why a text is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoObject {
    /// It is not JSON.
    #[error("the body is not JSON: {reason} at {position}")]
    Syntax {
        /// What is wrong.
        reason: &'static str,
        /// Where.
        position: Position,
    },
    /// It begins as another value of JSON.
    #[error("the body is {0} where an object belongs")]
    Other(&'static str),
}

impl Object {
    /// The value of a key; the last one, where it comes several times.
    #[must_use]
    pub fn get(&self, key: &str) -> Json<'_> {
        self.0.get(key).map_or(Json::Absent, OwnedJson::as_json)
    }
}

/// Reads a text that is one object; a byte order mark is fine.
///
/// # Errors
/// [`NoObject`]
pub fn read_object(text: &[u8]) -> Result<Object, NoObject> {
    let bytes = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let wrong = |at: usize, reason: &'static str| NoObject::Syntax {
        reason,
        position: Position::of(bytes, at),
    };
    let whole = str::from_utf8(bytes).map_err(|error| wrong(error.valid_up_to(), "not UTF-8"))?;
    let start = past_space(bytes, 0);
    match bytes.get(start) {
        Some(b'{') => {}
        Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            let raw = whole.get(start..).unwrap_or_default();
            return Err(NoObject::Other(begun(raw)));
        }
        Some(_) => return Err(wrong(start, "expected `{`")),
        None => return Err(wrong(start, "there is nothing")),
    }
    let end = scan::element(bytes, start).map_err(|stop| match stop {
        Stop::End => wrong(bytes.len(), "the text ends before the object is closed"),
        Stop::NotJson(NotJson { at, reason }) => wrong(at, reason),
    })?;
    let behind = past_space(bytes, end);
    if behind < bytes.len() {
        return Err(wrong(behind, "something follows the object"));
    }
    let raw = whole.get(start..end).unwrap_or_default();
    let mut members = HashMap::new();
    let mut parts = parts(raw);
    while let Some((key, value)) = parts.next().zip(parts.next()) {
        // A key that is no text is unknown to everybody.
        if let Ok(key) = serde_json::from_str::<String>(key) {
            members.insert(key, owned(value));
        }
    }
    Ok(Object(members))
}

/// The type of the value that a text begins with.
fn begun(raw: &str) -> &'static str {
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
    fn members_are_found_by_key_and_the_last_one_wins() {
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
    fn what_is_no_object_is_refused_with_its_place() {
        for (text, expected) in [
            ("", "there is nothing at line 1, column 1"),
            ("x", "expected `{` at line 1, column 1"),
            ("{\n \"a\":}", "line 2, column 6"),
            (
                "{\"a\":1",
                "ends before the object is closed at line 1, column 7",
            ),
            ("{} {}", "something follows the object at line 1, column 4"),
            ("[]", "the body is an array where an object belongs"),
            ("null", "the body is null where an object belongs"),
            ("17", "the body is a number where an object belongs"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_100), "]".repeat(1_100));
        assert!(refusal(&deep).contains("1,024 levels"));
        assert!(read_object(b"{\"a\":\"\xff\"}").is_err());
    }
}
