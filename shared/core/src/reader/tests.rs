//! The reader against serde_json and against itself: whatever the sizes and however many threads,
//! the same elements come out, and what is no JSON array is refused at the same byte.

mod generated;
mod refused;
mod sent;
mod values;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::*;
use crate::json::Json;
use crate::settings::TaskSettings;

/// A value as the rules see it: of the items of an array they never look into arrays.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Absent,
    Null,
    Bool(bool),
    Integer(String),
    Fraction,
    Text(String),
    BrokenText,
    Array(Vec<Seen>),
    Object,
}

impl Seen {
    fn of(json: Json<'_>) -> Self {
        match json {
            Json::Absent => Self::Absent,
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Integer(number) => Self::Integer(number.to_string()),
            Json::BigInteger(number) => Self::Integer(number.to_string()),
            Json::Fraction => Self::Fraction,
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

/// An element, or why it is none.
#[derive(Debug, Clone, PartialEq)]
enum Record {
    Values(Vec<Seen>),
    NotAnObject(&'static str),
}

/// Keeps every element.
struct Keep;

impl Harvest for Keep {
    type Crop = Vec<Record>;

    fn start(&self, _text: &[u8]) -> Self::Crop {
        Vec::new()
    }

    fn gather(&self, crop: &mut Self::Crop, index: u32, element: Element<'_>) {
        assert_eq!(index as usize, crop.len());
        crop.push(match element {
            Element::NotAnObject(got) => Record::NotAnObject(got),
            Element::Object(slots) => {
                Record::Values(slots.iter().map(|json| Seen::of(*json)).collect())
            }
        });
    }
}

/// Reads a source, and checks that what comes is in order.
fn read_records(
    source: impl Read + Send,
    sizes: Sizes,
) -> Result<(Totals, Vec<Record>), ReadError> {
    let mut records = Vec::new();
    let totals = read_array(source, &rules(), sizes, &Keep, |first, crop| {
        assert_eq!(first, records.len() as u64);
        records.extend(crop);
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

/// All elements, or where the text was refused.
fn try_read(text: &[u8], sizes: Sizes) -> Result<Vec<Record>, SyntaxError> {
    match read_records(text, sizes) {
        Ok((totals, records)) => {
            assert_eq!(totals.records, records.len() as u64);
            assert_eq!(totals.bytes, text.len() as u64);
            Ok(records)
        }
        Err(ReadError::Syntax(error)) => Err(error),
        Err(ReadError::Io(error)) => panic!("{error}"),
    }
}

fn read(text: impl AsRef<[u8]>) -> Vec<Record> {
    try_read(text.as_ref(), Sizes::default()).unwrap()
}

/// Sizes at which everything falls apart in another way.
fn odd_sizes() -> impl Iterator<Item = Sizes> {
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

/// Where a text is refused: the same for all sizes and numbers of threads.
#[track_caller]
fn refusal(text: impl AsRef<[u8]>) -> SyntaxError {
    let text = text.as_ref();
    let default = try_read(text, Sizes::default()).unwrap_err();
    for threads in [1, 3] {
        pool(threads).install(|| {
            for sizes in odd_sizes() {
                assert_eq!(try_read(text, sizes).unwrap_err(), default, "{sizes:?}");
            }
        });
    }
    default
}

#[track_caller]
fn assert_refused_at(text: impl AsRef<[u8]>, offset: u64) {
    let text = text.as_ref();
    let error = refusal(text);
    assert_eq!(
        error.offset,
        offset,
        "{}: {}",
        String::from_utf8_lossy(text),
        error.reason
    );
}

/// A text that is accepted, with the same elements for all sizes.
#[track_caller]
fn accepted(text: impl AsRef<[u8]>) -> Vec<Record> {
    let text = text.as_ref();
    let records = read(text);
    for sizes in odd_sizes() {
        assert_eq!(try_read(text, sizes).unwrap(), records, "{sizes:?}");
    }
    records
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

/// The value of one mapped key of a single record.
#[track_caller]
fn name_in(record: &str) -> Seen {
    match accepted(format!("[{record}]")).as_slice() {
        [Record::Values(values)] => values[1].clone(),
        other => panic!("{other:?}"),
    }
}
