//! The exact way: element by element, for what simd-json refuses. It finds the true borders of
//! records, lets a number that only simd-json minds cost one value and not a chunk, and says
//! where the text stops being JSON.

use super::cut::{is_space, skip_space};
use super::scan::{self, NotJson, Stop};
use crate::json::{Json, OwnedJson};
use crate::rules::Rules;
use crate::validate::Element;

/// What is wrong with a byte behind a record.
pub(super) const BEHIND_RECORD: &str = "expected `,` or `]` after a record";
/// What is wrong with the end of a text within the array.
pub(super) const UNCLOSED: &str = "the text ends before the array is closed with `]`";

/// How far [`read`] came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// To a comma at or behind the place where it was to stop; `next` is the index behind it.
    Border { next: usize },
    /// To the bracket that closes the array; `next` is the index behind it.
    Closed { next: usize },
    /// To the end of the bytes, in the middle of the array; at `next` is what belongs to an
    /// element that is not complete, white space apart.
    Incomplete { next: usize },
}

/// Reads elements of the array from `bytes`, which begin at an element.
///
/// `stop` is the index of the comma at or behind which to stop. `complete` says that nothing
/// follows `bytes`, `first` that no element came before them.
pub(super) fn read(
    rules: &Rules,
    bytes: &[u8],
    stop: usize,
    complete: bool,
    first: bool,
    mut on_element: impl FnMut(Element<'_>),
) -> Result<Progress, NotJson> {
    let mut at = 0;
    let mut may_close = first;
    loop {
        let start = past_space(bytes, at);
        if may_close && bytes.get(start) == Some(&b']') {
            return Ok(Progress::Closed { next: start + 1 });
        }
        may_close = false;
        let end = match scan::element(bytes, start) {
            Ok(end) => end,
            Err(Stop::End) => return unfinished(bytes, start, complete),
            Err(Stop::NotJson(error)) => return Err(error),
        };
        let delimiter = past_space(bytes, end);
        let closes = match bytes.get(delimiter) {
            None => return unfinished(bytes, start, complete),
            Some(b',') => false,
            Some(b']') => true,
            Some(_) => {
                return Err(NotJson {
                    at: delimiter,
                    reason: BEHIND_RECORD,
                });
            }
        };
        let raw = bytes.get(start..end).unwrap_or(&[]);
        let raw = str::from_utf8(raw).map_err(|error| NotJson {
            at: start + error.valid_up_to(),
            reason: "not UTF-8 text",
        })?;
        hand_out(rules, raw, &mut on_element);
        at = delimiter + 1;
        if closes {
            return Ok(Progress::Closed { next: at });
        }
        if delimiter >= stop {
            return Ok(Progress::Border { next: at });
        }
    }
}

pub(super) fn past_space(bytes: &[u8], at: usize) -> usize {
    bytes.len() - skip_space(bytes.get(at..).unwrap_or(&[])).len()
}

fn unfinished(bytes: &[u8], next: usize, complete: bool) -> Result<Progress, NotJson> {
    if complete {
        Err(NotJson {
            at: bytes.len(),
            reason: UNCLOSED,
        })
    } else {
        Ok(Progress::Incomplete { next })
    }
}

fn hand_out(rules: &Rules, raw: &str, on_element: &mut impl FnMut(Element<'_>)) {
    if !raw.starts_with('{') {
        on_element(Element::NotAnObject(owned(raw).as_json().type_name()));
        return;
    }
    let values: Vec<_> = mapped(rules, raw)
        .into_iter()
        .map(|value| value.map(owned))
        .collect();
    let slots: Vec<_> = values
        .iter()
        .map(|value| value.as_ref().map_or(Json::Absent, OwnedJson::as_json))
        .collect();
    on_element(Element::Object(&slots));
}

/// The values of the mapped keys of an object, as they are written, by slot.
pub(crate) fn mapped<'r>(rules: &Rules, raw: &'r str) -> Vec<Option<&'r str>> {
    let mut values = vec![None; rules.keys().len()];
    let mut members = parts(raw);
    while let Some((key, value)) = members.next().zip(members.next()) {
        // A key that is no text cannot be a mapped one.
        let key = serde_json::from_str::<String>(key).ok();
        let slot = key.and_then(|key| rules.slot(&key));
        // Of a key that comes twice the last value wins.
        if let Some(entry) = slot.and_then(|slot| values.get_mut(slot)) {
            *entry = Some(value);
        }
    }
    values
}

/// The first of some elements, valid JSON values with commas between them, and what is behind its
/// comma.
pub(crate) fn split_first(elements: &[u8]) -> Option<(&[u8], &[u8])> {
    let elements = skip_space(elements);
    if elements.is_empty() {
        return None;
    }
    let (first, behind) = elements.split_at_checked(scan::skip_value(elements, 0))?;
    let behind = skip_space(behind);
    Some((first, behind.strip_prefix(b",").unwrap_or(behind)))
}

/// The items of an array, or the keys and values of an object, as they are written. `raw` is
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
        at = scan::skip_value(bytes, start);
        raw.get(start..at)
    })
}

/// A value, read as far as the rules look into it: the items of an array, but not theirs.
pub(super) fn owned(raw: &str) -> OwnedJson {
    match raw.as_bytes().first() {
        Some(b'n') => OwnedJson::Null,
        Some(b't') => OwnedJson::Bool(true),
        Some(b'f') => OwnedJson::Bool(false),
        Some(b'{') => OwnedJson::Object,
        Some(b'[') => OwnedJson::Array(parts(raw).map(item).collect()),
        Some(b'"') => serde_json::from_str(raw).map_or(OwnedJson::BrokenText, OwnedJson::Text),
        _ if raw.contains(['.', 'e', 'E']) => OwnedJson::Fraction,
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
