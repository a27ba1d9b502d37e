//! Forms of values that a task adds.

use super::*;
use crate::login::Login;
use crate::settings::ValueFormats;
use crate::validate::{Element, Identity, identify};

fn formats() -> TaskFormats {
    let formats: ValueFormats = serde_json::from_str(
        r#"{"date_patterns":["M/D/YYYY","M/D/YYYY *","YYYYMMDD"],
            "empty_words":["NULL","N/A","0000-00-00"],
            "true_words":["ja","Активен"],"false_words":["nein"],"national_phones":{"calling_code":"380","trunk_prefix":"0","national_digits":[9]},
            "username_replacements":[{"find":"CORP\\","replace":""},{"find":" ","replace":"."}]}"#,
    )
    .unwrap();
    assert!(formats.problems().is_empty());
    formats.compile()
}

fn with_formats(
    kind: AttributeKind,
    json: Json<'_>,
) -> Result<Option<Assignment<'static>>, &'static str> {
    let (roles, formats) = (roles(), formats());
    let context = ReadContext {
        separator: ',',
        roles: &roles,
        flags: Flags::Words,
        languages: None,
        formats: &formats,
    };
    stored_in(context, kind, json)
}

#[test]
fn dates_are_read_in_the_patterns_of_the_task_only() {
    for (sent, expected) in [
        ("5/1/2024", "2024-05-01"),
        (" 05/01/2024 12:00:00 AM ", "2024-05-01"),
        ("20240501", "2024-05-01"),
    ] {
        let stored = with_formats(AttributeKind::Date, Json::Text(sent));
        assert_eq!(stored, text(expected), "{sent}");
    }
    for sent in ["31.12.2024", "2024-12-31", "31/12/2024", "5/1/24"] {
        let stored = with_formats(AttributeKind::Date, Json::Text(sent));
        assert_eq!(stored, Err("malformed"), "{sent}");
    }
    let integer = with_formats(AttributeKind::Date, Json::Integer(20_240_501));
    assert_eq!(integer, text("2024-05-01"));
}

#[test]
fn an_empty_word_is_an_empty_text() {
    let flag = AttributeKind::Flag {
        default: Some(true),
    };
    for word in ["NULL", " N/A ", "0000-00-00"] {
        for kind in [
            AttributeKind::Text,
            AttributeKind::Identifier,
            AttributeKind::Date,
            AttributeKind::Phone,
            AttributeKind::TextList,
        ] {
            let stored = with_formats(kind, Json::Text(word));
            assert_eq!(stored, Ok(Some(Assignment::Clear)), "{kind:?} {word}");
        }
        for kind in [
            AttributeKind::Email,
            AttributeKind::Role,
            AttributeKind::UserId,
            AttributeKind::Gender,
            flag,
        ] {
            let stored = with_formats(kind, Json::Text(word));
            assert_eq!(stored, Ok(None), "{kind:?} {word}");
        }
    }
    // The name of a person.
    assert_eq!(
        with_formats(AttributeKind::Text, Json::Text("Null")),
        text("Null")
    );
    assert_eq!(
        stored(AttributeKind::Text, Json::Text("NULL")),
        text("NULL")
    );
}

#[test]
fn flags_are_read_by_the_words_of_the_task_too() {
    let kind = AttributeKind::Flag { default: None };
    for (sent, expected) in [
        ("ja", true),
        (" JA ", true),
        ("активен", true),
        ("Nein", false),
        ("yes", true),
        ("0", false),
    ] {
        let value = Ok(Some(Assignment::Set(Value::Flag(expected))));
        assert_eq!(with_formats(kind, Json::Text(sent)), value, "{sent}");
    }
    assert_eq!(with_formats(kind, Json::Text("j")), Err("malformed"));
    assert_eq!(stored(kind, Json::Text("ja")), Err("malformed"));
}

#[test]
fn the_country_of_the_task_completes_phone_numbers() {
    for (sent, expected) in [
        ("097 123-45-67", "+380971234567"),
        ("(097) 1234567", "+380971234567"),
        ("971234567", "+380971234567"),
        ("380971234567", "+380971234567"),
        // Never applied to these.
        ("+4930123456", "+4930123456"),
        ("004930123456", "+4930123456"),
        ("+38 (0)97 123 45 67", "+380971234567"),
        ("+97123456", "+97123456"),
    ] {
        let stored = with_formats(AttributeKind::Phone, Json::Text(sent));
        assert_eq!(stored, text(expected), "{sent}");
    }
    for sent in [
        "12",
        "1234567",
        "097123456",
        "0971234567890",
        "097123456x",
        "971234567.0",
    ] {
        let stored = with_formats(AttributeKind::Phone, Json::Text(sent));
        assert_eq!(stored, Err("malformed"), "{sent}");
    }
    assert_eq!(
        with_formats(AttributeKind::Phone, Json::Integer(971_234_567)),
        text("+380971234567")
    );
    assert_eq!(
        stored(AttributeKind::Phone, Json::Text("0971234567")),
        Err("malformed")
    );
}

#[test]
fn user_names_are_read_with_the_replacements_of_the_task() {
    let formats = formats();
    let login = |sent| match identify(&Element::Object(&[Json::Text(sent)]), &formats) {
        Identity::User(login) => Login::shown(&login).to_owned(),
        Identity::Empty(_) => "empty".to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(login("CORP\\anna"), "anna");
    assert_eq!(login("CORP\\Anna Woo"), "Anna.Woo");
    assert_eq!(login("anna"), "anna");
    assert_eq!(login("NULL"), "empty");
    assert!(login("corp\\anna").starts_with("InvalidLogin"));
    assert_eq!(login("CORP\\"), "empty");
}

#[test]
fn replacements_do_not_grow_a_user_name_without_bound() {
    let entry = serde_json::json!({"find": "a", "replace": "a".repeat(64)});
    let formats = serde_json::json!({"username_replacements": vec![entry; 20]});
    let formats: ValueFormats = serde_json::from_value(formats).unwrap();
    assert!(formats.problems().is_empty());
    let username = formats.compile().username("a").into_owned();
    assert!(
        (1_025..200_000).contains(&username.len()),
        "{}",
        username.len()
    );
    let identity = identify(&Element::Object(&[Json::Text("a")]), &formats.compile());
    assert!(matches!(identity, Identity::InvalidLogin { .. }));
}
