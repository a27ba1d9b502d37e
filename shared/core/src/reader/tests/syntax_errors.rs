//! Invalid texts, and the byte at which the reader refuses them.

use super::*;

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn the_unexpected_byte_is_located() {
    for (text, offset) in [
        ("", 0),
        ("  \n", 3),
        ("\u{feff}", 3),
        ("{}", 0),
        ("\"a\"", 0),
        ("7", 0),
        ("nul", 0),
        ("[", 1),
        ("[ ", 2),
        ("[1", 2),
        ("[1,", 3),
        ("[1, ", 4),
        ("[1,]", 3),
        ("[1,2,]", 5),
        ("[,1]", 1),
        ("[1,,2]", 3),
        ("[1 2]", 3),
        ("[1;2]", 2),
        ("[]x", 2),
        ("[] []", 3),
        ("[1]]", 3),
        ("[1],", 3),
        ("[{]", 2),
        ("[{}", 3),
        ("[}", 1),
        ("[1}", 2),
        ("[{\"a\"}]", 5),
        ("[{\"a\":}]", 6),
        ("[{\"a\":1,}]", 8),
        ("[{\"a\":1 \"b\":2}]", 8),
        ("[{\"a\" 1}]", 6),
        ("[{a:1}]", 2),
        ("[{\"a\":1,b:2}]", 8),
        ("[{1:2}]", 2),
        ("[{\"a\":[1,2}]", 10),
        ("[{\"a\":1]", 7),
        ("[tru]", 4),
        ("[trua]", 4),
        ("[truee]", 5),
        ("[nulL]", 4),
        ("[True]", 1),
        ("[01]", 2),
        ("[-]", 2),
        ("[-a]", 2),
        ("[-01]", 3),
        ("[1.]", 3),
        ("[1.e2]", 3),
        ("[.5]", 1),
        ("[1e]", 3),
        ("[1e+]", 4),
        ("[+1]", 1),
        ("[0x1]", 2),
        ("[NaN]", 1),
        ("[\"\\x\"]", 3),
        ("[\"\\u12g4\"]", 6),
        ("[\"\\u123\"]", 7),
        ("[\"a\nb\"]", 3),
        ("[\"a\0b\"]", 3),
        ("[\"ab", 4),
        ("[\"ab\\", 5),
        ("[\"ab\\\"]", 7),
        ("[\"a\"\"b\"]", 4),
        ("['a']", 1),
        ("[1,\u{a0}2]", 3),
        ("[\u{feff}1]", 1),
        ("[1]\0", 3),
        ("[1,\u{c}2]", 3),
        ("/**/[1]", 0),
        ("[1]//", 3),
    ] {
        assert_refused_at(text, offset);
    }
}

#[test]
fn a_syntax_error_counts_the_records_before_it() {
    assert_eq!(syntax_error("[{},{},{\"a\"}]").records, 2);
    assert_eq!(syntax_error("{}").records, 0);
}

#[test]
fn invalid_utf_8_is_refused_everywhere() {
    for (before, after) in [
        ("[\"", "\"]"),
        ("[{\"Name\":\"", "\"}]"),
        ("[{\"Name\":\"é😀", "x\"}]"),
        ("[{\"", "\":1}]"),
        ("[{\"Other\":[\"", "\"]}]"),
        ("[{\"a\":\"\\n", "\"}]"),
        ("[", "]"),
        ("", "[]"),
        ("[]", ""),
        ("[{},", "{}]"),
        ("[1", "]"),
    ] {
        for bad in [
            &b"\xff"[..],
            b"\x80",
            b"\xc3(",
            b"\xe2\x82(",
            b"\xf0\x9f\x98(",
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf5\x80\x80\x80",
        ] {
            let text = [before.as_bytes(), bad, after.as_bytes()].concat();
            assert_refused_at(text, before.len() as u64);
        }
    }
}

#[test]
fn the_first_of_two_errors_is_reported() {
    assert_refused_at(b"[\"\xff\n\"]", 2);
    assert_refused_at(b"[\"\n\xff\"]", 2);
    assert_refused_at(b"[\"\xff", 2);
    assert_refused_at(b"[\"\xff\" 1 2]", 2);
    assert_refused_at(b"[\"a\" 1 \"\xff\"]", 5);
}

#[test]
fn nesting_is_limited_to_1_024_levels() {
    for rejected_by_simd_json in ["", r#","Big":1e999"#] {
        for key in ["Name", "Other"] {
            // The array of records and the record are two levels.
            let record = |levels| {
                format!(
                    r#"[{{"Username":"a","{key}":{}{rejected_by_simd_json}}}]"#,
                    nested(levels)
                )
            };
            assert_eq!(read_with_all_sizes(record(1_022)).len(), 1);
            assert_refused_at(
                record(1_023),
                record(1_022).find("[[").unwrap() as u64 + 1_022,
            );
        }
    }
    assert_eq!(read_with_all_sizes(nested(1_024)).len(), 1);
    assert_refused_at(nested(1_025), 1_024);
    assert_refused_at(nested(1_100), 1_024);
    let objects = |levels: usize| "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
    assert_eq!(
        read_with_all_sizes(format!("[{}]", objects(1_023))).len(),
        1
    );
    assert_refused_at(format!("[{}]", objects(1_024)), 1 + 5 * 1_023);
}

#[test]
fn nesting_of_100_000_levels_is_refused_without_overflow() {
    for text in [
        nested(100_000),
        "[".repeat(100_000),
        "[".to_owned() + &"{\"a\":".repeat(100_000),
        format!(r#"[{{"Name":{}}}]"#, nested(100_000)),
    ] {
        let error = try_read(text.as_bytes(), Sizes::default()).unwrap_err();
        assert!(error.reason.contains("1,024"), "{}", error.reason);
    }
}

#[test]
fn the_missing_comma_of_the_documented_sample_is_located() {
    let sample = r#"[
  {
    "Username": "john.foo",
    "Name" : "John Foo",
    "Role": "catman",
    "E-mail": "john.foo@example.com",
    "All Stores": true
  },
  {
    "Username": "jack.woo",
    "Name" : "Jack Woo",
    "Role": "store manager",
    "E-mail": "jack.woo@example.com",
    "All Stores": false
      "Individual Stores": "store1,store2,store3"
  }
]"#;
    let error = syntax_error(sample);
    let position = Position::locate(sample.as_bytes(), error.offset).unwrap();
    assert_eq!(
        position,
        Position {
            line: 15,
            column: 7
        }
    );
    assert_eq!(error.records, 1);
}

#[test]
fn a_failing_source_is_reported_unless_the_text_before_is_invalid() {
    struct Failing<'t>(&'t [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("unplugged"));
            }
            let length = self.0.len().min(buffer.len()).min(7);
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }
    let read = |text: &str| {
        let sizes = Sizes {
            chunk: 8,
            window: 16,
        };
        read_records(Failing(text.as_bytes()), sizes).unwrap_err()
    };
    assert!(matches!(read("[{},{}, {"), ReadError::Io(_)));
    assert!(matches!(read(""), ReadError::Io(_)));
    assert!(matches!(
        read("[{},{} {},{},{},{},{}, {"),
        ReadError::Syntax(_)
    ));
}

#[test]
fn an_interrupted_read_is_repeated() {
    struct Interrupted<'t>(&'t [u8], bool);
    impl Read for Interrupted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            self.0
                .take(3)
                .read(buffer)
                .inspect(|length| self.0 = &self.0[*length..])
        }
    }
    let source = Interrupted(b"[{\"Name\":\"a\"},{\"Name\":\"b\"}]", false);
    let (_, records) = read_records(source, Sizes::default()).unwrap();
    assert_eq!(records.len(), 2);
}
