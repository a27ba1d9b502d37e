//! Rejected records as they are returned to the client: the mapped values as sent and the errors,
//! ready to be corrected and sent again.

use serde_json::Value;

use crate::item::Item;
use crate::limits::MAX_RETURNED_ELEMENT_BYTES;
use crate::reader::{mapped, split_first};
use crate::rules::Rules;
use crate::settings::{REJECTED_ELEMENT_KEY, REJECTION_ERRORS_KEY};

/// A rejected record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Number of the record in the input, from 1.
    pub record: u64,
    /// A JSON object in one line: the mapped keys of the record in catalogue order, with their
    /// values as sent, and `_errors`, an array of messages. A record that is not an object is
    /// `_element`, unless it is long.
    pub line: String,
}

/// The records of a chunk, as sent.
#[derive(Debug)]
pub struct ChunkRecords<'t> {
    first: u64,
    records: Vec<&'t [u8]>,
}

impl<'t> ChunkRecords<'t> {
    /// Splits the text of a chunk. `first` is the number of its first record in the input, from 1.
    #[must_use]
    pub fn new(text: &'t [u8], first: u64) -> Self {
        let elements = text.strip_prefix(b"[").unwrap_or(text);
        let mut elements = elements.strip_suffix(b"]").unwrap_or(elements);
        let records = std::iter::from_fn(|| {
            let (record, after) = split_first(elements)?;
            elements = after;
            Some(record)
        });
        Self {
            first,
            records: records.collect(),
        }
    }

    /// Returns the record with this number with its errors; `None` if the chunk does not contain
    /// it.
    pub fn rejected<'i>(
        &self,
        rules: &Rules,
        number: u64,
        items: impl IntoIterator<Item = &'i Item>,
    ) -> Option<RejectedRecord> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let raw = str::from_utf8(self.records.get(index)?).ok()?;
        Some(RejectedRecord {
            record: number,
            line: line(rules, raw, items),
        })
    }
}

fn line<'i>(rules: &Rules, raw: &str, items: impl IntoIterator<Item = &'i Item>) -> String {
    let mut line = String::from("{");
    let values = if raw.starts_with('{') {
        mapped(rules, raw)
    } else {
        Vec::new()
    };
    for ((_, key), value) in rules.keys().iter().zip(&values) {
        if let Some(value) = value {
            push_member(&mut line, key, value);
        }
    }
    let is_empty = line.len() == 1;
    let element = match values.get(rules.element_slot()) {
        // It was no object when it was rejected the first time.
        Some(element) => element.filter(|_| is_empty),
        None => Some(raw),
    };
    if let Some(element) = element.filter(|raw| raw.len() <= MAX_RETURNED_ELEMENT_BYTES) {
        push_member(&mut line, REJECTED_ELEMENT_KEY, element);
    }
    push_text(&mut line, REJECTION_ERRORS_KEY);
    let errors: Value = items.into_iter().map(Item::to_string).collect();
    line.push(':');
    line.push_str(&errors.to_string());
    line.push('}');
    line
}

fn push_member(line: &mut String, key: &str, value: &str) {
    push_text(line, key);
    line.push(':');
    // Line breaks occur only between values, where white space does not matter.
    line.extend(value.chars().map(|c| match c {
        '\n' | '\r' => ' ',
        c => c,
    }));
    line.push(',');
}

fn push_text(line: &mut String, text: &str) {
    line.push_str(&Value::from(text).to_string());
}
