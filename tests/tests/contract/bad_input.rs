//! Hostile and broken bodies through the whole stack (contract.md#quant-import): each gets the
//! documented response, the directory stays as it was (or receives only the good records), and the
//! task is free afterwards.

use muster_tests::World;
use serde_json::json;

use crate::support::assert_partial_success;

/// A case, its body, and line and column of the unexpected token, both 1-based.
type BrokenBody = (&'static str, &'static [u8], usize, usize);

const BROKEN_AT: &[BrokenBody] = &[
    ("nothing", b"", 1, 1),
    ("a word", b"nope", 1, 1),
    ("a form", b"Username=a", 1, 1),
    ("an object", br#"{"Username":"a"}"#, 1, 1),
    ("an object further down", b"\n  {}", 2, 3),
    ("a string", br#""[]""#, 1, 1),
    ("a number", b"7", 1, 1),
    ("null", b"null", 1, 1),
    ("true", b"true", 1, 1),
    (
        "no comma between records",
        br#"[{"Username":"a"} {"Username":"b"}]"#,
        1,
        19,
    ),
    ("a comma too many", br#"[{"Username":"a"},]"#, 1, 19),
    (
        "a comma too many in a record",
        br#"[{"Username":"a",}]"#,
        1,
        18,
    ),
    ("no colon", br#"[{"Username" "a"}]"#, 1, 14),
    (
        "no comma between members",
        b"[{\"Username\":\"a\"\n,\"Name\":\"b\"\n \"Role\":\"c\"}]",
        3,
        2,
    ),
    ("single quotes", b"[{'Username':'a'}]", 1, 3),
    ("a word in a record", br#"[{"Username":undefined}]"#, 1, 14),
    ("two arrays", b"[]\n[]", 2, 1),
    ("text after the end", br#"[{"Username":"a"}] x"#, 1, 20),
    ("the wrong bracket", br#"[{"Username":"a"]}"#, 1, 17),
    ("a record closed twice", br#"[{"Username":"a"}}]"#, 1, 18),
    ("a comment", b"[ /* all */ ]", 1, 3),
];

/// A case and its body; the contract does not define the exact position.
const BROKEN_SOMEWHERE: &[(&str, &[u8])] = &[
    ("white space", b"  \n\t "),
    ("cut off after a bracket", b"["),
    ("cut off after a comma", br#"[{"Username":"a"},"#),
    ("cut off in a string", br#"[{"Username":"a"#),
    ("cut off after a record", br#"[{"Username":"a"}"#),
    ("invalid UTF-8 in a string", b"[{\"Username\":\"a\xff\"}]"),
    (
        "a UTF-8 surrogate",
        b"[{\"Username\":\"a\",\"Name\":\"\xed\xa0\x80\"}]",
    ),
    (
        "an overlong UTF-8 slash",
        b"[{\"Username\":\"a\",\"Name\":\"\xc0\xaf\"}]",
    ),
    (
        "invalid UTF-8 between records",
        b"[{\"Username\":\"a\"},\xfe{\"Username\":\"b\"}]",
    ),
    ("UTF-16", b"\xff\xfe[\0]\0"),
    ("a raw NUL in a string", b"[{\"Username\":\"a\0\"}]"),
    ("a raw newline in a string", b"[{\"Username\":\"a\n\"}]"),
    (
        "a raw NUL between records",
        b"[{\"Username\":\"a\"},\0{\"Username\":\"b\"}]",
    ),
    ("an unknown escape", br#"[{"Username":"\x41"}]"#),
    ("half an escape", br#"[{"Username":"\u00g1"}]"#),
    ("a leading zero", br#"[{"Username":"a","Name":01}]"#),
    (
        "a number with two points",
        br#"[{"Username":"a","Name":1.2.3}]"#,
    ),
    ("NaN", br#"[{"Username":"a","Name":NaN}]"#),
    ("a plus sign", br#"[{"Username":"a","Name":+1}]"#),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_a_json_array_is_refused_with_the_position() {
    let w = World::start().await;
    let before = w.directory().await;
    for (case, body, line, column) in BROKEN_AT {
        let reply = w.import(0).await.debug().body(*body).send().await;
        reply.assert_failure(400);
        let errors = reply.errors().join("\n");
        let position = format!("line {line}, column {column}");
        let located =
            errors.contains(&position) || errors.contains(&format!("line {line} column {column}"));
        assert!(located, "{case} is at {position}: {errors}");
        assert!(reply.header("import-id").is_some(), "{case}: {reply}");
    }
    for (case, body) in BROKEN_SOMEWHERE {
        if w.behind_gateway() && std::str::from_utf8(body).is_err() {
            // The gateway replaces invalid UTF-8 with U+FFFD before the function sees it.
            continue;
        }
        let reply = w.import(0).await.debug().body(*body).send().await;
        assert_eq!(reply.status, 400, "{case}: {reply}");
        reply.assert_failure(400);
        let errors = reply.errors().join("\n");
        assert!(
            errors.contains("line ") && errors.contains("column "),
            "{case} without a position: {errors}"
        );
    }
    assert_eq!(
        w.directory().await,
        before,
        "part of a refused request was applied"
    );
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error_at_the_end_of_a_long_body_applies_nothing_of_it() {
    let w = World::start().await;
    let before = w.directory().await;
    let record = w.record("anna");
    let mut body = String::from("[\n");
    for number in 0..3_000 {
        body.push_str(&record.to_string().replace("anna", &format!("n{number}")));
        body.push_str(",\n");
    }
    body.push_str("{\"Username\" \"a\"}\n]");
    let reply = w.import(0).await.body(body).send().await;
    reply.assert_failure(400);
    let errors = reply.errors().join("\n");
    assert!(errors.contains("line 3002"), "line 3002: {errors}");
    assert!(errors.contains("column 13"), "column 13: {errors}");
    assert_eq!(w.directory().await, before);
    w.assert_task_is_free(0).await;
}

/// Imports `[before, ELEMENT, after]` and asserts that the two records around it were applied.
async fn import_between_good_records(w: &World, element: &str, ignored: u64) {
    let (before, after) = (w.record("before"), w.record("after"));
    let reply = w
        .import(0)
        .await
        .debug()
        .body(format!("[{before},{element},{after}]"))
        .send()
        .await;
    let status = if ignored == 0 {
        "SUCCESS"
    } else {
        "PARTIAL_SUCCESS"
    };
    let shown: String = element.chars().take(100).collect();
    assert_eq!(
        reply.outcome(),
        (200, status.into(), [3, 0, ignored, 0]),
        "{shown}: {reply}"
    );
    let is_about_element = reply
        .warnings()
        .iter()
        .all(|warning| warning.starts_with("Record 2"));
    assert!(is_about_element, "{shown}: {reply}");
    let store = &w.store;
    let users = store.users().await;
    for name in ["before", "after"] {
        assert!(
            users.contains_key(&w.login(name)),
            "{shown}: {name} is missing"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_element_costs_only_its_own_record() {
    let w = World::start().await;
    for element in [
        "7",
        "null",
        "[]",
        "[[1,2],{}]",
        "\"text\"",
        "true",
        "1e999",
        "-0",
        "99999999999999999999999",
    ] {
        import_between_good_records(&w, element, 1).await;
    }
    let role_and_email = r#""Role":"catman","E-mail":"a@example.com""#;
    for username in [
        r#""a\u0000b""#,
        "1e999",
        "-1.5",
        r#"["a"]"#,
        r#"{"a":"b"}"#,
        "true",
    ] {
        import_between_good_records(
            &w,
            &format!(r#"{{"Username":{username},{role_and_email}}}"#),
            1,
        )
        .await;
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_value_of_an_unmapped_key_is_ignored() {
    let w = World::start().await;
    let record = w.record("anna").to_string();
    let open = &record[..record.len() - 1];
    for value in [
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890123456789012345678901234567890",
        "1e999",
        "-1e999",
        "1E-999",
        "0.1e1",
        "-0",
        "null",
        "[[[[[]]]]]",
        r#"{"Username":"somebody","Role":["king"]}"#,
        r#""\u0000\"},{\\""#,
        r#""},{""#,
        r#""\ud83d\ude00""#,
    ] {
        import_between_good_records(&w, &format!(r#"{open},"Unmapped":{value}}}"#), 0).await;
        import_between_good_records(&w, &format!(r#"{{"Unmapped":{value},{}"#, &record[1..]), 0)
            .await;
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_beyond_the_limit_is_refused_and_applies_nothing() {
    let w = World::start().await;
    let before = w.directory().await;
    let record = w.record("anna").to_string();
    let open = &record[..record.len() - 1];
    let (arrays, objects) = ("[".repeat(1_100), r#"{"a":"#.repeat(1_100));
    for body in [
        format!("{arrays}{}", "]".repeat(1_100)),
        arrays.clone(),
        format!(r#"[{open},"Deep":{arrays}{}}}]"#, "]".repeat(1_100)),
        format!(r#"[{open},"Deep":{objects}1{}}}]"#, "}".repeat(1_100)),
        format!(r#"[{open},"Name":{arrays}{}}}]"#, "]".repeat(1_100)),
        "[".repeat(3_000_000),
        r#"[{"a":"#.repeat(500_000),
    ] {
        let reply = w.import(0).await.debug().body(body).send().await;
        reply.assert_failure(400);
    }
    assert_eq!(w.directory().await, before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_surrogate_is_never_applied() {
    let w = World::start().await;
    let record = w.record("anna").to_string().replace("anna", r"an\ud800na");
    let reply = w
        .import(0)
        .await
        .debug()
        .body(format!("[{record}]"))
        .send()
        .await;
    assert!(matches!(reply.status, 200 | 400), "{reply}");
    if reply.status == 200 {
        assert_partial_success(&reply, [1, 0, 1, 0]);
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_order_mark_and_white_space_are_accepted() {
    let w = World::start().await;
    let record = w.record("anna");
    for body in [
        format!("\u{feff}[{record}]"),
        format!("\u{feff} \r\n[\t{record}\n]\r\n "),
        format!("  [{record}]  "),
    ] {
        w.import(0)
            .await
            .debug()
            .body(body)
            .send()
            .await
            .assert_success(1);
    }
    w.import(0)
        .await
        .body("\u{feff}[]")
        .send()
        .await
        .assert_success(0);
    w.import(0)
        .await
        .body("\u{feff}\u{feff}[]")
        .send()
        .await
        .assert_failure(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_array_is_a_success_with_zero_counts() {
    let w = World::start().await;
    let reply = w.import(0).await.debug().body("[]").send().await;
    let bare = r#"{"Status":"SUCCESS","Total Lines":0,"Empty IDs":0,"Ignored Users":0,"Duplicated Users":0}"#;
    assert_eq!((reply.status, reply.compact().as_str()), (200, bare));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_look_like_record_boundaries_do_not_change_the_counts() {
    let w = World::start().await;
    let store = &w.store;
    let names = [
        r"},{",
        r#""},{""#,
        r#"\"},{\""#,
        r"}]",
        r"\\",
        r#"{"Username":"x"}"#,
        "[{",
        "\u{2028}",
        "'",
    ];
    let records: Vec<_> = (0..2_000)
        .map(|n| {
            let mut record = w.record(&format!("n{n}"));
            record["Name"] = json!(names[n % names.len()]);
            record
        })
        .collect();
    w.put(&json!(records)).await;
    let users = store.users().await;
    for n in [0, 1, 2, 777, 1_999] {
        assert_eq!(
            users[&w.login(&format!("n{n}"))]["name"],
            names[n % names.len()],
            "n{n}"
        );
    }
}
