//! The reader compared with serde_json and with itself: all sizes and thread counts give the same
//! elements, and invalid text is refused at the same byte.

mod generated;
mod keys;
mod long_records;
mod sources;
mod syntax_errors;
mod values;

use std::io::{self, Read};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::*;
use crate::json::Json;
use crate::rules::Rules;
use crate::settings::TaskSettings;
use crate::validate::Element;

/// A value as validation sees it: nested arrays within an array are not inspected.
#[derive(Debug, Clone, PartialEq)]
enum ParsedValue {
    Absent,
    Null,
    Bool(bool),
    Integer(String),
    Fraction,
    Text(String),
    BrokenText,
    Array(Vec<ParsedValue>),
    Object,
}

impl ParsedValue {
    fn of(json: Json<'_>) -> Self {
        match json {
            Json::Absent => Self::Absent,
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Integer(number) => Self::Integer(number.to_string()),
            Json::BigInteger(number) => Self::Integer(number.to_string()),
            Json::Fraction(_) => Self::Fraction,
            Json::Text(text) => Self::Text(text.to_owned()),
            Json::BrokenText => Self::BrokenText,
            Json::Array(items) => Self::Array(
                items
                    .into_iter()
                    .map(|item| match item {
                        Json::Array(_) => Self::Array(Vec::new()),
                        other => Self::of(other),
                    })
                    .collect(),
            ),
            Json::Object => Self::Object,
        }
    }
}

/// An element, or its type if it is not an object.
#[derive(Debug, Clone, PartialEq)]
enum Record {
    Values(Vec<ParsedValue>),
    NotAnObject(&'static str),
    /// What was kept of an element that is too large.
    TooLarge(Vec<ParsedValue>),
}

/// A sink that keeps every element.
struct CollectRecords;

impl RecordSink for CollectRecords {
    type Batch = Vec<Record>;

    fn start_batch(&self, _text: &[u8]) -> Self::Batch {
        Vec::new()
    }

    fn push(&self, batch: &mut Self::Batch, index: u32, element: Element<'_>) {
        assert_eq!(index as usize, batch.len());
        batch.push(match element {
            Element::NotAnObject(got) => Record::NotAnObject(got),
            Element::Object(slots) => {
                Record::Values(slots.iter().map(|json| ParsedValue::of(*json)).collect())
            }
            Element::TooLarge(slots) => {
                Record::TooLarge(slots.iter().map(|json| ParsedValue::of(*json)).collect())
            }
        });
    }
}

/// Reads a source and asserts that batches arrive in order.
fn read_records(
    source: impl Read + Send,
    sizes: Sizes,
) -> Result<(Totals, Vec<Record>), ReadError> {
    let mut records = Vec::new();
    let totals = read_array(source, &rules(), sizes, &CollectRecords, |first, batch| {
        assert_eq!(first, records.len() as u64);
        records.extend(batch);
    })?;
    Ok((totals, records))
}

/// Slots: 0 `Username`, 1 `Name`, 2 `Active`, 3 `Tags`.
const KEYS: [&str; 4] = ["Username", "Name", "Active", "Tags"];

fn rules() -> Rules {
    let settings: TaskSettings = serde_json::from_str(
        r#"{"attribute_mapping":
            {"username":"Username","name":"Name","active":"Active","tags":"Tags"}}"#,
    )
    .unwrap();
    Rules::new(&settings).unwrap()
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

/// Returns all elements, or where the text was refused.
fn try_read(text: &[u8], sizes: Sizes) -> Result<Vec<Record>, SyntaxError> {
    try_read_with_keys(text, sizes).map(|(records, _)| records)
}

/// Returns all elements, and the keys that are not mapped exactly.
fn try_read_with_keys(text: &[u8], sizes: Sizes) -> Result<(Vec<Record>, FoundKeys), SyntaxError> {
    match read_records(text, sizes) {
        Ok((totals, records)) => {
            assert_eq!(totals.records, records.len() as u64);
            assert_eq!(totals.bytes, text.len() as u64);
            Ok((records, totals.keys))
        }
        Err(ReadError::Syntax(error)) => Err(error),
        Err(ReadError::Io(error)) => panic!("{error}"),
    }
}

fn read(text: impl AsRef<[u8]>) -> Vec<Record> {
    try_read(text.as_ref(), Sizes::default()).unwrap()
}

/// Sizes that split the text in unusual places.
fn unusual_sizes() -> impl Iterator<Item = Sizes> {
    [
        (8, 8),
        (8, 64),
        (13, 40),
        (31, 1),
        (64, 1_000),
        (100, 100),
        (1_000, 3_000),
        (1 << 20, 1 << 22),
    ]
    .into_iter()
    .map(|(chunk, window)| Sizes { chunk, window })
}

/// Runs `check` with all unusual sizes, on one thread and on several.
fn for_sizes_and_threads(check: impl Fn(Sizes) + Sync) {
    for threads in [1, 3] {
        pool(threads).install(|| unusual_sizes().for_each(&check));
    }
}

/// Returns where a text is refused, asserting that it is the same for all sizes and thread counts.
#[track_caller]
fn syntax_error(text: impl AsRef<[u8]>) -> SyntaxError {
    let text = text.as_ref();
    let default = try_read(text, Sizes::default()).unwrap_err();
    for_sizes_and_threads(|sizes| {
        assert_eq!(try_read(text, sizes).unwrap_err(), default, "{sizes:?}");
    });
    default
}

#[track_caller]
fn assert_refused_at(text: impl AsRef<[u8]>, offset: u64) {
    let text = text.as_ref();
    let error = syntax_error(text);
    assert_eq!(
        error.offset,
        offset,
        "{}: {}",
        String::from_utf8_lossy(text),
        error.reason
    );
}

/// Returns the elements of an accepted text, asserting that they are the same for all sizes.
#[track_caller]
fn read_with_all_sizes(text: impl AsRef<[u8]>) -> Vec<Record> {
    let text = text.as_ref();
    let records = read(text);
    for sizes in unusual_sizes() {
        assert_eq!(try_read(text, sizes).unwrap(), records, "{sizes:?}");
    }
    records
}

fn text(text: &str) -> ParsedValue {
    ParsedValue::Text(text.to_owned())
}

/// Returns the value of one mapped key of a single record.
#[track_caller]
fn name_in(record: &str) -> ParsedValue {
    match read_with_all_sizes(format!("[{record}]")).as_slice() {
        [Record::Values(values)] => values[1].clone(),
        other => panic!("{other:?}"),
    }
}
