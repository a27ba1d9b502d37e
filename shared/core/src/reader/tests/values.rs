//! Single values: what comes out of both ways of reading.

use super::*;

/// In the same chunk, this makes simd-json refuse: the exact way has to read it.
const MINDED: &str = r#""Unmapped":1e999"#;

/// The value of `Name` the fast way and the exact way; they have to agree.
#[track_caller]
fn both_ways(json: &str) -> Seen {
    let fast = name_in(&format!(r#"{{"Name":{json}}}"#));
    let exact = name_in(&format!(r#"{{{MINDED},"Name":{json}}}"#));
    assert_eq!(fast, exact, "{json}");
    fast
}

#[test]
fn integers_of_any_size_are_text_by_their_digits() {
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
        assert_eq!(both_ways(digits), Seen::Integer(digits.into()));
    }
    assert_eq!(both_ways("-0"), Seen::Integer("0".into()));
}

#[test]
fn a_fraction_or_an_exponent_is_no_integer_whatever_its_value() {
    for number in [
        "1.0",
        "1e2",
        "1E2",
        "1E+2",
        "1e-2",
        "-0.0",
        "-0e0",
        "0e5",
        "12.5",
        "1e999",
        "-1e999",
        "1e-999",
        "123456789012345678901234567890.5",
        "1e99999999999999999999",
    ] {
        assert_eq!(both_ways(number), Seen::Fraction, "{number}");
    }
}

#[test]
fn other_values_come_out_as_they_are() {
    assert_eq!(both_ways("null"), Seen::Null);
    assert_eq!(both_ways("true"), Seen::Bool(true));
    assert_eq!(both_ways("false"), Seen::Bool(false));
    assert_eq!(both_ways("{}"), Seen::Object);
    assert_eq!(both_ways(r#"{"a":[1,{"b":2}]}"#), Seen::Object);
    assert_eq!(both_ways("[]"), Seen::Array(vec![]));
    assert_eq!(
        both_ways(r#" [ 1 , "a,]", [2,3], {"b":[]}, null, 1.5, true ] "#),
        Seen::Array(vec![
            Seen::Integer("1".into()),
            text("a,]"),
            Seen::Array(vec![]),
            Seen::Object,
            Seen::Null,
            Seen::Fraction,
            Seen::Bool(true),
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
        assert_eq!(both_ways(json), text(value), "{json}");
    }
}

#[test]
fn half_a_surrogate_pair_is_no_text_and_harms_no_other_value() {
    for json in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""a\ud800b""#,
        r#""\ud800\n""#,
        r#""\ud800\u0041""#,
        r#""\uDFFF\uD800""#,
    ] {
        assert_eq!(both_ways(json), Seen::BrokenText, "{json}");
        let records = accepted(format!(
            r#"[{{"Username":"a","Other":{json},"Name":"x"}},{{"Username":"b","Name":{json}}},{{"Username":"c","Name":[{json},"y"]}}]"#
        ));
        let expected = [
            ("a", text("x")),
            ("b", Seen::BrokenText),
            ("c", Seen::Array(vec![Seen::BrokenText, text("y")])),
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
fn half_a_surrogate_pair_in_a_key_is_an_unknown_key() {
    assert_eq!(name_in(r#"{"\ud800":1,"Name":"x"}"#), text("x"));
    assert_eq!(name_in(r#"{"Name\ud800":"x"}"#), Seen::Absent);
}

#[test]
fn a_key_may_be_written_with_escapes() {
    assert_eq!(name_in(r#"{"N\u0061me":"x"}"#), text("x"));
    assert_eq!(name_in(r#"{"N\u0061me":"x","Big":1e999}"#), text("x"));
}

#[test]
fn of_a_key_that_comes_twice_the_last_value_wins() {
    assert_eq!(name_in(r#"{"Name":"first","Name":"last"}"#), text("last"));
    assert_eq!(name_in(r#"{"Name":"first","Name":null}"#), Seen::Null);
    assert_eq!(
        name_in(r#"{"Name":"first","X":1e999,"N\u0061me":"last"}"#),
        text("last")
    );
}

#[test]
fn keys_in_another_order_or_missing_do_not_mix_up() {
    let records = accepted(
        r#"[{"Username":"a","X":0,"Name":"n"},{"Name":"m","Username":"b"},{"Active":true},
            {"X":1,"Tags":[],"Username":"c"},{},{"Username":"d","X":0,"Name":"o","Active":false}]"#,
    );
    let [user, name, active, tags] = [0, 1, 2, 3];
    let value = |record: usize, slot: usize| match &records[record] {
        Record::Values(values) => values[slot].clone(),
        other @ Record::NotAnObject(_) => panic!("{other:?}"),
    };
    assert_eq!([value(0, user), value(0, name)], [text("a"), text("n")]);
    assert_eq!([value(1, user), value(1, name)], [text("b"), text("m")]);
    assert_eq!(
        [value(2, user), value(2, active)],
        [Seen::Absent, Seen::Bool(true)]
    );
    assert_eq!(
        [value(3, user), value(3, tags)],
        [text("c"), Seen::Array(vec![])]
    );
    assert_eq!(
        [value(4, user), value(4, name)],
        [Seen::Absent, Seen::Absent]
    );
    assert_eq!(
        [value(5, name), value(5, active)],
        [text("o"), Seen::Bool(false)]
    );
}

#[test]
fn elements_that_are_no_objects_are_named_by_their_type() {
    let expected = [
        "null",
        "a boolean",
        "an integer",
        "an integer",
        "a number with a fraction",
        "a string",
        "an array",
        "a number with a fraction",
    ]
    .map(Record::NotAnObject);
    let text = r#"[null,true,7,99999999999999999999,1e2,"x",[{"Name":1}],1e999]"#;
    assert_eq!(accepted(text), expected);
    let broken = accepted(r#"["\ud800"]"#);
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
        assert_eq!(accepted(text), []);
    }
    let spaced = format!(
        "{0}[{0}{{{0}\"Name\"{0}:{0}\"x\"{0}}}{0},{0}1{0}]{0}",
        " \n\t\r".repeat(50)
    );
    assert_eq!(accepted(spaced).len(), 2);
}

#[test]
fn white_space_of_any_length_is_no_record() {
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
