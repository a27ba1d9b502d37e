//! Tables of valid, invalid and equal logins, and properties of the canonical form.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::*;

#[test]
fn logins_with_allowed_characters_are_valid() {
    for login in [
        "john.foo",
        "A",
        "a_b-c+d@example.com",
        "7",
        "ělíška.nováková",
        "José",
        "мария",
        "नमस्ते",
        "李雷",
        "ゆり子",
        "e\u{301}va",
        "o'neil",
        "d'Artagnan.o'neil",
        "a''b",
        "мар'яна",
        "a#b",
        "anna_contoso.com#EXT#@fabrikam.onmicrosoft.com",
        "o'neil#ext#@example.com",
    ] {
        let parsed = Login::parse(login);
        assert!(parsed.is_ok(), "{login}: {parsed:?}");
    }
}

#[test]
fn logins_with_other_characters_are_refused_with_the_first_of_them() {
    let allowed = "letters, digits and the characters . _ - @ + ' # are allowed";
    let other = |place: &str| format!("contains unauthorised characters: {place}; {allowed}");
    let ends = |place: &str| {
        format!(
            "contains unauthorised characters: {place}; a user name neither begins nor ends with ' or #"
        )
    };
    let form = |place: &str| {
        format!(
            "contains unauthorised characters: {place} is a compatibility form of other characters"
        )
    };
    let mixed = |place: &str| {
        format!(
            "contains unauthorised characters: letters of several scripts are mixed, {place} is of \
             another script"
        )
    };
    for (login, message) in [
        ("", "a user name has at least one character".to_owned()),
        (" john", other("U+0020 at the beginning")),
        ("john ", other("U+0020 after \"john\"")),
        ("a\0b", other("U+0000 after \"a\"")),
        ("a\u{7f}", other("U+007F after \"a\"")),
        ("a b c", other("U+0020 after \"a\"")),
        ("a/b", other("U+002F (/) after \"a\"")),
        ("\u{301}a", other("U+0301 at the beginning")),
        (".\u{301}", other("U+0301 after \".\"")),
        ("'\u{301}", other("U+0301 after \"'\"")),
        ("a\u{200d}b", other("U+200D after \"a\"")),
        ("Z1\u{200b}", other("U+200B after \"Z1\"")),
        ("a\u{2018}b", other("U+2018 (‘) after \"a\"")),
        ("½", other("U+00BD (½) at the beginning")),
        ("Ⅷ", other("U+2167 (Ⅷ) at the beginning")),
        ("'neil", ends("U+0027 (') at the beginning")),
        ("neil'", ends("U+0027 (') after \"neil\"")),
        ("\u{2019}neil", ends("U+0027 (') at the beginning")),
        ("é\u{2019}", ends("U+0027 (') after \"é\"")),
        ("#a", ends("U+0023 (#) at the beginning")),
        ("a@b#", ends("U+0023 (#) after \"a@b\"")),
        ("'", ends("U+0027 (') at the beginning")),
        ("a\u{fb01}sh", form("U+FB01 (\u{fb01}) after \"a\"")),
        ("ｊｏｈｎ", form("U+FF4A (ｊ) at the beginning")),
        ("jоhn", mixed("U+043E (о) after \"j\"")), // a Cyrillic о
    ] {
        assert_eq!(
            Login::parse(login).unwrap_err().to_string(),
            message,
            "{login:?}"
        );
    }
}

#[test]
fn a_login_has_at_most_128_characters() {
    for long in ["é".repeat(129), "e".repeat(129)] {
        let problem = Login::parse(&long).unwrap_err();
        assert_eq!(
            (problem.code(), &problem),
            ("too_long", &LoginProblem::TooLong)
        );
    }
    assert!(Login::parse(&"é".repeat(128)).is_ok());
    assert!(Login::parse(&"e\u{301}".repeat(128)).is_ok());
    assert!(Login::parse(&format!("a{}b", "\u{2019}".repeat(126))).is_ok());
}

#[test]
fn only_the_two_parts_of_an_address_may_be_of_different_scripts() {
    for valid in [
        "мария@example.com",
        "maria@пример.рф",
        "李雷@example.com",
        "мария.7@ex-ample.com",
        "anna#EXT#@пример.рф",
        "@мария",
        "maria@",
    ] {
        let parsed = Login::parse(valid);
        assert!(parsed.is_ok(), "{valid}: {parsed:?}");
    }
    for (mixed, place) in [
        ("mаria@example.com", "U+0430 (а) after \"m\""), // a Cyrillic а
        ("мария@exаmple.com", "U+0430 (а) after \"мария@ex\""), // a Cyrillic а
        ("мария@example.рф", "U+0440 (р) after \"мария@example.\""),
        ("мар'яна#EXT#@x.com", "U+0045 (E) after \"мар'яна#\""),
        // Not addresses: no @, or two of them.
        ("мария.example.com", "U+0065 (e) after \"мария.\""),
        ("мария@a@b", "U+0061 (a) after \"мария@\""),
    ] {
        let problem = Login::parse(mixed).unwrap_err();
        assert_eq!(problem.code(), "unauthorised_characters");
        let expected = format!("mixed, {place} is of another script");
        let message = problem.to_string();
        assert!(message.ends_with(&expected), "{mixed}: {message}");
    }
}

#[test]
fn spellings_of_the_same_login_are_equal() {
    for (a, b) in [
        ("John.Foo", "john.foo"),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("e\u{301}va", "Éva"),
        ("O\u{2019}Neil", "o'neil"),
        ("É\u{2019}A", "e\u{301}'a"),
        ("ANNA#EXT#@x.com", "anna#ext#@x.com"),
    ] {
        assert_eq!(canon(a), canon(b), "{a} {b}");
    }
    assert_ne!(canon("jose"), canon("josé"));
    assert_ne!(canon("o'neil"), canon("oneil"));
    assert_ne!(canon("o\u{2bc}neil"), canon("o'neil"));
}

#[test]
fn a_login_has_no_character_that_nobody_sees() {
    for (invisible, place) in [
        ("anna\u{fe0f}", "U+FE0F"),
        ("anna\u{34f}", "U+034F"),
        ("123\u{1160}", "U+1160"),
        ("\u{115f}123", "U+115F"),
    ] {
        let problem = Login::parse(invisible).unwrap_err();
        assert_eq!(problem.code(), "unauthorised_characters", "{invisible:?}");
        assert!(problem.to_string().contains(place), "{problem}");
    }
}

#[test]
fn the_display_form_is_in_nfc_with_ascii_apostrophes() {
    let login = Login::parse("E\u{301}va").unwrap();
    assert_eq!((login.shown(), login.canon()), ("Éva", "éva"));
    let login = Login::parse("O\u{2019}Neil").unwrap();
    assert_eq!((login.shown(), login.canon()), ("O'Neil", "o'neil"));
}

proptest! {
    #[test]
    fn canonical_form_is_idempotent(text in "(\\PC|['’#@]){0,12}") {
        let once = canon(&text).into_owned();
        prop_assert_eq!(canon(&once), once.clone());
    }

    #[test]
    fn canonical_form_ignores_unicode_normalization(text in "(\\PC|['’#@]){0,12}") {
        let nfd: String = text.nfd().collect();
        prop_assert_eq!(canon(&text), canon(&nfd));
    }

    #[test]
    fn canonical_form_of_a_valid_login_is_that_of_its_display_form(
        text in "[a-cA-Cß-ïа-вα-γ'’#@.\u{301}\u{345}]{1,8}",
    ) {
        if let Ok(login) = Login::parse(&text) {
            prop_assert_eq!(login.canon(), canon(&text));
            prop_assert_eq!(login.canon(), canon(login.shown()));
            let shown = Login::parse(login.shown()).unwrap();
            prop_assert_eq!(shown.shown(), login.shown());
        }
    }
}
