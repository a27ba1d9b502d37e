//! The exact way: record by record with serde_json, for what simd-json refuses. It finds the true
//! borders of records, lets a number that only simd-json minds cost one value and not a chunk,
//! and says where the text stops being JSON.

use serde_json::value::RawValue;

use super::cut::{is_space, skip_space};
use crate::json::{Json, OwnedJson};
use crate::limits;
use crate::rules::Rules;
use crate::validate::Element;

/// Where and why a text is not a JSON array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotJson {
    /// Index of the unexpected byte.
    pub(super) at: usize,
    pub(super) reason: String,
}

impl NotJson {
    pub(super) fn new(at: usize, reason: impl Into<String>) -> Self {
        Self {
            at,
            reason: reason.into(),
        }
    }
}

/// How far [`read`] came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// To a comma at or behind the place where it was to stop; `next` is the index behind it.
    Border { next: usize },
    /// To the bracket that closes the array; `next` is the index behind it.
    Closed { next: usize },
    /// To the end of the text, in the middle of the array; the element at `next` is incomplete.
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
        let start = bytes.len() - skip_space(bytes.get(at..).unwrap_or(&[])).len();
        let Some(byte) = bytes.get(start) else {
            return unfinished(bytes, at, complete);
        };
        if *byte == b']' && may_close {
            return Ok(Progress::Closed { next: start + 1 });
        }
        may_close = false;
        let (raw, end) = match value(bytes, start) {
            Ok(value) => value,
            Err(Stop::End) if !complete => return Ok(Progress::Incomplete { next: at }),
            Err(Stop::End) => return unfinished(bytes, at, true),
            Err(Stop::NotJson(error)) => return Err(error),
        };
        let delimiter = bytes.len() - skip_space(bytes.get(end..).unwrap_or(&[])).len();
        match bytes.get(delimiter) {
            None => return unfinished(bytes, at, complete),
            Some(b',') => {
                hand_out(rules, raw, &mut on_element);
                at = delimiter + 1;
                if delimiter >= stop {
                    return Ok(Progress::Border { next: at });
                }
            }
            Some(b']') => {
                hand_out(rules, raw, &mut on_element);
                return Ok(Progress::Closed {
                    next: delimiter + 1,
                });
            }
            Some(_) => {
                return Err(NotJson::new(
                    delimiter,
                    "expected `,` or `]` after a record",
                ));
            }
        }
    }
}

fn unfinished(bytes: &[u8], at: usize, complete: bool) -> Result<Progress, NotJson> {
    if complete {
        Err(NotJson::new(
            bytes.len(),
            "the text ends before the array is closed with `]`",
        ))
    } else {
        Ok(Progress::Incomplete { next: at })
    }
}

enum Stop {
    /// The text ends within the value.
    End,
    NotJson(NotJson),
}

/// The value that begins at `start`, and the index behind it.
fn value(bytes: &[u8], start: usize) -> Result<(&str, usize), Stop> {
    let rest = bytes.get(start..).unwrap_or(&[]);
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(raw)) => {
            let raw = raw.get();
            if let Some(deep) = too_deep(raw.as_bytes()) {
                return Err(Stop::NotJson(NotJson::new(
                    start + deep,
                    "arrays and objects are nested more than 1,024 levels deep",
                )));
            }
            Ok((raw, start + raw.len()))
        }
        None => Err(Stop::End),
        Some(Err(error)) => {
            let at = start + offset(rest, error.line(), error.column());
            // serde_json reads strings as bytes and finds out later that they are no text.
            let looked_at = bytes.get(start..).unwrap_or(&[]);
            if let Err(utf8) = std::str::from_utf8(looked_at)
                && start + utf8.valid_up_to() < at
                && utf8.error_len().is_some()
            {
                return Err(Stop::NotJson(NotJson::new(
                    start + utf8.valid_up_to(),
                    "not UTF-8 text",
                )));
            }
            if error.is_eof() {
                return Err(Stop::End);
            }
            Err(Stop::NotJson(NotJson::new(at, sentence(&error))))
        }
    }
}

/// serde_json's words without the position, which it counts within the record.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// The index of a position that serde_json gives: lines from 1, columns in bytes from 1.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(nth) => memchr::memchr_iter(b'\n', bytes)
            .nth(nth)
            .map_or(bytes.len(), |newline| newline + 1),
    };
    (start + column.saturating_sub(1)).min(bytes.len())
}

/// Where valid JSON nests deeper than allowed, counting the array that it is an element of.
fn too_deep(raw: &[u8]) -> Option<usize> {
    let mut depth = 1_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (index, byte) in raw.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > limits::NESTING {
                    return Some(index);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn hand_out(rules: &Rules, raw: &str, on_element: &mut impl FnMut(Element<'_>)) {
    if !raw.starts_with('{') {
        on_element(Element::NotAnObject(owned(raw).as_json().type_name()));
        return;
    }
    let mut values: Vec<Option<OwnedJson>> = vec![None; rules.keys().len()];
    for (key, value) in members(raw) {
        // A key that is no text cannot be a mapped one.
        let key = serde_json::from_str::<String>(key).ok();
        let slot = key.and_then(|key| rules.slot(&key));
        if let Some(entry) = slot.and_then(|slot| values.get_mut(slot)) {
            *entry = Some(owned(value));
        }
    }
    let slots: Vec<_> = values
        .iter()
        .map(|value| value.as_ref().map_or(Json::Absent, OwnedJson::as_json))
        .collect();
    on_element(Element::Object(&slots));
}

/// The members of an object, keys with their quotes, as they are written. `raw` is valid JSON.
fn members(raw: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let key = next_value(raw, &mut at)?;
        let value = next_value(raw, &mut at)?;
        Some((key, value))
    })
}

/// The items of an array, as they are written. `raw` is valid JSON.
fn items(raw: &str) -> impl Iterator<Item = &str> {
    let mut at = 1;
    std::iter::from_fn(move || next_value(raw, &mut at))
}

/// The next value at or behind `at`, past white space and the punctuation between values.
fn next_value<'r>(raw: &'r str, at: &mut usize) -> Option<&'r str> {
    let bytes = raw.as_bytes();
    while bytes
        .get(*at)
        .is_some_and(|byte| is_space(*byte) || matches!(byte, b',' | b':'))
    {
        *at += 1;
    }
    let rest = raw.get(*at..)?;
    let value = serde_json::Deserializer::from_str(rest)
        .into_iter::<&RawValue>()
        .next()?
        .ok()?
        .get();
    *at += value.len();
    Some(value)
}

/// A value, read as far as the rules look into it: the items of an array, but not theirs.
fn owned(raw: &str) -> OwnedJson {
    if raw.starts_with('[') {
        let shallow = |item: &str| match item.as_bytes().first() {
            Some(b'[') => OwnedJson::Array(Vec::new()),
            _ => owned(item),
        };
        return OwnedJson::Array(items(raw).map(shallow).collect());
    }
    match raw.as_bytes().first() {
        Some(b'n') => OwnedJson::Null,
        Some(b't') => OwnedJson::Bool(true),
        Some(b'f') => OwnedJson::Bool(false),
        Some(b'{') => OwnedJson::Object,
        Some(b'"') => serde_json::from_str(raw).map_or(OwnedJson::BrokenText, OwnedJson::Text),
        _ if raw.contains(['.', 'e', 'E']) => OwnedJson::Fraction,
        _ => raw.parse().map_or_else(
            |_| OwnedJson::BigInteger(raw.to_owned()),
            OwnedJson::Integer,
        ),
    }
}
