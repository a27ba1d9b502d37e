//! Tables of accepted, stored and refused values of each kind.

mod characters;
mod dialects;
mod formats;
mod lists;
mod same;
mod task_formats;

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::attribute::AttributeKind;
use crate::json::{BigInteger, Fraction, Items, Json, OwnedJson};

const FRACTION: Json<'static> = Json::Fraction(Fraction::Double(1.5));

fn roles() -> HashMap<String, String> {
    HashMap::from([("catman".to_owned(), "Category Manager".to_owned())])
}

/// Returns the stored form of a value; `Ok(None)` if it is not given, the code if it is refused.
fn stored(
    kind: AttributeKind,
    json: Json<'_>,
) -> Result<Option<Assignment<'static>>, &'static str> {
    let roles = roles();
    let context = ReadContext {
        separator: ',',
        roles: &roles,
        flags: Flags::Words,
        languages: None,
        formats: &NO_FORMATS,
    };
    stored_in(context, kind, json)
}

fn stored_in(
    context: ReadContext<'_>,
    kind: AttributeKind,
    json: Json<'_>,
) -> Result<Option<Assignment<'static>>, &'static str> {
    match read(kind, json, context) {
        Ok(reading) => {
            assert_eq!(reading.warning, None, "{json:?}");
            Ok(reading.assignment.map(Assignment::into_owned))
        }
        Err(problem) => Err(problem.code),
    }
}

fn text(of: &str) -> Result<Option<Assignment<'static>>, &'static str> {
    Ok(Some(Assignment::Set(Value::Text(Cow::Owned(
        of.to_owned(),
    )))))
}

/// Asserts that each sent text is stored as its counterpart.
#[track_caller]
fn assert_stored_texts(kind: AttributeKind, table: &[(&str, &str)]) {
    for (sent, kept) in table {
        assert_eq!(stored(kind, Json::Text(sent)), text(kept), "{sent:?}");
    }
}

/// Asserts that each sent text is refused with the code.
#[track_caller]
fn assert_refused(kind: AttributeKind, code: &str, table: &[&str]) {
    for sent in table {
        assert_eq!(stored(kind, Json::Text(sent)), Err(code), "{sent:?}");
    }
}

#[test]
fn texts_are_trimmed_and_integers_are_their_digits() {
    assert_stored_texts(
        AttributeKind::Text,
        &[("  a b ", "a b"), ("Ω", "Ω"), ("0", "0")],
    );
    assert_eq!(stored(AttributeKind::Text, Json::Integer(-7)), text("-7"));
    let digits = BigInteger::Digits("123456789012345678901234567890");
    let big = stored(AttributeKind::Text, Json::BigInteger(digits));
    assert_eq!(big, text("123456789012345678901234567890"));
    for wrong in [Json::Bool(true), FRACTION, Json::Object] {
        assert_eq!(stored(AttributeKind::Text, wrong), Err("wrong_type"));
    }
    let longest = "é".repeat(1_024);
    assert_stored_texts(AttributeKind::Text, &[(&longest, &longest)]);
    assert!(stored(AttributeKind::Text, Json::Text(&"é".repeat(1_025))).is_err());
    assert!(stored(AttributeKind::Text, Json::Text("a\u{0}b")).is_err());
    assert!(stored(AttributeKind::Text, Json::Text("a\u{7f}b")).is_err());
}

#[test]
fn e_mail_addresses_are_ascii_dot_atoms_at_dotted_domains() {
    let label = "a".repeat(63);
    let local = "a".repeat(64);
    for good in [
        "a@b.cd".to_owned(),
        "john.foo+tag@mail.example.com".to_owned(),
        "!#$%&'*+-/=?^_`{|}~@example.com".to_owned(),
        format!("{local}@{label}.example"),
        "a@1.2.c3".to_owned(),
    ] {
        assert_stored_texts(AttributeKind::Email, &[(&good, &good)]);
    }
    assert_refused(
        AttributeKind::Email,
        "malformed",
        &[
            "a",
            "@b.cd",
            "a@",
            "a@b",
            ".a@b.cd",
            "a.@b.cd",
            "a..b@c.de",
            "a b@c.de",
            "\"a\"@b.cd",
            "a@b.cd (home)",
            "A <a@b.cd>",
            "a@[127.0.0.1]",
            "a@-b.cd",
            "a@b-.cd",
            "a@b_c.de",
            "a@b.12",
            "a@b..cd",
            "a@b.cd.",
            "é@b.cd",
            "a@é.cd",
            "a@b@c.de",
            &format!("a{local}@b.cd"),
            &format!("a@a{label}.cd"),
            &format!("a@{}.cd", [label.as_str(); 4].join(".")),
        ],
    );
}

#[test]
fn flags_are_booleans_0_and_1_and_words() {
    let flag = AttributeKind::Flag { default: None };
    let is = |value| Ok(Some(Assignment::Set(Value::Flag(value))));
    for (value, words) in [
        (true, ["true", "YES", " 1 "]),
        (false, ["False", "no", "0"]),
    ] {
        for word in words {
            assert_eq!(stored(flag, Json::Text(word)), is(value), "{word:?}");
        }
        assert_eq!(stored(flag, Json::Bool(value)), is(value));
        assert_eq!(stored(flag, Json::Integer(value.into())), is(value));
    }
    assert_refused(flag, "malformed", &["on", "2", "y", "tru"]);
    assert_eq!(stored(flag, Json::Integer(2)), Err("malformed"));
    assert_eq!(stored(flag, FRACTION), Err("wrong_type"));
}

#[test]
fn dates_are_calendar_days_in_two_formats() {
    assert_stored_texts(
        AttributeKind::Date,
        &[
            ("29.02.2024", "2024-02-29"),
            ("2024-02-29", "2024-02-29"),
            (" 01.12.1999 ", "1999-12-01"),
            ("0001-01-01", "0001-01-01"),
        ],
    );
    assert_refused(
        AttributeKind::Date,
        "malformed",
        &[
            "29.02.2023",
            "31.04.2024",
            "1.2.2024",
            "2024-2-1",
            "2024/02/01",
            "02-29-2024",
            "2024-13-01",
            "0000-01-01",
            "2024-02-29T00:00:00",
            "tomorrow",
            "29.02.24",
            "+024-01-01",
            "2024-01",
        ],
    );
}

#[test]
fn genders_and_choices_are_known_words() {
    let gender = |json| stored(AttributeKind::Gender, json);
    for (json, kept) in [(Json::Integer(1), 1), (Json::Text(" 0 "), 0)] {
        assert_eq!(
            gender(json),
            Ok(Some(Assignment::Set(Value::Integer(kept))))
        );
    }
    assert_refused(AttributeKind::Gender, "unknown", &["2", "male"]);
    let choice = AttributeKind::Choice(&["LOCAL", "LDAP"]);
    assert_stored_texts(choice, &[("LDAP", "LDAP")]);
    assert_refused(choice, "unknown", &["ldap", "SSO"]);
}

#[test]
fn roles_are_mapped_exactly() {
    assert_stored_texts(AttributeKind::Role, &[("catman", "Category Manager")]);
    assert_refused(
        AttributeKind::Role,
        "unmapped",
        &["Catman", "catman2", "Category Manager"],
    );
}

#[test]
fn integers_are_below_2_to_the_53rd() {
    const MAX: i64 = (1 << 53) - 1;
    for number in [0, MAX, -MAX] {
        let kept = Ok(Some(Assignment::Set(Value::Integer(number))));
        assert_eq!(stored(AttributeKind::Integer, Json::Integer(number)), kept);
        assert_eq!(
            stored(AttributeKind::Integer, Json::Text(&number.to_string())),
            kept
        );
    }
    for number in [MAX + 1, -MAX - 1, i64::MAX] {
        assert_eq!(
            stored(AttributeKind::Integer, Json::Integer(number)),
            Err("malformed")
        );
    }
    for number in [0, -1] {
        assert_eq!(
            stored(AttributeKind::UserId, Json::Integer(number)),
            Err("malformed")
        );
    }
    assert_refused(
        AttributeKind::Integer,
        "malformed",
        &["1.0", "1e3", "0x1", "one"],
    );
    assert_eq!(stored(AttributeKind::Integer, FRACTION), Err("wrong_type"));
}

#[test]
fn absent_keeps_and_null_clears_and_empty_depends_on_the_kind() {
    let flag = |default| AttributeKind::Flag { default };
    let all = [
        // Kind; `null` clears; an empty string clears.
        (AttributeKind::Text, true, true),
        (AttributeKind::Phone, true, true),
        (AttributeKind::Date, true, true),
        (AttributeKind::TextList, true, true),
        (AttributeKind::Language, true, true),
        (AttributeKind::Choice(&["LOCAL"]), true, true),
        (AttributeKind::Email, true, false),
        (AttributeKind::Integer, true, false),
        (AttributeKind::Gender, true, false),
        (flag(None), true, false),
        (flag(Some(false)), true, false),
        (flag(Some(true)), false, false),
        (AttributeKind::Role, false, false),
        (AttributeKind::Secret, false, false),
    ];
    for (kind, null, empty) in all {
        let outcome = |clears: bool| Ok(clears.then_some(Assignment::Clear));
        assert_eq!(stored(kind, Json::Absent), Ok(None), "{kind:?}");
        assert_eq!(stored(kind, Json::Null), outcome(null), "{kind:?}");
        for sent in ["", " \t"] {
            assert_eq!(
                stored(kind, Json::Text(sent)),
                outcome(empty),
                "{kind:?} {sent:?}"
            );
        }
    }
}
