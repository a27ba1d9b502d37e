//! Compressed and NDJSON sources, and the locations of their errors.

use std::io::Write;
use std::sync::atomic::Ordering;

use flate2::write::GzEncoder;

use super::*;

const MAX_BYTES: u64 = 1 << 30;

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn read_object_as(
    object: impl Read + Send,
    format: Format,
    compression: Compression,
    max_bytes: u64,
    sizes: Sizes,
) -> Result<(Totals, Vec<Record>), SourceError> {
    let mut source = Source::new(object, format, compression, max_bytes);
    let mut records = Vec::new();
    let totals = read_source(
        &mut source,
        &rules(),
        sizes,
        &CollectRecords,
        |first, batch| {
            assert_eq!(first, records.len() as u64);
            records.extend(batch);
            Ok(())
        },
    )?;
    Ok((totals, records))
}

fn read_gzip(object: &[u8], max_bytes: u64) -> Result<Vec<Record>, SourceError> {
    let sizes = Sizes::default();
    let (_, records) = read_object_as(object, Format::Json, Compression::Gzip, max_bytes, sizes)?;
    Ok(records)
}

/// Returns the records of NDJSON text, asserting that they are the same for all sizes and when
/// compressed.
#[track_caller]
fn lines(text: &str) -> Vec<Record> {
    let read = |object: &[u8], compression, sizes| {
        read_object_as(object, Format::Ndjson, compression, MAX_BYTES, sizes).unwrap()
    };
    let (totals, records) = read(text.as_bytes(), Compression::None, Sizes::default());
    assert_eq!(totals.records, records.len() as u64);
    assert_eq!(totals.bytes, text.len() as u64);
    for sizes in unusual_sizes() {
        assert_eq!(read(text.as_bytes(), Compression::None, sizes).1, records);
        assert_eq!(read(&gzip(text), Compression::Gzip, sizes).1, records);
    }
    records
}

/// Returns where a text is refused, asserting that it is the same for all sizes, thread counts, and
/// when compressed.
#[track_caller]
fn format_error(text: impl AsRef<[u8]>, format: Format) -> FormatError {
    let text = text.as_ref();
    let read = |object: &[u8], compression, sizes| {
        let read = read_object_as(object, format, compression, MAX_BYTES, sizes);
        match read.unwrap_err() {
            SourceError::Syntax(format_error) => format_error,
            other => panic!("{other:?}"),
        }
    };
    let expected = read(text, Compression::None, Sizes::default());
    for_sizes_and_threads(|sizes| {
        assert_eq!(read(text, Compression::None, sizes), expected, "{sizes:?}");
        assert_eq!(read(&gzip(text), Compression::Gzip, sizes), expected);
    });
    expected
}

#[track_caller]
fn assert_format_error(text: &str, format: Format, place: (u64, u64, u64), reason: &str) {
    let format_error = format_error(text, format);
    let found = (format_error.offset, format_error.line, format_error.record);
    assert_eq!(found, place, "{text:?}: {format_error}");
    assert!(
        format_error.reason.contains(reason),
        "{text:?}: {format_error}"
    );
}

#[test]
fn ndjson_gives_the_same_records_as_an_array() {
    let array = read(r#"[{"Username":"a"},{"Name":"},{\"x"},7,null,{"Tags":[1,"b"]}]"#);
    let sent = "{\"Username\":\"a\"}\n{\"Name\":\"},{\\\"x\"}\n7\nnull\n{\"Tags\":[1,\"b\"]}";
    assert_eq!(lines(sent), array);
    assert_eq!(lines(&format!("{sent}\n")), array);
    assert_eq!(lines(&sent.replace('\n', "\r\n")), array);
    assert_eq!(lines(&sent.replace('\n', "\n\n \t\r\n")), array);
    assert_eq!(lines(&format!("\u{feff}\n{sent}\r\n\r\n")), array);
}

#[test]
fn lines_without_records_and_lines_that_are_an_array_are_refused() {
    for text in ["", "\n", "\u{feff}", " \r\n\n"] {
        assert_format_error(text, Format::Ndjson, (0, 1, 1), "found nothing");
    }
    for text in ["[{}]", "[{\"Username\":\"a\"},{}]\n"] {
        assert_format_error(text, Format::Ndjson, (0, 1, 1), "found an array");
    }
    assert_eq!(lines("[1]").len(), 1);
    assert_eq!(lines("[{}]\n{}").len(), 2);
}

#[test]
fn what_was_sent_in_place_of_records_is_recognised_whatever_is_read_at_once() {
    use Format::{Json, Ndjson};
    let packed = gzip("[]");
    for (text, format, expected) in [
        (&b"{\"users\":[{}]}"[..], Json, "its member \"users\""),
        (b"{}\n{}\n", Json, "one after the other"),
        (b"[\0{\0}\0]\0", Json, "UTF-16"),
        (b"{\0\"\0", Ndjson, "UTF-16"),
        (&packed, Json, "gzip data"),
        (&packed, Ndjson, "gzip data"),
        (b"a,b\n1,2\n", Ndjson, "CSV"),
        (b"[\n{},\n{}\n]", Ndjson, "an array"),
    ] {
        let found = format_error(text, format).found;
        let found = found.unwrap_or_else(|| panic!("{expected}: not recognised"));
        assert!(found.to_string().contains(expected), "{found}: {expected}");
    }
    assert_eq!(format_error("[{},{x}]", Json).found, None);
    assert_eq!(format_error("{}\n[\n{}]", Ndjson).found, None);
}

#[test]
fn errors_are_located_in_the_text_as_sent() {
    use Format::{Json, Ndjson};
    assert_format_error("[{},\n{},\n\n{\"a\"}]", Json, (14, 4, 3), "expected `:`");
    assert_format_error("{}", Json, (0, 1, 1), "found an object");
    assert_format_error("\n\n[{}", Json, (5, 3, 1), "the text ends before");
    assert_format_error("[{}]\n\nx", Json, (6, 3, 2), "after the end");
    assert_format_error("{}\n{}\n\n{\"a\"}\n{}", Ndjson, (11, 4, 3), "expected `:`");
    assert_format_error("\u{feff}{}\r\n{x", Ndjson, (8, 2, 2), "expected a key");
    assert_format_error("{} {}\n", Ndjson, (3, 1, 1), "expected the end of the line");
    assert_format_error(
        "{}\n{},\n{}",
        Ndjson,
        (5, 2, 2),
        "expected the end of the line",
    );
    assert_format_error("{}\n]\n", Ndjson, (3, 2, 2), "expected a JSON value");
}

#[test]
fn a_record_split_over_two_lines_is_an_error_at_the_line_end() {
    for (text, place) in [
        ("{}\n\n{\"a\":1\n\"b\":2}", (10, 3, 2)),
        ("{}\n{\"a\":1,\n\"b\":2}\n{}", (10, 2, 2)),
        ("{\n}", (1, 1, 1)),
        ("{\"a\":{}\r\n\"b\":2}", (8, 1, 1)),
        ("{\"a\":[{}\n{}]}", (8, 1, 1)),
        ("{\"a\":\"x}\n{y\"}", (8, 1, 1)),
        ("[1\n2]\n", (2, 1, 1)),
        ("\"a\n\"", (2, 1, 1)),
    ] {
        assert_format_error(
            text,
            Format::Ndjson,
            place,
            "the line ends before the record",
        );
    }
    for text in ["{}\n{\"a\":1", "{}\n{\"a\":\"x", "{}\n[1,2", "{}\n{\"a\":"] {
        let place = (text.len() as u64, 2, 2);
        assert_format_error(
            text,
            Format::Ndjson,
            place,
            "the text ends before the record",
        );
    }
}

#[test]
fn errors_in_a_text_of_many_chunks_are_located_exactly() {
    let record = r#"{"Username":"someone","Name":"},{\"a"}"#;
    for (format, between, around) in [
        (Format::Json, ",\n\n", ["[\n", "]"]),
        (Format::Ndjson, "\n\n", ["\n", ""]),
    ] {
        let good = vec![record; 3_000].join(between);
        let bad = format!(
            "{}{good}{between}{{x{between}{good}{}",
            around[0], around[1]
        );
        let format_error = format_error(&bad, format);
        let offset = bad.find("{x").unwrap() + 1;
        assert_eq!(format_error.offset, offset as u64);
        assert_eq!((format_error.line, format_error.record), (2 + 6_000, 3_001));
    }
}

#[test]
fn gzip_of_one_or_several_members_is_decompressed() {
    let text = r#"[{"Username":"a"},{"Username":"b"}]"#;
    assert_eq!(read_gzip(&gzip(text), MAX_BYTES).unwrap(), read(text));
    let (first, second) = text.split_at(20);
    let mut members = [gzip(first), gzip(""), gzip(second)].concat();
    assert_eq!(read_gzip(&members, MAX_BYTES).unwrap(), read(text));
    for padding in [1, 512, 200_000] {
        members.resize(members.len() + padding, 0);
        assert_eq!(read_gzip(&members, MAX_BYTES).unwrap(), read(text));
    }
}

#[test]
fn gzip_that_is_damaged_or_followed_by_other_data_is_refused() {
    let text = format!("[{}]", vec!["{\"Username\":\"a\"}"; 10_000].join(","));
    let whole = gzip(&text);
    let mut flipped = whole.clone();
    let end = flipped.len();
    flipped[end - 6] ^= 1;
    let cases = [
        (whole[..end - 1].to_vec(), "it is truncated"),
        (whole[..end / 2].to_vec(), "it is truncated"),
        (Vec::new(), "it is truncated"),
        (text.clone().into_bytes(), "it has no gzip header"),
        (flipped, "it is damaged"),
        (
            [&whole[..], b"garbage after it"].concat(),
            "followed by other data",
        ),
        ([&whole[..], b"\n"].concat(), "followed by other data"),
        (
            [gzip(""), b"\n".to_vec()].concat(),
            "followed by other data",
        ),
        (
            [&whole[..], &[0; 512], &whole].concat(),
            "followed by other data",
        ),
        (vec![0; 512], "it has no gzip header"),
    ];
    for (object, expected) in cases {
        match read_gzip(&object, MAX_BYTES).unwrap_err() {
            SourceError::Unpack(error @ UnpackError::Broken { .. }) => {
                assert!(error.to_string().contains(expected), "{error}: {expected}");
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn an_object_that_decompresses_to_too_many_bytes_is_refused() {
    let text = format!("[{}]", vec!["{}"; 100_000].join(","));
    let max_bytes = text.len() as u64;
    assert_eq!(read_gzip(&gzip(&text), max_bytes).unwrap().len(), 100_000);
    let error = read_gzip(&gzip(&text), max_bytes - 1).unwrap_err();
    assert!(matches!(
        error,
        SourceError::Unpack(UnpackError::TooLarge { max_bytes: limit }) if limit == max_bytes - 1
    ));
    assert!(error.to_string().contains(&(max_bytes - 1).to_string()));
}

#[test]
fn a_failing_source_is_not_reported_as_damaged_gzip() {
    struct Failing(Vec<u8>, usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let rest = &self.0[self.1..];
            if rest.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let length = rest.len().min(buffer.len()).min(5);
            buffer[..length].copy_from_slice(&rest[..length]);
            self.1 += length;
            Ok(length)
        }
    }
    let whole = gzip("[1,2,3]");
    let half = whole[..whole.len() / 2].to_vec();
    for format in [Format::Json, Format::Ndjson] {
        let sizes = Sizes::default();
        let object = Failing(half.clone(), 0);
        let read = read_object_as(object, format, Compression::Gzip, MAX_BYTES, sizes);
        assert!(matches!(read.unwrap_err(), SourceError::Io(_)));
    }
}

#[test]
fn an_error_of_the_consumer_ends_the_reading() {
    let text = format!("[{}]", vec![r#"{"Username":"a"}"#; 10_000].join(","));
    let mut source = Source::new(text.as_bytes(), Format::Json, Compression::None, MAX_BYTES);
    let sizes = Sizes {
        chunk: 100,
        window: 1_000,
    };
    let mut batches = 0;
    let read = read_source(&mut source, &rules(), sizes, &CollectRecords, |_, _| {
        batches += 1;
        if batches < 3 {
            return Ok(());
        }
        Err(io::Error::other("full"))
    });
    let error = read.unwrap_err();
    assert!(matches!(&error, SourceError::Consumer(error) if error.to_string() == "full"));
    assert_eq!(batches, 3);
    assert!(source.sent().load(Ordering::Relaxed) < text.len() as u64);
}

#[test]
fn sent_bytes_are_counted_before_decompression() {
    let object = gzip(format!("[{}]", vec!["{}"; 10_000].join(",")));
    let mut source = Source::new(&object[..], Format::Json, Compression::Gzip, MAX_BYTES);
    let sent = source.sent();
    let totals = read_source(
        &mut source,
        &rules(),
        Sizes::default(),
        &CollectRecords,
        |_, _| Ok(()),
    );
    assert_eq!(totals.unwrap().bytes, 30_001);
    assert_eq!(sent.load(Ordering::Relaxed), object.len() as u64);
}
