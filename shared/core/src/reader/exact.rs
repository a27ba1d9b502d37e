//! The exact path: reads element by element where simd-json rejects a chunk. It finds the true
//! boundaries of records, limits the effect of a number that only simd-json rejects to one value,
//! and locates the byte where the text stops being JSON.

use std::borrow::Cow;

use super::boundary::{is_space, skip_space, trim_space};
use super::grammar::{self, GrammarError, InvalidJson};
use super::keys::{KeyLog, Nested, OtherValues, reached};
use crate::json::{Json, OwnedJson, whole};
use crate::rules::{LevelId, Rules};
use crate::validate::Element;

/// Reason for an unexpected byte after a record.
pub(super) const AFTER_RECORD: &str = "expected `,` or `]` after a record";
/// Reason for a text that ends within the array.
pub(super) const UNCLOSED: &str = "the text ends before the array is closed with `]`";

/// Point that [`read`] reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// A comma at or after `stop`; `next` is the index after it.
    Border { next: usize },
    /// The bracket that closes the array; `next` is the index after it.
    Closed { next: usize },
    /// An element that is longer than a record may be; it starts at `next`.
    TooLong { next: usize },
    /// The end of the bytes, within the array; an incomplete element starts at `next`, after any
    /// white space.
    Incomplete { next: usize },
}

/// Reads elements of the array from `bytes`, which start at an element.
///
/// Reading ends at the first comma at or after index `stop`. `complete` is `true` if nothing
/// follows `bytes`, `first` if no element precedes them.
pub(super) fn read(
    rules: &Rules,
    bytes: &[u8],
    stop: usize,
    complete: bool,
    first: bool,
    log: &mut KeyLog,
    mut on_element: impl FnMut(Element<'_>),
) -> Result<Reached, InvalidJson> {
    let mut at = 0;
    let mut may_close = first;
    let mut index = 0;
    loop {
        let start = past_space(bytes, at);
        if may_close && bytes.get(start) == Some(&b']') {
            return Ok(Reached::Closed { next: start + 1 });
        }
        may_close = false;
        let end = match grammar::element(bytes, start) {
            Ok(end) => end,
            Err(GrammarError::Incomplete) => return incomplete(bytes, start, complete),
            Err(GrammarError::TooLong) => return Ok(Reached::TooLong { next: start }),
            Err(GrammarError::Invalid(error)) => return Err(error),
        };
        let delimiter = past_space(bytes, end);
        let closes = match bytes.get(delimiter) {
            None => return incomplete(bytes, start, complete),
            Some(b',') => false,
            Some(b']') => true,
            Some(_) => {
                return Err(InvalidJson {
                    at: delimiter,
                    reason: AFTER_RECORD,
                });
            }
        };
        let raw = bytes.get(start..end).unwrap_or(&[]);
        let raw = str::from_utf8(raw).map_err(|error| InvalidJson {
            at: start + error.valid_up_to(),
            reason: "not UTF-8 text",
        })?;
        emit_element(rules, raw, log, index, &mut on_element);
        index += 1;
        at = delimiter + 1;
        if closes {
            return Ok(Reached::Closed { next: at });
        }
        if delimiter >= stop {
            return Ok(Reached::Border { next: at });
        }
    }
}

/// Returns the elements that were read exactly from `bytes`, without what follows them.
pub(super) fn elements_read<'b>(
    bytes: &'b [u8],
    reached: &Result<Reached, InvalidJson>,
) -> &'b [u8] {
    let length = match reached {
        Ok(Reached::Border { next } | Reached::Closed { next }) => next.saturating_sub(1),
        Ok(Reached::Incomplete { next } | Reached::TooLong { next }) => *next,
        Err(_) => 0,
    };
    let elements = trim_space(bytes.get(..length).unwrap_or(&[]));
    elements.strip_suffix(b",").unwrap_or(elements)
}

pub(super) fn past_space(bytes: &[u8], at: usize) -> usize {
    bytes.len() - skip_space(bytes.get(at..).unwrap_or(&[])).len()
}

fn incomplete(bytes: &[u8], next: usize, complete: bool) -> Result<Reached, InvalidJson> {
    if complete {
        Err(InvalidJson {
            at: bytes.len(),
            reason: UNCLOSED,
        })
    } else {
        Ok(Reached::Incomplete { next })
    }
}

fn emit_element(
    rules: &Rules,
    raw: &str,
    log: &mut KeyLog,
    index: u32,
    on_element: &mut impl FnMut(Element<'_>),
) {
    if !raw.starts_with('{') {
        on_element(Element::NotAnObject(owned(raw).as_json().type_name()));
        return;
    }
    with_slots(rules, raw, log, index, |slots| {
        on_element(object(rules, slots));
    });
}

/// Returns the element with these values: an object, unless it is a rejected element that was none
/// and is sent again.
#[inline]
pub(super) fn object<'a>(rules: &Rules, slots: &'a [Json<'a>]) -> Element<'a> {
    let (mapped, element) = slots.split_at(rules.element_slot().min(slots.len()));
    let is_absent = |json: &Json<'_>| matches!(json, Json::Absent);
    match element.first() {
        None | Some(Json::Absent) => Element::Object(mapped),
        Some(element) if mapped.iter().all(is_absent) => Element::NotAnObject(match element {
            Json::Object => "an object within `_element`: send it as the record itself",
            other => other.type_name(),
        }),
        Some(_) => Element::Object(mapped),
    }
}

/// Passes on the mapped values of an object, by slot, and that of a rejected element. Notes the keys
/// of this record in the log.
pub(super) fn with_slots(
    rules: &Rules,
    raw: &str,
    log: &mut KeyLog,
    index: u32,
    consume: impl FnOnce(&[Json<'_>]),
) {
    let values: Vec<_> = mapped_with_log(rules, raw, log, index)
        .into_iter()
        .map(|value| value.map(owned))
        .collect();
    let slots: Vec<_> = values
        .iter()
        .map(|value| value.as_ref().map_or(Json::Absent, OwnedJson::as_json))
        .collect();
    log.end_record(&slots);
    consume(&slots);
}

/// Returns the values of the mapped keys of an object, as written, by slot, and that of a rejected
/// element.
pub(crate) fn mapped<'r>(rules: &Rules, raw: &'r str) -> Vec<Option<&'r str>> {
    mapped_with_log(rules, raw, &mut KeyLog::default(), 0)
}

fn mapped_with_log<'r>(
    rules: &Rules,
    raw: &'r str,
    log: &mut KeyLog,
    index: u32,
) -> Vec<Option<&'r str>> {
    let mut values = vec![None; rules.element_slot() + 1];
    let mut others = OtherValues::default();
    RawJson(raw).each(|key, value| {
        let target = rules.target(LevelId::RECORD, &key);
        log.note(rules, index, LevelId::RECORD, &key, reached(target, value));
        let exact = others.add(rules, log, index, target, value);
        // The last value of a duplicate key wins.
        if let Some(entry) = exact.and_then(|slot| values.get_mut(slot)) {
            *entry = Some(value.0);
        }
    });
    others.end_record(|slot, value| {
        if let Some(entry @ None) = values.get_mut(slot) {
            *entry = Some(value.0);
        }
    });
    values
}

/// Valid JSON, as written.
#[derive(Clone, Copy)]
struct RawJson<'r>(&'r str);

impl<'r> Nested<'r> for RawJson<'r> {
    fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    fn is_scalar(self) -> bool {
        !self.0.starts_with(['[', '{', 'n'])
    }

    fn each(self, mut pass: impl FnMut(Cow<'r, str>, Self)) {
        let mut parts = parts(self.0);
        if self.0.starts_with('{') {
            while let Some((key, value)) = parts.next().zip(parts.next()) {
                // A key that is not valid text cannot be mapped.
                if let Ok(key) = serde_json::from_str::<String>(key) {
                    pass(Cow::Owned(key), Self(value));
                }
            }
        } else if self.0.starts_with('[') {
            for (index, item) in parts.enumerate() {
                pass(Cow::Owned(index.to_string()), Self(item));
            }
        }
    }
}

/// Splits off the first of several elements, which are valid JSON values separated by commas.
/// Returns it and the elements after its comma.
pub(crate) fn split_first(elements: &[u8]) -> Option<(&[u8], &[u8])> {
    let elements = skip_space(elements);
    if elements.is_empty() {
        return None;
    }
    let (first, after) = elements.split_at_checked(grammar::skip_value(elements, 0))?;
    let after = skip_space(after);
    Some((first, after.strip_prefix(b",").unwrap_or(after)))
}

/// Returns the items of an array, or the keys and values of an object, as written. `raw` must be
/// valid JSON.
pub(super) fn parts(raw: &str) -> impl Iterator<Item = &str> {
    let bytes = raw.as_bytes();
    let is_between = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b':');
    let mut at = 1;
    std::iter::from_fn(move || {
        at += bytes
            .get(at..)?
            .iter()
            .take_while(|byte| is_between(byte))
            .count();
        if at + 1 >= bytes.len() {
            return None;
        }
        let start = at;
        at = grammar::skip_value(bytes, start);
        raw.get(start..at)
    })
}

/// Parses a value as deep as validation inspects it: the items of an array, but not nested items.
pub(super) fn owned(raw: &str) -> OwnedJson {
    match raw.as_bytes().first() {
        Some(b'n') => OwnedJson::Null,
        Some(b't') => OwnedJson::Bool(true),
        Some(b'f') => OwnedJson::Bool(false),
        Some(b'{') => OwnedJson::Object,
        Some(b'[') => OwnedJson::Array(parts(raw).map(item).collect()),
        Some(b'"') => serde_json::from_str(raw).map_or(OwnedJson::BrokenText, OwnedJson::Text),
        _ if raw.contains(['.', 'e', 'E']) => {
            let number = raw.parse().ok().and_then(whole);
            number.map_or_else(|| OwnedJson::Fraction(raw.to_owned()), OwnedJson::Integer)
        }
        _ => raw.parse().map_or_else(
            |_| OwnedJson::BigInteger(raw.to_owned()),
            OwnedJson::Integer,
        ),
    }
}

fn item(raw: &str) -> OwnedJson {
    if raw.starts_with('[') {
        OwnedJson::Array(Vec::new())
    } else {
        owned(raw)
    }
}
