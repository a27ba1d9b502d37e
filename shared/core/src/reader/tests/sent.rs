//! Objects as they are sent: packed, or line by line, and how their faults are told.

use std::io::Write;
use std::sync::atomic::Ordering;

use flate2::write::GzEncoder;

use super::*;

const MOST: u64 = 1 << 30;

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn read_sent(
    object: impl Read + Send,
    format: Format,
    compression: Compression,
    most: u64,
    sizes: Sizes,
) -> Result<(Totals, Vec<Record>), SourceError> {
    let mut source = Source::new(object, format, compression, most);
    let mut records = Vec::new();
    let totals = read_source(&mut source, &rules(), sizes, &Keep, |first, crop| {
        assert_eq!(first, records.len() as u64);
        records.extend(crop);
        Ok(())
    })?;
    Ok((totals, records))
}

fn unpacked(object: &[u8], most: u64) -> Result<Vec<Record>, SourceError> {
    let sizes = Sizes::default();
    let (_, records) = read_sent(object, Format::Json, Compression::Gzip, most, sizes)?;
    Ok(records)
}

/// The records of NDJSON: the same for all sizes, and the same when it is packed.
#[track_caller]
fn lines(text: &str) -> Vec<Record> {
    let read = |object: &[u8], compression, sizes| {
        read_sent(object, Format::Ndjson, compression, MOST, sizes).unwrap()
    };
    let (totals, records) = read(text.as_bytes(), Compression::None, Sizes::default());
    assert_eq!(totals.records, records.len() as u64);
    assert_eq!(totals.bytes, text.len() as u64);
    for sizes in odd_sizes() {
        assert_eq!(read(text.as_bytes(), Compression::None, sizes).1, records);
        assert_eq!(read(&gzip(text), Compression::Gzip, sizes).1, records);
    }
    records
}

/// Where a text is refused: the same for all sizes, numbers of threads, and packed.
#[track_caller]
fn misplaced(text: impl AsRef<[u8]>, format: Format) -> Misplaced {
    let text = text.as_ref();
    let read = |object: &[u8], compression, sizes| {
        let read = read_sent(object, format, compression, MOST, sizes);
        match read.unwrap_err() {
            SourceError::Syntax(misplaced) => misplaced,
            other => panic!("{other:?}"),
        }
    };
    let expected = read(text, Compression::None, Sizes::default());
    for threads in [1, 3] {
        pool(threads).install(|| {
            for sizes in odd_sizes() {
                assert_eq!(read(text, Compression::None, sizes), expected, "{sizes:?}");
                assert_eq!(read(&gzip(text), Compression::Gzip, sizes), expected);
            }
        });
    }
    expected
}

#[track_caller]
fn assert_misplaced(text: &str, format: Format, place: (u64, u64, u64), reason: &str) {
    let misplaced = misplaced(text, format);
    let found = (misplaced.offset, misplaced.line, misplaced.record);
    assert_eq!(found, place, "{text:?}: {misplaced}");
    assert!(misplaced.reason.contains(reason), "{text:?}: {misplaced}");
}

#[test]
fn lines_are_read_as_the_elements_of_an_array_are() {
    let array = read(r#"[{"Username":"a"},{"Name":"},{\"x"},7,null,{"Tags":[1,"b"]}]"#);
    let sent = "{\"Username\":\"a\"}\n{\"Name\":\"},{\\\"x\"}\n7\nnull\n{\"Tags\":[1,\"b\"]}";
    assert_eq!(lines(sent), array);
    assert_eq!(lines(&format!("{sent}\n")), array);
    assert_eq!(lines(&sent.replace('\n', "\r\n")), array);
    assert_eq!(lines(&sent.replace('\n', "\n\n \t\r\n")), array);
    assert_eq!(lines(&format!("\u{feff}\n{sent}\r\n\r\n")), array);
}

#[test]
fn a_text_without_lines_is_an_empty_array() {
    for text in ["", "\n", "\u{feff}", " \r\n\n"] {
        assert_eq!(lines(text), []);
    }
}

#[test]
fn the_place_of_a_fault_is_told_in_what_was_sent() {
    use Format::{Json, Ndjson};
    assert_misplaced("[{},\n{},\n\n{\"a\"}]", Json, (14, 4, 3), "expected `:`");
    assert_misplaced("{}", Json, (0, 1, 1), "found an object");
    assert_misplaced("\n\n[{}", Json, (5, 3, 1), "the text ends before");
    assert_misplaced("[{}]\n\nx", Json, (6, 3, 2), "after the end");
    assert_misplaced("{}\n{}\n\n{\"a\"}\n{}", Ndjson, (11, 4, 3), "expected `:`");
    assert_misplaced("\u{feff}{}\r\n{x", Ndjson, (8, 2, 2), "expected a key");
    assert_misplaced("{} {}\n", Ndjson, (3, 1, 1), "expected the end of the line");
    assert_misplaced(
        "{}\n{},\n{}",
        Ndjson,
        (5, 2, 2),
        "expected the end of the line",
    );
    assert_misplaced("{}\n]\n", Ndjson, (3, 2, 2), "expected a JSON value");
}

#[test]
fn a_record_that_is_cut_in_two_is_a_fault_at_the_end_of_its_line() {
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
        assert_misplaced(
            text,
            Format::Ndjson,
            place,
            "the line ends before the record",
        );
    }
    for text in ["{}\n{\"a\":1", "{}\n{\"a\":\"x", "{}\n[1,2", "{}\n{\"a\":"] {
        let place = (text.len() as u64, 2, 2);
        assert_misplaced(
            text,
            Format::Ndjson,
            place,
            "the text ends before the record",
        );
    }
}

#[test]
fn places_in_a_text_of_many_chunks_are_exact() {
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
        let misplaced = misplaced(&bad, format);
        let offset = bad.find("{x").unwrap() + 1;
        assert_eq!(misplaced.offset, offset as u64);
        assert_eq!((misplaced.line, misplaced.record), (2 + 6_000, 3_001));
    }
}

#[test]
fn gzip_of_one_member_or_several_is_unpacked() {
    let text = r#"[{"Username":"a"},{"Username":"b"}]"#;
    assert_eq!(unpacked(&gzip(text), MOST).unwrap(), read(text));
    let (first, second) = text.split_at(20);
    let members = [gzip(first), gzip(""), gzip(second)].concat();
    assert_eq!(unpacked(&members, MOST).unwrap(), read(text));
}

#[test]
fn gzip_that_is_broken_or_followed_by_something_is_refused() {
    let text = format!("[{}]", vec!["{\"Username\":\"a\"}"; 10_000].join(","));
    let whole = gzip(&text);
    let mut flipped = whole.clone();
    let end = flipped.len();
    flipped[end - 6] ^= 1;
    let cases = [
        (whole[..end - 1].to_vec(), "it ends too early"),
        (whole[..end / 2].to_vec(), "it ends too early"),
        (Vec::new(), "it ends too early"),
        (text.clone().into_bytes(), "it does not begin as gzip does"),
        (flipped, "it is damaged"),
        (
            [&whole[..], b"garbage behind it"].concat(),
            "something else follows",
        ),
        ([&whole[..], &[0; 512]].concat(), "something else follows"),
    ];
    for (object, expected) in cases {
        match unpacked(&object, MOST).unwrap_err() {
            SourceError::Unpack(error @ UnpackError::Broken { .. }) => {
                assert!(error.to_string().contains(expected), "{error}: {expected}");
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn an_object_that_unpacks_to_too_much_is_refused() {
    let text = format!("[{}]", vec!["{}"; 100_000].join(","));
    let most = text.len() as u64;
    assert_eq!(unpacked(&gzip(&text), most).unwrap().len(), 100_000);
    let error = unpacked(&gzip(&text), most - 1).unwrap_err();
    assert!(matches!(
        error,
        SourceError::Unpack(UnpackError::TooLarge { most: limit }) if limit == most - 1
    ));
    assert!(error.to_string().contains(&(most - 1).to_string()));
}

#[test]
fn a_source_that_fails_is_not_taken_for_broken_gzip() {
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
        let read = read_sent(object, format, Compression::Gzip, MOST, sizes);
        assert!(matches!(read.unwrap_err(), SourceError::Io(_)));
    }
}

#[test]
fn what_cannot_be_passed_on_ends_the_reading() {
    let text = format!("[{}]", vec![r#"{"Username":"a"}"#; 10_000].join(","));
    let mut source = Source::new(text.as_bytes(), Format::Json, Compression::None, MOST);
    let sizes = Sizes {
        chunk: 100,
        window: 1_000,
    };
    let mut crops = 0;
    let read = read_source(&mut source, &rules(), sizes, &Keep, |_, _| {
        crops += 1;
        if crops < 3 {
            return Ok(());
        }
        Err(io::Error::other("full"))
    });
    let error = read.unwrap_err();
    assert!(matches!(&error, SourceError::Sink(error) if error.to_string() == "full"));
    assert_eq!(crops, 3);
    assert!(source.sent().load(Ordering::Relaxed) < text.len() as u64);
}

#[test]
fn bytes_are_counted_as_they_were_sent() {
    let object = gzip(format!("[{}]", vec!["{}"; 10_000].join(",")));
    let mut source = Source::new(&object[..], Format::Json, Compression::Gzip, MOST);
    let sent = source.sent();
    let totals = read_source(
        &mut source,
        &rules(),
        Sizes::default(),
        &Keep,
        |_, _| Ok(()),
    );
    assert_eq!(totals.unwrap().bytes, 30_001);
    assert_eq!(sent.load(Ordering::Relaxed), object.len() as u64);
}
