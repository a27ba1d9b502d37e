//! Tables of what each kind of value takes, how it is stored, and what is refused.

use super::*;

fn roles() -> HashMap<String, String> {
    HashMap::from([("catman".to_owned(), "Category Manager".to_owned())])
}

/// What a value is stored as; `Ok(None)`: not given. A refusal is its code.
fn stored(kind: Kind, json: Json<'_>) -> Result<Option<Assignment<'static>>, &'static str> {
    let roles = roles();
    let context = ReadContext {
        separator: ',',
        roles: &roles,
        flags: Flags::Words,
        languages: None,
    };
    stored_in(context, kind, json)
}

fn stored_in(
    context: ReadContext<'_>,
    kind: Kind,
    json: Json<'_>,
) -> Result<Option<Assignment<'static>>, &'static str> {
    match read(kind, json, context) {
        Ok(None) => Ok(None),
        Ok(Some(Assignment::Clear)) => Ok(Some(Assignment::Clear)),
        Ok(Some(Assignment::Set(value))) => Ok(Some(Assignment::Set(value.into_owned()))),
        Err(problem) => Err(problem.code),
    }
}

fn text(of: &str) -> Result<Option<Assignment<'static>>, &'static str> {
    Ok(Some(Assignment::Set(Value::Text(Cow::Owned(
        of.to_owned(),
    )))))
}

/// Kind, then what is sent and what is stored of it.
#[track_caller]
fn texts(kind: Kind, table: &[(&str, &str)]) {
    for (sent, kept) in table {
        assert_eq!(stored(kind, Json::Text(sent)), text(kept), "{sent:?}");
    }
}

/// Kind, then what is sent and refused, and with which code.
#[track_caller]
fn refused(kind: Kind, code: &str, table: &[&str]) {
    for sent in table {
        assert_eq!(stored(kind, Json::Text(sent)), Err(code), "{sent:?}");
    }
}

#[test]
fn texts_are_trimmed_and_integers_are_their_digits() {
    texts(Kind::Text, &[("  a b ", "a b"), ("Ω", "Ω"), ("0", "0")]);
    assert_eq!(stored(Kind::Text, Json::Integer(-7)), text("-7"));
    let digits = BigInteger::Digits("123456789012345678901234567890");
    let big = stored(Kind::Text, Json::BigInteger(digits));
    assert_eq!(big, text("123456789012345678901234567890"));
    for wrong in [Json::Bool(true), Json::Fraction, Json::Object] {
        assert_eq!(stored(Kind::Text, wrong), Err("wrong_type"));
    }
    let longest = "é".repeat(1_024);
    texts(Kind::Text, &[(&longest, &longest)]);
    assert!(stored(Kind::Text, Json::Text(&"é".repeat(1_025))).is_err());
    assert!(stored(Kind::Text, Json::Text("a\u{0}b")).is_err());
    assert!(stored(Kind::Text, Json::Text("a\u{7f}b")).is_err());
}

#[test]
fn addresses_are_plain_internet_addresses() {
    let label = "a".repeat(63);
    let local = "a".repeat(64);
    for good in [
        "a@b.cd".to_owned(),
        "john.foo+tag@mail.example.com".to_owned(),
        "!#$%&'*+-/=?^_`{|}~@example.com".to_owned(),
        format!("{local}@{label}.example"),
        "a@1.2.c3".to_owned(),
    ] {
        texts(Kind::Email, &[(&good, &good)]);
    }
    refused(
        Kind::Email,
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
fn phones_are_stored_as_plus_and_digits() {
    texts(
        Kind::Phone,
        &[
            ("+380971234567", "+380971234567"),
            (" +38 (097) 123-45-67 ", "+380971234567"),
            ("+12345678", "+12345678"),
            ("+123456789012345", "+123456789012345"),
        ],
    );
    let bad = [
        "380971234567",
        "+1234567",
        "+1234567890123456",
        "+38097x234567",
        "+",
    ];
    refused(Kind::Phone, "malformed", &bad);
}

#[test]
fn flags_are_booleans_ones_and_words() {
    let flag = Kind::Flag { default: None };
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
    refused(flag, "malformed", &["on", "2", "y", "tru"]);
    assert_eq!(stored(flag, Json::Integer(2)), Err("malformed"));
    assert_eq!(stored(flag, Json::Fraction), Err("wrong_type"));
}

#[test]
fn dates_are_real_days_in_two_formats() {
    texts(
        Kind::Date,
        &[
            ("29.02.2024", "2024-02-29"),
            ("2024-02-29", "2024-02-29"),
            (" 01.12.1999 ", "1999-12-01"),
            ("0001-01-01", "0001-01-01"),
        ],
    );
    refused(
        Kind::Date,
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
fn languages_zones_genders_and_choices_are_known_ones() {
    texts(
        Kind::Language,
        &[
            ("RU", "ru"),
            ("ru_RU", "ru"),
            ("UK", "uk"),
            ("en-Latn", "en"),
        ],
    );
    refused(
        Kind::Language,
        "unknown",
        &["xx", "english", "en_", "e", "en_R"],
    );
    texts(
        Kind::TimeZone,
        &[("europe/kyiv", "Europe/Kyiv"), ("UTC", "UTC")],
    );
    refused(Kind::TimeZone, "unknown", &["Europe/Nowhere", "+02:00"]);
    let gender = |json| stored(Kind::Gender, json);
    for (json, kept) in [(Json::Integer(1), 1), (Json::Text(" 0 "), 0)] {
        assert_eq!(
            gender(json),
            Ok(Some(Assignment::Set(Value::Integer(kept))))
        );
    }
    refused(Kind::Gender, "unknown", &["2", "male"]);
    let choice = Kind::Choice(&["LOCAL", "LDAP"]);
    texts(choice, &[("LDAP", "LDAP")]);
    refused(choice, "unknown", &["ldap", "SSO"]);
}

#[test]
fn roles_are_mapped_exactly() {
    texts(Kind::Role, &[("catman", "Category Manager")]);
    refused(
        Kind::Role,
        "unmapped",
        &["Catman", "catman2", "Category Manager"],
    );
}

#[test]
fn lists_are_split_trimmed_and_rid_of_empty_items() {
    let list = stored(Kind::TextList, Json::Text(" a, b ,,c,"));
    let items = ["a", "b", "c"].map(|item| Cow::Owned(item.to_owned()));
    assert_eq!(list, Ok(Some(Assignment::Set(Value::Texts(items.into())))));
    let ids = stored(Kind::IdList, Json::Text("3, 1,3"));
    assert_eq!(
        ids,
        Ok(Some(Assignment::Set(Value::Integers(vec![3, 1, 3]))))
    );
    assert_eq!(
        stored(Kind::TextList, Json::Text(",, ,")),
        Ok(Some(Assignment::Clear))
    );
    refused(Kind::IdList, "malformed", &["1,x"]);
    assert_eq!(stored(Kind::TextList, Json::Bool(true)), Err("wrong_type"));
    let many = "a,".repeat(5_000);
    assert!(stored(Kind::TextList, Json::Text(&many)).is_ok());
    refused(Kind::TextList, "too_many_items", &[&format!("{many}a")]);
}

#[test]
fn integers_are_below_two_to_the_53rd() {
    const MOST: i64 = (1 << 53) - 1;
    for number in [0, MOST, -MOST] {
        let kept = Ok(Some(Assignment::Set(Value::Integer(number))));
        assert_eq!(stored(Kind::Integer, Json::Integer(number)), kept);
        assert_eq!(stored(Kind::Integer, Json::Text(&number.to_string())), kept);
    }
    for number in [MOST + 1, -MOST - 1, i64::MAX] {
        assert_eq!(
            stored(Kind::Integer, Json::Integer(number)),
            Err("malformed")
        );
    }
    for number in [0, -1] {
        assert_eq!(
            stored(Kind::UserId, Json::Integer(number)),
            Err("malformed")
        );
    }
    refused(Kind::Integer, "malformed", &["1.0", "1e3", "0x1", "one"]);
    assert_eq!(stored(Kind::Integer, Json::Fraction), Err("wrong_type"));
}

#[test]
fn custom_info_is_base64_of_an_object() {
    let encoded = |json: &str| STANDARD.encode(json);
    let object = encoded(r#"{"a":[1,null]}"#);
    texts(Kind::EncodedObject, &[(&object, &object)]);
    let bad = [
        encoded("[1]"),
        encoded("{"),
        "{}".to_owned(),
        object.replace('=', ""),
    ];
    refused(
        Kind::EncodedObject,
        "malformed",
        &bad.each_ref().map(String::as_str),
    );
}

#[test]
fn absent_keeps_null_clears_and_empty_depends_on_the_kind() {
    let flag = |default| Kind::Flag { default };
    let all = [
        // Kind, of null, of an empty string: whether it clears.
        (Kind::Text, true, true),
        (Kind::Phone, true, true),
        (Kind::Date, true, true),
        (Kind::TextList, true, true),
        (Kind::Language, true, true),
        (Kind::Choice(&["LOCAL"]), true, true),
        (Kind::Email, true, false),
        (Kind::Integer, true, false),
        (Kind::Gender, true, false),
        (flag(None), true, false),
        (flag(Some(false)), true, false),
        (flag(Some(true)), false, false),
        (Kind::Role, false, false),
        (Kind::Secret, false, false),
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

#[test]
fn a_dialect_narrows_booleans_and_languages() {
    let flag = Kind::Flag { default: None };
    let read = |flags, json| {
        let context = ReadContext::without_task(flags, &["EN", "ru_RU"]);
        stored_in(context, flag, json)
    };
    let yes = Ok(Some(Assignment::Set(Value::Flag(true))));
    for flags in [Flags::Words, Flags::Digits, Flags::Strict] {
        assert_eq!(read(flags, Json::Bool(true)), yes);
        assert_eq!(read(flags, Json::Fraction), Err("wrong_type"));
    }
    for one in [Json::Integer(1), Json::Text("1"), Json::Text(" 1 ")] {
        assert_eq!(read(Flags::Words, one), yes);
        assert_eq!(read(Flags::Digits, one), yes);
        assert_eq!(read(Flags::Strict, one), Err("wrong_type"));
    }
    assert_eq!(read(Flags::Words, Json::Text("YES")), yes);
    assert_eq!(read(Flags::Digits, Json::Text("YES")), Err("malformed"));
    assert_eq!(read(Flags::Digits, Json::Integer(2)), Err("malformed"));

    let language = |text| {
        let context = ReadContext::without_task(Flags::Strict, &["EN", "ru_RU"]);
        stored_in(context, Kind::Language, Json::Text(text))
    };
    assert_eq!(language("en"), text("en"));
    assert_eq!(language("ru_RU"), text("ru"));
    for other in ["ru", "de", "en_EN"] {
        assert_eq!(language(other), Err("unknown"), "{other}");
    }
}

#[test]
fn passwords_are_taken_as_they_are() {
    use secrecy::ExposeSecret as _;
    fn read(json: Json<'_>) -> Result<Option<String>, &'static str> {
        match password(json) {
            Ok(password) => Ok(password.map(|password| password.expose_secret().to_owned())),
            Err(problem) => Err(problem.code),
        }
    }
    for not_given in [Json::Absent, Json::Null, Json::Text("")] {
        assert_eq!(read(not_given), Ok(None));
    }
    assert_eq!(read(Json::Text(" a b ")), Ok(Some(" a b ".to_owned())));
    assert_eq!(read(Json::Integer(123_456)), Ok(Some("123456".to_owned())));
    assert!(read(Json::Text(&"\u{e9}".repeat(128))).is_ok());
    assert_eq!(read(Json::Text(&"x".repeat(129))), Err("too_long"));
    assert_eq!(read(Json::Text("a\u{0}")), Err("control_character"));
    assert_eq!(read(Json::Bool(true)), Err("wrong_type"));
}
