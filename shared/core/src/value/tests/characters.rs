//! Normal forms, and characters that nobody can see.

use super::*;

/// A code and a sentence.
type Sentence = (&'static str, String);

/// Returns what is stored, and the code and sentence of the warning.
fn read_text(
    kind: AttributeKind,
    json: Json<'_>,
    role_mapping: &[(&str, &str)],
) -> Result<(Option<Assignment<'static>>, Option<Sentence>), Sentence> {
    let of_problem = |problem: Problem| (problem.code, problem.message.into_owned());
    let roles = role_mapping
        .iter()
        .map(|(text, role)| ((*text).to_owned(), (*role).to_owned()))
        .collect();
    let context = ReadContext {
        separator: ',',
        roles: &roles,
        flags: Flags::Words,
        languages: None,
        formats: &NO_FORMATS,
    };
    let reading = read(kind, json, context).map_err(of_problem)?;
    Ok((
        reading.assignment.map(Assignment::into_owned),
        reading.warning.map(of_problem),
    ))
}

#[track_caller]
fn assert_removed(kind: AttributeKind, sent: &str, kept: &str, message: &str) {
    let (stored, warning) = read_text(kind, Json::Text(sent), &[]).unwrap();
    let kept = Assignment::Set(Value::Text(Cow::Owned(kept.to_owned())));
    assert_eq!(stored, Some(kept), "{sent:?}");
    let warning = warning.unwrap();
    assert_eq!(
        warning,
        ("invisible_character_removed", message.to_owned()),
        "{sent:?}"
    );
}

#[test]
fn texts_are_stored_in_nfc() {
    for kind in [AttributeKind::Text, AttributeKind::Identifier] {
        assert_stored_texts(
            kind,
            &[
                ("Jose\u{301}", "José"),
                ("A\u{30a}ngstro\u{308}m", "Ångström"),
                ("\u{212b}", "Å"),
                ("o\u{302}\u{323}", "ộ"),
                ("\u{1100}\u{1161}", "가"),
                // Compatibility forms are other characters.
                ("ﬁ", "ﬁ"),
            ],
        );
        let longest = "e\u{301}".repeat(1_024);
        assert_stored_texts(kind, &[(&longest, &"é".repeat(1_024))]);
    }
    let list = stored(AttributeKind::TextList, Json::Text("é,e\u{301},E\u{301}"));
    let items = ["é", "É"].map(Cow::Borrowed);
    assert_eq!(list, Ok(Some(Assignment::Set(Value::Texts(items.into())))));
}

#[test]
fn invisible_characters_are_removed_from_texts_with_a_warning() {
    let kind = AttributeKind::Text;
    let one = "stored without an invisible character: ";
    let text = |place: &str| format!("{one}{place}");
    assert_removed(kind, "Z1\u{200b}", "Z1", &text("U+200B after \"Z1\""));
    assert_removed(
        kind,
        "\u{feff}Anna",
        "Anna",
        &text("U+FEFF at the beginning"),
    );
    assert_removed(kind, " An\u{ad}na ", "Anna", &text("U+00AD after \"An\""));
    assert_removed(
        kind,
        "\u{200b} Anna \u{200b}",
        "Anna",
        "stored without 2 invisible characters, the first: U+200B at the beginning",
    );
    assert_removed(
        kind,
        "abc\u{202e}cba",
        "abccba",
        &text("U+202E after \"abc\""),
    );
    assert_removed(kind, "a\u{e000}b", "ab", &text("U+E000 after \"a\""));
    // What is left is composed.
    assert_removed(kind, "e\u{200b}\u{301}", "é", &text("U+200B after \"e\""));
    let formats = [
        (
            AttributeKind::Phone,
            "\u{202a}+38097\u{200b}1234567\u{202c}",
            "+380971234567",
        ),
        (AttributeKind::Date, "26.07.1988\u{200e}", "1988-07-26"),
        (AttributeKind::Language, "\u{feff}ru", "ru"),
        (
            AttributeKind::TimeZone,
            "Europe/Kyiv\u{200b}",
            "Europe/Kyiv",
        ),
        (AttributeKind::Choice(&["LOCAL"]), "LOCAL\u{200b}", "LOCAL"),
        (AttributeKind::EncodedObject, "e30\u{200b}=", "e30="),
    ];
    for (kind, sent, kept) in formats {
        let (stored, warning) = read_text(kind, Json::Text(sent), &[]).unwrap();
        let kept = Assignment::Set(Value::Text(Cow::Borrowed(kept)));
        assert_eq!(stored, Some(kept), "{sent:?}");
        assert_eq!(
            warning.unwrap().0,
            "invisible_character_removed",
            "{sent:?}"
        );
    }
}

#[test]
fn a_text_of_invisible_characters_clears_nothing() {
    for kind in [
        AttributeKind::Text,
        AttributeKind::Phone,
        AttributeKind::Date,
        AttributeKind::TextList,
    ] {
        for sent in ["\u{200b}", " \u{200b}\u{feff} ", "\u{ad} \u{200b}"] {
            let (code, message) = read_text(kind, Json::Text(sent), &[]).unwrap_err();
            assert_eq!(code, "invisible_character", "{kind:?} {sent:?}");
            assert!(message.contains("nothing but invisible"), "{message}");
        }
    }
}

#[test]
fn items_of_lists_lose_their_invisible_characters() {
    let sent = Json::Text("a\u{200b},\u{200b}, a, b\u{feff}");
    let (stored, warning) = read_text(AttributeKind::TextList, sent, &[]).unwrap();
    let items = vec![Cow::Borrowed("a"), Cow::Borrowed("b")];
    assert_eq!(stored, Some(Assignment::Set(Value::Texts(items))));
    let message = "stored without 3 invisible characters, the first: U+200B after \"a\"";
    assert_eq!(
        warning,
        Some(("invisible_character_removed", message.to_owned()))
    );
}

#[test]
fn invisible_characters_are_refused_in_what_identifies() {
    for (sent, place) in [
        ("Z1\u{200b}", "U+200B after \"Z1\""),
        ("\u{202e}1Z", "U+202E at the beginning"),
        ("e\u{301}1\u{e000}2\u{200b}", "U+E000 after \"é1\""),
        ("\u{200b}", "U+200B at the beginning"),
    ] {
        let refusal = read_text(AttributeKind::Identifier, Json::Text(sent), &[]).unwrap_err();
        let message = format!("contains an invisible character: {place}");
        assert_eq!(refusal, ("invisible_character", message), "{sent:?}");
    }
    // Joiners that a script needs are seen.
    assert_stored_texts(
        AttributeKind::Identifier,
        &[("می\u{200c}خواهم", "می\u{200c}خواهم")],
    );
    let refusal = read_text(AttributeKind::Email, Json::Text("ann\u{200b}@x.com"), &[]);
    let message = "not a valid e-mail address: contains U+200B after \"ann\"";
    assert_eq!(refusal.unwrap_err(), ("malformed", message.to_owned()));
    let refusal = read_text(AttributeKind::Email, Json::Text("ann @x.com"), &[]);
    let message = "not a valid e-mail address: contains U+0020 after \"ann\"";
    assert_eq!(refusal.unwrap_err().1, message);
    let refusal = read_text(AttributeKind::Email, Json::Text("ann"), &[]);
    assert_eq!(refusal.unwrap_err().1, "not a valid e-mail address");
}

#[test]
fn a_refusal_names_a_control_character_and_its_place() {
    let message = "contains a control character, such as a line break: U+000A after \"Anna\"";
    for kind in [AttributeKind::Text, AttributeKind::Identifier] {
        let refusal = read_text(kind, Json::Text("Anna\nWoo"), &[]).unwrap_err();
        assert_eq!(refusal, ("control_character", message.to_owned()));
    }
}

#[test]
fn strings_of_roles_are_matched_in_nfc_and_then_as_they_are_seen() {
    // Rules hold the strings of a mapping in NFC.
    let mapping = [
        ("café", "Waiter"),
        ("chef\u{200b}", "Cook"),
        ("chef", "Chef"),
    ];
    let role = |sent| read_text(AttributeKind::Role, Json::Text(sent), &mapping);
    let is = |role: &'static str| Some(Assignment::Set(Value::Text(Cow::Borrowed(role))));
    for sent in ["café", "cafe\u{301}", " cafe\u{301} "] {
        assert_eq!(role(sent), Ok((is("Waiter"), None)), "{sent:?}");
    }
    assert_eq!(role("chef\u{200b}"), Ok((is("Cook"), None)));
    assert_eq!(role("chef"), Ok((is("Chef"), None)));
    let (found, warning) = role("ca\u{ad}fe\u{301}").unwrap();
    assert_eq!(found, is("Waiter"));
    assert_eq!(warning.unwrap().0, "invisible_character_removed");
    for other in ["cafe", "CAFÉ", "x\u{200b}", "\u{200b}"] {
        assert_eq!(role(other).unwrap_err().0, "unmapped", "{other:?}");
    }
}
