//! Records that were not taken, as they are handed back: what was sent, and what is wrong with it,
//! ready to be put right and sent again.

use serde_json::Value;

use crate::item::Item;
use crate::reader::{mapped, split_first};
use crate::rules::Rules;
use crate::settings::ERRORS;

/// A record that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its number in the input, from 1.
    pub record: u64,
    /// A JSON object, in one line: the mapped keys that the record has, in the order of the
    /// catalogue, with their values as they were sent, and `_errors`, an array of sentences. Of a
    /// record that is no object only that.
    pub line: String,
}

/// The records of a chunk, as they were sent.
#[derive(Debug)]
pub struct ChunkRecords<'t> {
    first: u64,
    records: Vec<&'t [u8]>,
}

impl<'t> ChunkRecords<'t> {
    /// Those of the text of a chunk whose first record is the input's number `first`, from 1.
    #[must_use]
    pub fn new(text: &'t [u8], first: u64) -> Self {
        let elements = text.strip_prefix(b"[").unwrap_or(text);
        let mut elements = elements.strip_suffix(b"]").unwrap_or(elements);
        let records = std::iter::from_fn(|| {
            let (record, behind) = split_first(elements)?;
            elements = behind;
            Some(record)
        });
        Self {
            first,
            records: records.collect(),
        }
    }

    /// The record with this number, as it is handed back with what is said about it; `None` if the
    /// chunk does not have it.
    pub fn rejected<'i>(
        &self,
        rules: &Rules,
        number: u64,
        items: impl IntoIterator<Item = &'i Item>,
    ) -> Option<Rejected> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let raw = str::from_utf8(self.records.get(index)?).ok()?;
        Some(Rejected {
            record: number,
            line: line(rules, raw, items),
        })
    }
}

fn line<'i>(rules: &Rules, raw: &str, items: impl IntoIterator<Item = &'i Item>) -> String {
    let mut line = String::from("{");
    if raw.starts_with('{') {
        for ((_, key), value) in rules.keys().iter().zip(mapped(rules, raw)) {
            let Some(value) = value else { continue };
            push_text(&mut line, key);
            line.push(':');
            // Between values and nowhere else, so that nothing changes but where lines end.
            line.extend(value.chars().map(|c| match c {
                '\n' | '\r' => ' ',
                c => c,
            }));
            line.push(',');
        }
    }
    push_text(&mut line, ERRORS);
    let sentences: Value = items.into_iter().map(Item::to_string).collect();
    line.push(':');
    line.push_str(&sentences.to_string());
    line.push('}');
    line
}

fn push_text(line: &mut String, text: &str) {
    line.push_str(&Value::from(text).to_string());
}
