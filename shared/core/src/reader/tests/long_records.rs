//! Records that are longer than a record may be.

use super::*;

const LIMIT: usize = 8_000_000;

/// Returns an object of this many bytes.
fn record(bytes: usize) -> String {
    format!(r#"{{"Name":"{}"}}"#, "x".repeat(bytes - 11))
}

fn sizes() -> [Sizes; 3] {
    let with = |chunk, window| Sizes { chunk, window };
    [
        Sizes::default(),
        with(1_000, 10_000),
        with(20_000_000, 50_000_000),
    ]
}

/// What is kept of a record without a short member.
fn nothing_kept() -> Record {
    Record::TooLarge(vec![ParsedValue::Absent; KEYS.len()])
}

#[test]
fn a_record_over_8_mb_costs_no_other_record() {
    let short = || read(r#"[{"Username":"a"}]"#).remove(0);
    for sizes in sizes() {
        let fits = format!("[{}]", record(LIMIT));
        assert!(matches!(
            &try_read(fits.as_bytes(), sizes).unwrap()[..],
            [Record::Values(_)]
        ));
        let long = record(LIMIT + 1);
        for (text, expected) in [
            (format!("[{long}]"), vec![nothing_kept()]),
            (
                format!(r#"[{{"Username":"a"}}, {long} , {{"Username":"a"}}] "#),
                vec![short(), nothing_kept(), short()],
            ),
            (
                format!(r#"[{long},{long},{{"Username":"a"}}]"#),
                vec![nothing_kept(), nothing_kept(), short()],
            ),
            (
                format!(r#"["{}",{{"Username":"a"}}]"#, "x".repeat(2 * LIMIT)),
                vec![nothing_kept(), short()],
            ),
            (
                format!("[{}1]", "0.5,".repeat(3)).replace("0.5", &"9".repeat(LIMIT + 1)),
                vec![
                    nothing_kept(),
                    nothing_kept(),
                    nothing_kept(),
                    Record::NotAnObject("an integer"),
                ],
            ),
        ] {
            let records = try_read(text.as_bytes(), sizes).unwrap();
            assert!(records == expected, "{sizes:?}");
        }
    }
}

#[test]
fn the_short_values_of_a_long_record_are_kept_wherever_they_are() {
    let long = "x\\n\u{e9}},{\\\"".repeat(LIMIT / 10);
    let text = format!(
        r#"[{{"Username":"a","Photo":"{long}","Tags":["b",{{"Name":"c"}}],"Active":true,"Other":1}}]"#
    );
    let expected = read(r#"[{"Username":"a","Tags":["b",{}],"Active":true}]"#).remove(0);
    let Record::Values(expected) = expected else {
        panic!("{expected:?}")
    };
    for sizes in sizes() {
        let records = try_read(text.as_bytes(), sizes).unwrap();
        assert_eq!(records, [Record::TooLarge(expected.clone())]);
    }
}

#[test]
fn a_syntax_error_in_or_after_a_long_record_is_located() {
    let long = record(LIMIT + 1);
    let open = &long[..long.len() - 1];
    for (text, offset) in [
        (format!("[{{}},{open}"), 4 + LIMIT),
        (format!("[{{}},{open},x}}]"), 4 + LIMIT + 1),
        (format!("[{{}},{open}]"), 4 + LIMIT),
        (format!("[{{}},{long}"), 4 + LIMIT + 1),
        (format!("[{{}},{long} x]"), 4 + LIMIT + 2),
        (format!("[{{}},{long},]"), 4 + LIMIT + 2),
        (format!("[{{}},{long}]x"), 4 + LIMIT + 2),
        (
            format!("[{{}},\"{}", "x".repeat(30_000_000)),
            5 + 30_000_000,
        ),
        (format!("[{{}},\"{}\n\"]", "x".repeat(LIMIT)), 5 + LIMIT),
    ] {
        for sizes in sizes() {
            let error = try_read(text.as_bytes(), sizes).unwrap_err();
            assert_eq!(error.offset, offset as u64, "{sizes:?}: {}", error.reason);
        }
    }
}
