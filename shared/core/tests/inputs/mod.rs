//! Generated inputs, in every format and compression.

use std::io::Write as _;

use flate2::write::GzEncoder;
use muster_core::reader::{Compression, Format};
use proptest::prelude::*;
use proptest::sample::select;

use crate::records::record;

/// Records that only the exact path reads, or with unusual keys.
const UNUSUAL_RECORDS: &[&str] = &[
    r#"{"u":"odd","other":1e999}"#,
    r#"{"u":"first","x":"E1","u":"odd","x":"E2"}"#,
    r#"{"\u0075":"Odd","n":"},{\"u\":\"x\"},{"}"#,
    r#"{"x":"E1","other":{"u":[1,{"n":"]"}]},"u":"e\u0301va","e":[ 1 , {} ]}"#,
    "{}",
    "1e999",
    r#"{ "u" : "\ud800" , "r" : "catman" }"#,
    r#"{"U":"spelled","N ":"a name","zz":1}"#,
    r#"{"u":"odd","E":"spelled@example.com","other":1e999,"zz":{}}"#,
];

/// An input, as a JSON array and as sent.
#[derive(Debug, Clone)]
pub struct Input {
    pub records: Vec<String>,
    pub json: String,
    pub sent: Vec<u8>,
    pub format: Format,
    pub compression: Compression,
}

/// Generates inputs of all formats.
pub fn input() -> impl Strategy<Value = Input> {
    let record = prop_oneof![9 => record(), 1 => select(UNUSUAL_RECORDS).prop_map(str::to_owned)];
    let separators = prop_oneof![
        select(&[",", ",\n", " \r\n,\n\n\t"][..]).prop_map(|between| (Format::Json, between)),
        select(&["\n", "\r\n", "\n\n \n\t"][..]).prop_map(|between| (Format::Ndjson, between)),
    ];
    let records = prop::collection::vec(record, 0..60);
    (records, separators, any::<bool>()).prop_map(|(records, (format, between), compressed)| {
        // Lines without a record are refused.
        let format = if records.is_empty() {
            Format::Json
        } else {
            format
        };
        let json = format!("[{}]", records.join(","));
        let text = match format {
            Format::Json => format!("[{}]", records.join(between)),
            Format::Ndjson => records.join(between),
        };
        Input {
            records,
            json,
            sent: if compressed {
                gzip(&text)
            } else {
                text.into_bytes()
            },
            format,
            compression: if compressed {
                Compression::Gzip
            } else {
                Compression::None
            },
        }
    })
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
