//! Spellings of the same value.

use super::*;

fn text_value(text: &str) -> Value<'static> {
    Value::Text(Cow::Owned(text.to_owned()))
}

#[track_caller]
fn assert_same(kind: AttributeKind, same: bool, table: &[(&str, &str)]) {
    for (one, other) in table {
        let (one, other) = (text_value(one), text_value(other));
        assert_eq!(is_same(kind, &one, &other), same, "{one:?} {other:?}");
        assert_eq!(is_same(kind, &other, &one), same, "{other:?} {one:?}");
    }
}

#[test]
fn lists_are_compared_as_sets() {
    let texts = |items: &[&'static str]| {
        Value::Texts(items.iter().map(|item| Cow::Borrowed(*item)).collect())
    };
    let kind = AttributeKind::TextList;
    let stored = texts(&["a", "b", "a"]);
    for same in [&["a", "b"][..], &["b", "a"], &["b", "b", "a"]] {
        assert!(is_same(kind, &texts(same), &stored), "{same:?}");
    }
    for other in [&["a"][..], &["a", "b", "c"], &["a", "B"], &["a", "c"]] {
        assert!(!is_same(kind, &texts(other), &stored), "{other:?}");
    }
    let ids = |ids: &[i64]| Value::Integers(ids.into());
    let kind = AttributeKind::IdList;
    assert!(is_same(kind, &ids(&[1, 2, 1]), &ids(&[2, 1])));
    assert!(!is_same(kind, &ids(&[1, 2]), &ids(&[1, 3])));
    assert!(!is_same(kind, &ids(&[1]), &texts(&["1"])));
}

#[test]
fn the_domain_of_an_address_has_no_case() {
    let same = [
        ("Ann@Example.COM", "Ann@example.com"),
        ("a+b@x.de", "a+b@X.DE"),
    ];
    assert_same(AttributeKind::Email, true, &same);
    let different = [
        ("Ann@example.com", "ann@example.com"),
        ("ann@example.com", "ann@example.org"),
        ("ann@example.com", "ann"),
    ];
    assert_same(AttributeKind::Email, false, &different);
    assert_same(AttributeKind::Text, false, &[("a@X.de", "a@x.de")]);
}

#[test]
fn names_of_one_time_zone_are_equal() {
    let same = [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("US/Pacific", "America/Los_Angeles"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("Etc/UTC", "UTC"),
        ("Zulu", "UTC"),
        ("Factory", "Factory"),
    ];
    assert_same(AttributeKind::TimeZone, true, &same);
    let different = [
        ("Europe/Berlin", "Europe/Prague"),
        ("UTC", "Europe/London"),
        // Two countries, although the database makes one a link to the other.
        ("Europe/Amsterdam", "Europe/Brussels"),
        ("Unknown/A", "Unknown/B"),
    ];
    assert_same(AttributeKind::TimeZone, false, &different);
}

#[test]
fn encoded_objects_are_compared_by_their_value() {
    let encoded = |json: &str| text_value(&STANDARD.encode(json));
    let is_same = |one: &str, other: &str| {
        is_same(AttributeKind::EncodedObject, &encoded(one), &encoded(other))
    };
    for (one, other) in [
        (
            r#"{"a":1,"b":[true,null]}"#,
            "{ \"b\": [true, null],\n\"a\": 1 }",
        ),
        (r#"{"a":"é"}"#, r#"{"\u0061":"\u00e9"}"#),
        (r#"{"a":1}"#, r#"{"a":0,"a":1}"#),
        (r#"{"a":1.50}"#, r#"{"a":15e-1}"#),
        (r#"{"a":100}"#, r#"{"a":1E+2}"#),
        (r#"{"a":-0}"#, r#"{"a":0.000}"#),
        (r#"{"a":{"b":[{}]}}"#, r#"{"a": {"b": [ {} ]}}"#),
        (r#"{"a":1e999}"#, r#"{"a":10e998}"#),
    ] {
        assert!(is_same(one, other), "{one} {other}");
        assert!(is_same(other, one), "{other} {one}");
    }
    for (one, other) in [
        (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
        (r#"{"a":[1]}"#, r#"{"a":[1,1]}"#),
        (r#"{"a":"1"}"#, r#"{"a":1}"#),
        (r#"{"a":null}"#, r#"{"a":false}"#),
        (r#"{"a":1}"#, r#"{"a":-1}"#),
        // As doubles they would be equal.
        (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#),
        (r#"{"a":0.1}"#, r#"{"a":0.10000000000000000001}"#),
        (r#"{"a":1}"#, "no object"),
    ] {
        assert!(!is_same(one, other), "{one} {other}");
    }
    let deep = |inner: &str| {
        format!(
            "{{\"a\":{}{inner}{}}}",
            "[".repeat(9_000),
            "]".repeat(9_000)
        )
    };
    assert!(is_same(&deep("1"), &deep("1")));
    assert!(!is_same(&deep("1"), &deep("1.0")), "a change, if in doubt");
}
