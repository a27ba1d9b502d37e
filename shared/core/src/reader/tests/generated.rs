//! Generated documents: complete, truncated, and with one invalid byte.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;

use super::*;
use crate::text::folded;

static POOLS: LazyLock<[ThreadPool; 3]> = LazyLock::new(|| [pool(1), pool(2), pool(3)]);

/// A string as written, and its value; `None` if it is not valid text.
#[derive(Debug, Clone)]
struct WrittenString {
    json: String,
    value: Option<String>,
}

/// A JSON value as written.
#[derive(Debug, Clone)]
enum Model {
    Null,
    Bool(bool),
    Number(&'static str),
    Text(WrittenString),
    Array(Vec<Model>),
    Object(Vec<(WrittenString, Model)>),
}

impl Model {
    fn parsed(&self) -> ParsedValue {
        match self {
            Self::Null => ParsedValue::Null,
            Self::Bool(value) => ParsedValue::Bool(*value),
            Self::Number(digits) if digits.contains(['.', 'e', 'E']) => {
                let number: f64 = digits.parse().unwrap();
                if number.trunc() == number && number.abs() < 9_007_199_254_740_992.0 {
                    ParsedValue::Integer(format!("{}", number as i64))
                } else {
                    ParsedValue::Fraction
                }
            }
            Self::Number("-0") => ParsedValue::Integer("0".into()),
            Self::Number(digits) => ParsedValue::Integer((*digits).into()),
            Self::Text(written_string) => written_string
                .value
                .clone()
                .map_or(ParsedValue::BrokenText, ParsedValue::Text),
            Self::Array(items) => ParsedValue::Array(
                items
                    .iter()
                    .map(|item| match item {
                        Self::Array(_) => ParsedValue::Array(Vec::new()),
                        other => other.parsed(),
                    })
                    .collect(),
            ),
            Self::Object(_) => ParsedValue::Object,
        }
    }

    fn record(&self) -> Record {
        let Self::Object(members) = self else {
            return Record::NotAnObject(match self.parsed() {
                ParsedValue::Null => "null",
                ParsedValue::Bool(_) => "a boolean",
                ParsedValue::Integer(_) => "an integer",
                ParsedValue::Fraction => "a number with a fraction or beyond 2^53",
                ParsedValue::Text(_) => "a string",
                ParsedValue::BrokenText => "a string with a broken \\u escape",
                ParsedValue::Array(_) => "an array",
                ParsedValue::Object | ParsedValue::Absent => unreachable!(),
            });
        };
        let last = |key: &str| {
            let find = |is: &dyn Fn(&str) -> bool| {
                let mut members = members.iter();
                members.rfind(|(written, _)| written.value.as_deref().is_some_and(is))
            };
            find(&|written| written == key)
                .or_else(|| find(&|written| folded(written) == folded(key)))
                .map_or(ParsedValue::Absent, |(_, value)| value.parsed())
        };
        Record::Values(KEYS.map(last).into())
    }

    fn write(&self, space: &mut impl FnMut() -> &'static str, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Number(digits) => text.push_str(digits),
            Self::Text(written_string) => text.push_str(&written_string.json),
            Self::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(space());
                    item.write(space, text);
                    text.push_str(space());
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(space());
                    text.push_str(&key.json);
                    text.push_str(space());
                    text.push(':');
                    text.push_str(space());
                    value.write(space, text);
                    text.push_str(space());
                }
                text.push('}');
            }
        }
    }
}

/// Pieces of strings, as written, and their values; an unpaired surrogate has none.
const PIECES: [(&str, Option<&str>); 22] = [
    ("a", Some("a")),
    ("user", Some("user")),
    (" ", Some(" ")),
    ("},{\\\"", Some("},{\"")),
    (
        "}, {\\\"Username\\\":\\\"x\\\"}",
        Some("}, {\"Username\":\"x\"}"),
    ),
    ("},{", Some("},{")),
    ("]", Some("]")),
    ("[", Some("[")),
    (",", Some(",")),
    ("\\\\", Some("\\")),
    ("\\\"", Some("\"")),
    ("\\/", Some("/")),
    ("\\n", Some("\n")),
    ("\\u0041", Some("A")),
    ("\\u00e9", Some("é")),
    ("\\ud83d\\ude00", Some("😀")),
    ("é", Some("é")),
    ("😀", Some("😀")),
    ("漢字", Some("漢字")),
    ("\\ud800 ", None),
    ("\\udfff ", None),
    (
        "0123456789012345678901234567890123456789",
        Some("0123456789012345678901234567890123456789"),
    ),
];

const NUMBERS: [&str; 20] = [
    "0",
    "-0",
    "1",
    "-1",
    "42",
    "1.0",
    "-0.5",
    "1e2",
    "1E-2",
    "1.5e+300",
    "1e999",
    "-1e999",
    "1e-999",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
];

const SPACES: [&str; 6] = ["", "", " ", "\n", "\t\r\n  ", "                "];

fn written_string() -> impl Strategy<Value = WrittenString> {
    prop::collection::vec(select(&PIECES[..]), 0..6).prop_map(|pieces| WrittenString {
        json: format!(
            "\"{}\"",
            pieces.iter().map(|piece| piece.0).collect::<String>()
        ),
        value: pieces.iter().map(|piece| piece.1).collect(),
    })
}

/// Mapped keys, some of them escaped, other keys, and some that only resemble mapped ones.
fn key() -> impl Strategy<Value = WrittenString> {
    let fixed = |json: &'static str, value: &'static str| {
        Just(WrittenString {
            json: format!("\"{json}\""),
            value: Some(value.into()),
        })
    };
    prop_oneof![
        4 => select(&KEYS[..]).prop_map(|key| WrittenString { json: format!("\"{key}\""), value: Some(key.into()) }),
        1 => fixed("User\\u006eame", "Username"),
        1 => fixed("username", "username"),
        1 => fixed("Usernam", "Usernam"),
        1 => fixed("Name ", "Name "),
        1 => written_string(),
    ]
}

fn value() -> impl Strategy<Value = Model> {
    let leaf = prop_oneof![
        1 => Just(Model::Null),
        1 => any::<bool>().prop_map(Model::Bool),
        2 => select(&NUMBERS[..]).prop_map(Model::Number),
        4 => written_string().prop_map(Model::Text),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::Array),
            prop::collection::vec((key(), inner), 0..4).prop_map(Model::Object),
        ]
    })
}

fn element() -> impl Strategy<Value = Model> {
    prop_oneof![
        8 => prop::collection::vec((key(), value()), 0..7).prop_map(Model::Object),
        1 => value(),
    ]
}

/// Elements, and a text that contains them.
fn document(most: usize) -> impl Strategy<Value = (Vec<Model>, String)> {
    let spaces = prop::collection::vec(select(&SPACES[..]), 1..12);
    (
        prop::collection::vec(element(), 0..most),
        spaces,
        any::<bool>(),
    )
        .prop_map(|(elements, spaces, mark)| {
            let mut spaces = spaces.iter().cycle();
            let mut space = || *spaces.next().unwrap();
            let mut text = String::from(if mark { "\u{feff}" } else { "" });
            text.push_str(space());
            Model::Array(elements.clone()).write(&mut space, &mut text);
            text.push_str(space());
            (elements, text)
        })
}

fn sizes() -> impl Strategy<Value = Sizes> {
    (8_usize..400, 1_usize..2_000).prop_map(|(chunk, window)| Sizes { chunk, window })
}

/// Returns the result for the default sizes, asserting that the given sizes and all pools give the
/// same.
fn read_everywhere(text: &[u8], some: &[Sizes]) -> Result<Vec<Record>, SyntaxError> {
    let result = try_read_with_keys(text, Sizes::default());
    for (sizes, pool) in some.iter().zip(POOLS.iter().cycle()) {
        let other = pool.install(|| try_read_with_keys(text, *sizes));
        assert_eq!(
            other,
            result,
            "{sizes:?}\n{}",
            String::from_utf8_lossy(text)
        );
    }
    result.map(|(records, _)| records)
}

/// Returns the number of elements if the text is UTF-8 and serde_json reads it as an array.
fn count_by_serde(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let elements: Vec<IgnoredAny> = serde_json::from_str(text).ok()?;
    Some(elements.len())
}

proptest! {
    #[test]
    fn any_array_is_read_the_same_for_all_sizes_and_threads(
        (elements, text) in document(30),
        some in prop::collection::vec(sizes(), 6),
    ) {
        prop_assert_eq!(count_by_serde(text.as_bytes()), Some(elements.len()), "the generator is wrong");
        let expected: Vec<_> = elements.iter().map(Model::record).collect();
        prop_assert_eq!(read_everywhere(text.as_bytes(), &some), Ok(expected));
    }

    #[test]
    fn any_truncated_text_is_refused_at_the_same_byte(
        (_, text) in document(8),
        cut in any::<prop::sample::Index>(),
        some in prop::collection::vec(sizes(), 6),
    ) {
        let bytes = text.trim_end().as_bytes();
        let short = &bytes[..cut.index(bytes.len())];
        let error = read_everywhere(short, &some).unwrap_err();
        let whole_characters = std::str::from_utf8(short).map_or_else(|e| e.valid_up_to(), str::len);
        prop_assert!(error.offset as usize >= whole_characters, "{error:?}");
        prop_assert!(error.offset as usize <= short.len(), "{error:?}");
    }

    #[test]
    fn any_changed_byte_gives_the_same_result_as_serde_json(
        (_, text) in document(8),
        place in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), select(&b"{}[],:\"\\ 0e-.ntf\n"[..])],
        how in 0..3,
        some in prop::collection::vec(sizes(), 6),
    ) {
        let mut bytes = text.into_bytes();
        let place = place.index(bytes.len());
        match how {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            _ => drop(bytes.remove(place)),
        }
        let result = read_everywhere(&bytes, &some);
        prop_assert_eq!(result.as_ref().ok().map(Vec::len), count_by_serde(&bytes), "{:?}", result);
        // The bytes before the changed one start a valid array: the error is never there, unless
        // the change is within a character.
        if let Err(error) = result {
            let at = error.offset as usize;
            let within_character = bytes.get(at).is_some_and(|byte| *byte >= 0xc0) && at + 4 > place;
            prop_assert!(at >= place || within_character, "{error:?}, changed at {place}");
        }
    }
}

#[test]
fn a_text_of_many_chunks_is_read_the_same() {
    // Names that look like boundaries everywhere; every hundredth number is only read by
    // serde_json.
    let user = |number: usize| {
        let big = if number.is_multiple_of(100) {
            "1e999"
        } else {
            "7"
        };
        format!(
            r#"{{"Username":"u{number}","Name":"}},{{\"Username\":\"{number}\"}},{{\"a","Other":{big}}}"#
        )
    };
    let text = format!(
        "[{}]",
        (0..20_000).map(user).collect::<Vec<_>>().join(",\n")
    );
    let expected = read(&text);
    assert_eq!(expected.len(), 20_000);
    for (number, record) in expected.iter().enumerate() {
        let Record::Values(values) = record else {
            panic!("{record:?}")
        };
        assert_eq!(values[0], super::text(&format!("u{number}")));
    }
    for pool in POOLS.iter() {
        for (chunk, window) in [(1_000, 1_000), (4_096, 100_000), (50_000, 1 << 20)] {
            let records = pool.install(|| try_read(text.as_bytes(), Sizes { chunk, window }));
            assert_eq!(records.as_ref(), Ok(&expected));
        }
    }
}
