//! Single values on both paths.

use super::*;

/// Makes simd-json reject the chunk, so that the exact path reads it.
const REJECTED_BY_SIMD_JSON: &str = r#""Unmapped":1e999"#;

/// Reads the value of `Name` on the fast and on the exact path, and asserts that they agree.
#[track_caller]
fn on_both_paths(json: &str) -> ParsedValue {
    let fast = name_in(&format!(r#"{{"Name":{json}}}"#));
    let exact = name_in(&format!(r#"{{{REJECTED_BY_SIMD_JSON},"Name":{json}}}"#));
    assert_eq!(fast, exact, "{json}");
    fast
}

#[test]
fn integers_of_any_size_keep_their_digits() {
    for digits in [
        "0",
        "7",
        "-7",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
        "-340282366920938463463374607431768211456",
        "100000000000000000000000000000000000000000000000000000000000000000000",
    ] {
        assert_eq!(on_both_paths(digits), ParsedValue::Integer(digits.into()));
    }
    assert_eq!(on_both_paths("-0"), ParsedValue::Integer("0".into()));
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_written() {
    for (number, digits) in [
        ("1.0", "1"),
        ("-17.000", "-17"),
        ("1e2", "100"),
        ("1E2", "100"),
        ("1E+2", "100"),
        ("1200e-2", "12"),
        ("12.5e1", "125"),
        ("-0.0", "0"),
        ("-0e0", "0"),
        ("0e5", "0"),
        ("9007199254740991.0", "9007199254740991"),
        ("-9.007199254740991e15", "-9007199254740991"),
        // Whole as doubles, as which JSON numbers are read.
        ("1.00000000000000000000001", "1"),
        ("1e-999", "0"),
    ] {
        assert_eq!(
            on_both_paths(number),
            ParsedValue::Integer(digits.into()),
            "{number}"
        );
    }
}

#[test]
fn a_number_with_a_fraction_or_an_exponent_beyond_2_to_the_53rd_is_not_an_integer() {
    for number in [
        "1e-2",
        "12.5",
        "-0.1",
        "4503599627370495.5",
        "9007199254740992.0",
        "-9007199254740992.0",
        "1e16",
        "1e999",
        "-1e999",
        "123456789012345678901234567890.5",
        "1e99999999999999999999",
    ] {
        assert_eq!(on_both_paths(number), ParsedValue::Fraction, "{number}");
    }
}

#[test]
fn other_values_are_unchanged() {
    assert_eq!(on_both_paths("null"), ParsedValue::Null);
    assert_eq!(on_both_paths("true"), ParsedValue::Bool(true));
    assert_eq!(on_both_paths("false"), ParsedValue::Bool(false));
    assert_eq!(on_both_paths("{}"), ParsedValue::Object);
    assert_eq!(on_both_paths(r#"{"a":[1,{"b":2}]}"#), ParsedValue::Object);
    assert_eq!(on_both_paths("[]"), ParsedValue::Array(vec![]));
    assert_eq!(
        on_both_paths(r#" [ 1 , "a,]", [2,3], {"b":[]}, null, 1.5, true ] "#),
        ParsedValue::Array(vec![
            ParsedValue::Integer("1".into()),
            text("a,]"),
            ParsedValue::Array(vec![]),
            ParsedValue::Object,
            ParsedValue::Null,
            ParsedValue::Fraction,
            ParsedValue::Bool(true),
        ])
    );
}

#[test]
fn strings_are_unescaped() {
    for (json, value) in [
        (r#""""#, ""),
        (r#""a\"b\\c\/d""#, "a\"b\\c/d"),
        (r#""\b\f\n\r\t""#, "\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u00e9\u20AC""#, "Aé€"),
        (r#""\ud83d\ude00 😀""#, "😀 😀"),
        (r#""\u0000\u007f""#, "\0\u{7f}"),
        ("\"\u{7f}\"", "\u{7f}"),
        (r#""},{\"Username\":\"""#, r#"},{"Username":""#),
        (r#""\\""#, "\\"),
        (r#""\\\"""#, "\\\""),
    ] {
        assert_eq!(on_both_paths(json), text(value), "{json}");
    }
}

#[test]
fn an_unpaired_surrogate_is_not_text_and_affects_no_other_value() {
    for json in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""a\ud800b""#,
        r#""\ud800\n""#,
        r#""\ud800\u0041""#,
        r#""\uDFFF\uD800""#,
    ] {
        assert_eq!(on_both_paths(json), ParsedValue::BrokenText, "{json}");
        let records = read_with_all_sizes(format!(
            r#"[{{"Username":"a","Other":{json},"Name":"x"}},{{"Username":"b","Name":{json}}},{{"Username":"c","Name":[{json},"y"]}}]"#
        ));
        let expected = [
            ("a", text("x")),
            ("b", ParsedValue::BrokenText),
            (
                "c",
                ParsedValue::Array(vec![ParsedValue::BrokenText, text("y")]),
            ),
        ];
        for (record, (login, name)) in records.iter().zip(expected) {
            let Record::Values(values) = record else {
                panic!("{record:?}")
            };
            assert_eq!(values[..2], [text(login), name]);
        }
    }
}

#[test]
fn a_key_with_an_unpaired_surrogate_is_unknown() {
    assert_eq!(name_in(r#"{"\ud800":1,"Name":"x"}"#), text("x"));
    assert_eq!(name_in(r#"{"Name\ud800":"x"}"#), ParsedValue::Absent);
}

#[test]
fn keys_may_contain_escapes() {
    assert_eq!(name_in(r#"{"N\u0061me":"x"}"#), text("x"));
    assert_eq!(name_in(r#"{"N\u0061me":"x","Big":1e999}"#), text("x"));
}

#[test]
fn the_last_value_of_a_duplicate_key_wins() {
    assert_eq!(name_in(r#"{"Name":"first","Name":"last"}"#), text("last"));
    assert_eq!(
        name_in(r#"{"Name":"first","Name":null}"#),
        ParsedValue::Null
    );
    assert_eq!(
        name_in(r#"{"Name":"first","X":1e999,"N\u0061me":"last"}"#),
        text("last")
    );
}

#[test]
fn missing_and_reordered_keys_keep_their_values() {
    let records = read_with_all_sizes(
        r#"[{"Username":"a","X":0,"Name":"n"},{"Name":"m","Username":"b"},{"Active":true},
            {"X":1,"Tags":[],"Username":"c"},{},{"Username":"d","X":0,"Name":"o","Active":false}]"#,
    );
    let [user, name, active, tags] = [0, 1, 2, 3];
    let value = |record: usize, slot: usize| match &records[record] {
        Record::Values(values) => values[slot].clone(),
        other @ (Record::NotAnObject(_) | Record::TooLarge(_)) => panic!("{other:?}"),
    };
    assert_eq!([value(0, user), value(0, name)], [text("a"), text("n")]);
    assert_eq!([value(1, user), value(1, name)], [text("b"), text("m")]);
    assert_eq!(
        [value(2, user), value(2, active)],
        [ParsedValue::Absent, ParsedValue::Bool(true)]
    );
    assert_eq!(
        [value(3, user), value(3, tags)],
        [text("c"), ParsedValue::Array(vec![])]
    );
    assert_eq!(
        [value(4, user), value(4, name)],
        [ParsedValue::Absent, ParsedValue::Absent]
    );
    assert_eq!(
        [value(5, name), value(5, active)],
        [text("o"), ParsedValue::Bool(false)]
    );
}

#[test]
fn elements_that_are_not_objects_are_reported_by_type() {
    let expected = [
        "null",
        "a boolean",
        "an integer",
        "an integer",
        "an integer",
        "a number with a fraction or beyond 2^53",
        "a string",
        "an array",
        "a number with a fraction or beyond 2^53",
    ]
    .map(Record::NotAnObject);
    let text = r#"[null,true,7,99999999999999999999,1e2,1.5,"x",[{"Name":1}],1e999]"#;
    assert_eq!(read_with_all_sizes(text), expected);
    let broken = read_with_all_sizes(r#"["\ud800"]"#);
    assert_eq!(
        broken,
        [Record::NotAnObject("a string with a broken \\u escape")]
    );
}

#[test]
fn empty_arrays_white_space_and_a_byte_order_mark_are_accepted() {
    for text in [
        "[]",
        " [ ] ",
        "\u{feff}[]",
        "\u{feff}\r\n\t[\n\n]\n",
        "[                    ]",
    ] {
        assert_eq!(read_with_all_sizes(text), []);
    }
    let spaced = format!(
        "{0}[{0}{{{0}\"Name\"{0}:{0}\"x\"{0}}}{0},{0}1{0}]{0}",
        " \n\t\r".repeat(50)
    );
    assert_eq!(read_with_all_sizes(spaced).len(), 2);
}

#[test]
fn long_white_space_is_skipped() {
    let space = " ".repeat(9_000_000);
    for text in [
        format!("[{space}1,{space}2{space}]"),
        format!("{space}[1,2]{space}"),
    ] {
        assert_eq!(read(&text).len(), 2);
        let small = Sizes {
            chunk: 1 << 16,
            window: 1 << 17,
        };
        assert_eq!(try_read(text.as_bytes(), small).unwrap().len(), 2);
    }
}
