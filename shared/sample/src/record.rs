//! One record of the sample data and its JSON text. The text is written by hand: it must hold what
//! a serialiser never writes (a duplicate key, unnecessary escapes), and millions of records must
//! not cost an allocation each.

use std::ops::Range;

/// A value of a record.
enum Value {
    /// Text to be quoted and escaped: its range in [`Record::texts`].
    Text(Range<usize>),
    /// Raw JSON.
    Json(&'static str),
    /// An integer.
    Integer(u64),
}

/// A record: keys and values in output order.
#[derive(Default)]
pub(super) struct Record {
    fields: Vec<(&'static str, Value)>,
    /// The text values, concatenated.
    texts: String,
    /// Writes text in ASCII, other characters as `\uXXXX`.
    pub(super) ascii_only: bool,
}

impl Record {
    /// Clears the record.
    pub(super) fn clear(&mut self) {
        self.fields.clear();
        self.texts.clear();
        self.ascii_only = false;
    }

    /// Adds a text, which `write` appends to its argument.
    pub(super) fn push_text(&mut self, key: &'static str, write: impl FnOnce(&mut String)) {
        let start = self.texts.len();
        write(&mut self.texts);
        self.fields
            .push((key, Value::Text(start..self.texts.len())));
    }

    /// Adds raw JSON.
    pub(super) fn push_json(&mut self, key: &'static str, json: &'static str) {
        self.fields.push((key, Value::Json(json)));
    }

    /// Adds raw JSON before all other fields, even if the key exists.
    pub(super) fn push_json_first(&mut self, key: &'static str, json: &'static str) {
        self.fields.insert(0, (key, Value::Json(json)));
    }

    /// Sets the value of a key to this text.
    pub(super) fn set_text(&mut self, key: &'static str, text: &str) {
        let start = self.texts.len();
        self.texts.push_str(text);
        self.set(key, Value::Text(start..self.texts.len()));
    }

    /// Sets the value of a key to this raw JSON.
    pub(super) fn set_json(&mut self, key: &'static str, json: &'static str) {
        self.set(key, Value::Json(json));
    }

    /// Sets the value of a key to this number.
    pub(super) fn set_integer(&mut self, key: &'static str, number: u64) {
        self.set(key, Value::Integer(number));
    }

    fn set(&mut self, key: &'static str, value: Value) {
        match self.fields.iter_mut().find(|(name, _)| *name == key) {
            Some((_, logins)) => *logins = value,
            None => self.fields.push((key, value)),
        }
    }

    /// Removes a field.
    pub(super) fn remove(&mut self, key: &'static str) {
        self.fields.retain(|(name, _)| *name != key);
    }

    /// Returns the text of a key; empty if it has none.
    pub(super) fn text(&self, key: &str) -> &str {
        let field = self.fields.iter().find(|(name, _)| *name == key);
        match field {
            Some((_, Value::Text(range))) => self.texts.get(range.clone()).unwrap_or_default(),
            _ => "",
        }
    }

    /// Appends the record as one line of JSON, without a line end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (position, (key, value)) in self.fields.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_text(out, key, false);
            out.push(b':');
            match value {
                Value::Text(range) => write_text(
                    out,
                    self.texts.get(range.clone()).unwrap_or_default(),
                    self.ascii_only,
                ),
                Value::Json(json) => out.extend_from_slice(json.as_bytes()),
                Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            }
        }
        out.push(b'}');
    }
}

/// Appends a JSON string.
fn write_text(out: &mut Vec<u8>, text: &str, ascii_only: bool) {
    out.push(b'"');
    let escaped = |byte: u8| {
        byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f || (ascii_only && byte >= 0x80)
    };
    // Not `any`: its early exit prevents vectorisation.
    if text
        .bytes()
        .fold(false, |found, byte| found | escaped(byte))
    {
        for character in text.chars() {
            write_character(out, character, ascii_only);
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

fn write_character(out: &mut Vec<u8>, character: char, ascii_only: bool) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        _ if character.is_control() || (ascii_only && !character.is_ascii()) => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Appends a number, padded with zeros to this many digits.
pub(super) fn push_number(out: &mut String, number: u64, digits: u32) {
    let mut place = 10_u64.pow(digits.saturating_sub(1));
    while number / 10 >= place {
        place *= 10;
    }
    while place > 0 {
        out.push(char::from(b'0' + (number / place % 10) as u8));
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, push_number};

    #[test]
    fn a_record_is_valid_json_for_any_text() {
        let mut record = Record::default();
        record.push_text("Name", |text| {
            text.push_str("Č \"}, {\\ \0\u{7f}\u{85}🙂\n")
        });
        for ascii_only in [false, true] {
            record.ascii_only = ascii_only;
            let mut out = Vec::new();
            record.write(&mut out);
            assert_eq!(out.is_ascii(), ascii_only);
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(read["Name"], "Č \"}, {\\ \0\u{7f}\u{85}🙂\n");
        }
    }

    #[test]
    fn numbers_are_padded_and_never_truncated() {
        for number in [0, 7, 9, 10, 99, 100, 12_345, u64::MAX / 2, u64::MAX] {
            for digits in [0, 1, 4] {
                let mut text = String::new();
                push_number(&mut text, number, digits);
                assert_eq!(text, format!("{number:0width$}", width = digits as usize));
            }
        }
    }
}
