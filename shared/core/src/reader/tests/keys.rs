//! Keys in another spelling and JSON Pointers, on the fast and on the exact path.

use serde_json::json;

use super::*;

/// Slots, in catalogue order: 0 `Username`, 1 `Name`, 2 `/Name/first`, 3 `/Name/last`,
/// 4 `/contact/1/city`.
fn nested_rules() -> Rules {
    let settings = json!({"attribute_mapping": {
        "username": "Username", "name": "Name", "first_name": "/Name/first",
        "city": "/contact/1/city", "last_name": "/Name/last",
    }});
    let settings: TaskSettings = serde_json::from_value(settings).unwrap();
    Rules::new(&settings).unwrap()
}

/// Returns the texts in the slots of the only record, and the names of its other keys.
fn read_nested(members: &str, exactly: bool) -> (Vec<Option<String>>, Vec<String>) {
    // Only the exact path reads this number.
    let number = if exactly { "1e999" } else { "1" };
    let text = format!(r#"[{{{members},"_errors":{number}}}]"#);
    let mut records = Vec::new();
    let rules = nested_rules();
    let read = read_array(
        text.as_bytes(),
        &rules,
        Sizes::default(),
        &CollectRecords,
        |_, batch| {
            records.extend(batch);
        },
    );
    let keys = read.unwrap().keys.keys.into_iter().map(|key| key.key);
    let Some(Record::Values(values)) = records.pop() else {
        panic!("{text}")
    };
    let text = |value| match value {
        ParsedValue::Text(text) => Some(text),
        ParsedValue::Object => Some("{}".to_owned()),
        _ => None,
    };
    (values.into_iter().map(text).collect(), keys.collect())
}

#[track_caller]
fn assert_read(members: &str, slots: [Option<&str>; 5], keys: &[&str]) {
    let slots: Vec<_> = slots
        .into_iter()
        .map(|slot| slot.map(str::to_owned))
        .collect();
    for exactly in [false, true] {
        let (found, names) = read_nested(members, exactly);
        assert_eq!(found, slots, "{members}, exactly: {exactly}");
        assert_eq!(names, keys, "{members}, exactly: {exactly}");
    }
}

#[test]
fn a_key_has_its_value_and_those_within() {
    assert_read(
        r#""Username":"a","Name":{"first":"b","last":"c","middle":{"first":"x"}}"#,
        [Some("a"), Some("{}"), Some("b"), Some("c"), None],
        &["/Name/middle"],
    );
    assert_read(
        r#""Username":"a","contact":[{"city":"x"},{"city":"b","zip":1},{"city":"y"}]"#,
        [Some("a"), None, None, None, Some("b")],
        &["/contact/1/zip"],
    );
    assert_read(
        r#""Username":"a","contact":{"1":{"city":"b"}}"#,
        [Some("a"), None, None, None, Some("b")],
        &[],
    );
}

#[test]
fn an_exact_key_comes_before_pointers_and_those_before_other_spellings() {
    assert_read(
        r#""name":{"first":"x","FIRST":"y"},"Name":{"First":"z","first":"b"},"/Name/last":"c","Username":"a""#,
        [Some("a"), Some("{}"), Some("b"), Some("c"), None],
        &["name", "/Name/FIRST", "/Name/First"],
    );
    assert_read(
        r#""USERNAME":"x","Name":{"FIRST":"x","First":"b"},"username":"a""#,
        [Some("a"), Some("{}"), Some("b"), None, None],
        &["USERNAME", "/Name/FIRST", "/Name/First", "username"],
    );
    // Of a repeated key, the last value counts.
    assert_read(
        r#""Username":"x","Name":{"first":"x","first":"b"},"Username":"a""#,
        [Some("a"), Some("{}"), Some("b"), None, None],
        &[],
    );
}

#[test]
fn keys_of_several_records_are_told_apart() {
    let records: String = (0..400)
        .map(|n| match n % 4 {
            0 => format!(r#"{{"Username":"u{n}","pet":1,"Name ":"a"}},"#),
            1 => format!(r#"{{"pet":1,"Username":"u{n}"}},"#),
            2 => format!(r#"{{"Name ":"b","car":2,"Username":"u{n}","Name":"a"}},"#),
            _ => format!(r#"{{"car":1,"pet":2,"name":"a","Username":"u{n}"}},"#),
        })
        .collect();
    let text = format!("[{}]", records.trim_end_matches(','));
    for_sizes_and_threads(|sizes| {
        let (records, keys) = try_read_with_keys(text.as_bytes(), sizes).unwrap();
        for (n, record) in records.iter().enumerate() {
            let Record::Values(values) = record else {
                panic!("{record:?}")
            };
            assert_eq!(values[0], super::text(&format!("u{n}")));
            let has_name = n % 4 != 1;
            assert_eq!(values[1] == super::text("a"), has_name, "{record:?}");
        }
        let keys: Vec<_> = keys
            .keys
            .iter()
            .map(|key| (key.record, &*key.key))
            .collect();
        assert_eq!(keys, [(1, "pet"), (1, "Name "), (3, "car"), (4, "name")]);
    });
}

#[test]
fn the_first_50_keys_are_known() {
    let record = |n: usize| format!(r#"{{"Username":"u","k{n}":1,"a{}":2}}"#, n % 7);
    let text = format!("[{}]", (0..300).map(record).collect::<Vec<_>>().join(","));
    for_sizes_and_threads(|sizes| {
        let (_, keys) = try_read_with_keys(text.as_bytes(), sizes).unwrap();
        assert_eq!(keys.keys.len(), 50);
        assert!(keys.more);
        assert_eq!(keys.keys[49].key, "k42");
    });
}
