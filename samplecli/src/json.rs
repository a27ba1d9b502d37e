//! JSON as the server sent it: members keep their order and unknown ones are kept, which a parsed
//! value would lose.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::failure::Failure;

/// An object as received.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct JsonObject(Box<RawValue>);

impl JsonObject {
    /// Returns the JSON of a response body, or `None` if it is not JSON.
    pub fn from_slice(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Parses the members that the caller needs.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.as_str()).map_err(|error| {
            Failure::failed(format!("cannot read the server's response: {error}"))
                .hint("the client may be older than the server: see `muster --version`")
        })
    }

    /// Returns the text of the object.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Returns the object with one more member.
    pub fn with(&self, name: &str, value: &str) -> Result<Self, Failure> {
        let open = self.as_str().trim_end();
        let open = open.strip_suffix('}').unwrap_or(open);
        let (name, value) = (Value::from(name), Value::from(value));
        RawValue::from_string(format!("{open},{name}:{value}}}"))
            .map(Self)
            .map_err(|error| Failure::failed(format!("cannot write the response: {error}")))
    }
}

/// Indents valid JSON.
pub fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if quoted {
            text.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            ' ' | '\n' | '\r' | '\t' => {}
            '{' | '[' => {
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                text.push(letter);
                if let Some(end) = letters.next_if(|&next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    new_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                quoted = letter == '"';
                text.push(letter);
            }
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn members_keep_their_order_and_strings_their_text() {
        let json = r#"{"b":[],"a":[1,{"t":"x, \"{y}\" \\"}],"c":{ } ,"n":null}"#;
        let text = indented(json);
        assert_eq!(
            text,
            "{\n  \"b\": [],\n  \"a\": [\n    1,\n    {\n      \"t\": \"x, \\\"{y}\\\" \\\\\"\n    }\n  ],\n  \"c\": {},\n  \"n\": null\n}"
        );
        let parsed = |json| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(parsed(json), parsed(&text));
    }
}
