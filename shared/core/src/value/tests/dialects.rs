//! Restrictions of dialects, and passwords.

use super::*;

#[test]
fn a_dialect_restricts_booleans_and_languages() {
    let flag = AttributeKind::Flag { default: None };
    let read = |flags, json| {
        let context = ReadContext::without_task(flags, &["EN", "ru_RU"]);
        stored_in(context, flag, json)
    };
    let yes = Ok(Some(Assignment::Set(Value::Flag(true))));
    for flags in [Flags::Words, Flags::Digits, Flags::Strict] {
        assert_eq!(read(flags, Json::Bool(true)), yes);
        assert_eq!(read(flags, FRACTION), Err("wrong_type"));
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
        stored_in(context, AttributeKind::Language, Json::Text(text))
    };
    assert_eq!(language("en"), text("en"));
    assert_eq!(language("ru_RU"), text("ru"));
    for other in ["ru", "de", "en_EN"] {
        assert_eq!(language(other), Err("unknown"), "{other}");
    }
}

#[test]
fn passwords_are_not_trimmed() {
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
    // 128 characters in the form that is hashed.
    assert!(read(Json::Text(&"e\u{301}".repeat(128))).is_ok());
    assert_eq!(read(Json::Text(&"e\u{301}".repeat(129))), Err("too_long"));
    assert_eq!(read(Json::Text("a\u{0}")), Err("control_character"));
    assert_eq!(read(Json::Bool(true)), Err("wrong_type"));
}
