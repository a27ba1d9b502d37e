//! Logins (user names): validity and equality (contract.md#logins-and-values).

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::MixedScript;

use crate::limits;

/// A valid user name: in NFC, with allowed characters only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login<'a> {
    shown: Cow<'a, str>,
    canon: Cow<'a, str>,
}

/// Reason why a text is not a valid login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginProblem {
    /// More code points than [`limits::MAX_LOGIN_CHARS`].
    #[error("a user name has at most 128 characters")]
    TooLong,
    /// Something other than letters, digits and `. _ - @ +`, or an empty text.
    #[error(
        "contains unauthorised characters; letters, digits and the characters . _ - @ + are allowed"
    )]
    Characters,
    /// Characters that NFKC would change, because they resemble others.
    #[error("contains unauthorised characters: some are compatibility forms of other characters")]
    CompatibilityForms,
    /// Letters of more than one script.
    #[error("contains unauthorised characters: letters of several scripts are mixed")]
    MixedScripts,
}

impl LoginProblem {
    /// Returns the second half of the item code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Characters | Self::CompatibilityForms | Self::MixedScripts => {
                "unauthorised_characters"
            }
        }
    }
}

impl<'a> Login<'a> {
    /// Parses a login. The text is not trimmed: a leading space is an unauthorised character.
    ///
    /// # Errors
    /// Returns the first violated rule.
    pub fn parse(raw: &'a str) -> Result<Self, LoginProblem> {
        if raw.is_ascii() {
            check_ascii(raw)?;
            return Ok(Self {
                shown: Cow::Borrowed(raw),
                canon: canon(raw),
            });
        }
        let shown = nfc(raw);
        check_unicode(&shown)?;
        let canon = Cow::Owned(canon(&shown).into_owned());
        Ok(Self { shown, canon })
    }

    /// Returns the display form, in NFC.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the canonical form, which defines equality.
    #[must_use]
    pub fn canon(&self) -> &str {
        &self.canon
    }

    /// Returns the same login with owned texts.
    #[must_use]
    pub fn into_owned(self) -> Login<'static> {
        Login {
            shown: Cow::Owned(self.shown.into_owned()),
            canon: Cow::Owned(self.canon.into_owned()),
        }
    }
}

fn check_ascii(raw: &str) -> Result<(), LoginProblem> {
    if !raw.bytes().all(is_ascii_login_byte) || raw.is_empty() {
        Err(LoginProblem::Characters)
    } else if raw.len() > limits::MAX_LOGIN_CHARS {
        Err(LoginProblem::TooLong)
    } else {
        Ok(())
    }
}

const fn is_ascii_login_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+')
}

fn check_unicode(shown: &str) -> Result<(), LoginProblem> {
    let mut after_letter = false;
    let mut length = 0;
    for c in shown.chars() {
        length += 1;
        // A mark must follow a letter, with only other marks in between.
        after_letter = match class_of(c) {
            CharacterClass::Letter => true,
            CharacterClass::Mark if after_letter => true,
            CharacterClass::Digit => false,
            _ if c.is_ascii() && u8::try_from(c).is_ok_and(is_ascii_login_byte) => false,
            _ => return Err(LoginProblem::Characters),
        };
    }
    if length > limits::MAX_LOGIN_CHARS {
        return Err(LoginProblem::TooLong);
    }
    if !is_nfkc(shown) {
        return Err(LoginProblem::CompatibilityForms);
    }
    if !shown.is_single_script() {
        return Err(LoginProblem::MixedScripts);
    }
    Ok(())
}

enum CharacterClass {
    Letter,
    Mark,
    Digit,
    Other,
}

fn class_of(c: char) -> CharacterClass {
    use GeneralCategory as G;
    match c.general_category() {
        G::UppercaseLetter
        | G::LowercaseLetter
        | G::TitlecaseLetter
        | G::ModifierLetter
        | G::OtherLetter => CharacterClass::Letter,
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => CharacterClass::Mark,
        G::DecimalNumber => CharacterClass::Digit,
        _ => CharacterClass::Other,
    }
}

/// Returns the canonical form of a login, `NFC(full case fold(NFC x))`, folded until it is stable,
/// so that `canon(canon x) = canon x` holds for every string, valid as a login or not.
#[must_use]
pub fn canon(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return if raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(raw.to_ascii_lowercase())
        } else {
            Cow::Borrowed(raw)
        };
    }
    const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
    let mut text = nfc(raw).into_owned();
    loop {
        let folded = CASES.fold_string(&text);
        let next = nfc(&folded).into_owned();
        if next == text {
            return Cow::Owned(text);
        }
        text = next;
    }
}

fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        ] {
            assert!(Login::parse(login).is_ok(), "{login}");
        }
    }

    #[test]
    fn logins_with_other_characters_are_refused() {
        use LoginProblem::*;
        for (login, problem) in [
            ("", Characters),
            (" john", Characters),
            ("john ", Characters),
            ("a\0b", Characters),
            ("a\u{7f}", Characters),
            ("a b", Characters),
            ("a/b", Characters),
            ("a#b", Characters),
            ("\u{301}a", Characters),
            (".\u{301}", Characters),
            ("a\u{200d}b", Characters),
            ("½", Characters),
            ("Ⅷ", Characters),
            ("\u{fb01}sh", CompatibilityForms),
            ("ｊｏｈｎ", CompatibilityForms),
            ("jоhn", MixedScripts), // a Cyrillic о
        ] {
            assert_eq!(Login::parse(login).unwrap_err(), problem, "{login:?}");
        }
        assert_eq!(
            Login::parse(&"é".repeat(129)).unwrap_err(),
            LoginProblem::TooLong
        );
        assert!(Login::parse(&"é".repeat(128)).is_ok());
        assert!(Login::parse(&"e\u{301}".repeat(128)).is_ok());
        assert_eq!(
            Login::parse(&"e".repeat(129)).unwrap_err(),
            LoginProblem::TooLong
        );
    }

    #[test]
    fn spellings_of_the_same_login_are_equal() {
        for (a, b) in [
            ("John.Foo", "john.foo"),
            ("STRASSE", "straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("e\u{301}va", "Éva"),
        ] {
            assert_eq!(canon(a), canon(b), "{a} {b}");
        }
        assert_ne!(canon("jose"), canon("josé"));
    }

    #[test]
    fn the_display_form_is_in_nfc() {
        let login = Login::parse("E\u{301}va").unwrap();
        assert_eq!(login.shown(), "Éva");
        assert_eq!(login.canon(), "éva");
    }

    proptest! {
        #[test]
        fn canonical_form_is_idempotent(text in "\\PC{0,12}") {
            let once = canon(&text).into_owned();
            prop_assert_eq!(canon(&once), once.clone());
        }

        #[test]
        fn canonical_form_ignores_unicode_normalization(text in "\\PC{0,12}") {
            let nfd: String = text.nfd().collect();
            prop_assert_eq!(canon(&text), canon(&nfd));
        }
    }
}
