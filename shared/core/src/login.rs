//! Logins (user names): which are allowed, and when two are the same (CONTRACT §0, *Login*).

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::MixedScript;

use crate::limits;

/// A user name that may be stored: in NFC, of allowed characters only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login<'a> {
    shown: Cow<'a, str>,
    canon: Cow<'a, str>,
}

/// Why a text cannot be a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginProblem {
    /// More code points than [`limits::LOGIN`].
    #[error("a user name has at most 128 characters")]
    TooLong,
    /// Something other than letters, digits and `. _ - @ +`, or an empty text.
    #[error(
        "contains unauthorised characters; letters, digits and the characters . _ - @ + are allowed"
    )]
    Characters,
    /// Characters that look like others: NFKC would change them.
    #[error("contains unauthorised characters: some are compatibility forms of other characters")]
    CompatibilityForms,
    /// Letters of several scripts.
    #[error("contains unauthorised characters: it mixes letters of several scripts")]
    MixedScripts,
}

impl LoginProblem {
    /// The second half of the code that reports it.
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
    /// Checks a text. It is not trimmed: a leading space is an unauthorised character.
    ///
    /// # Errors
    /// The first rule that it breaks.
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

    /// The spelling to show, in NFC.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The form by which logins are equal.
    #[must_use]
    pub fn canon(&self) -> &str {
        &self.canon
    }

    /// The same login, owning its texts.
    #[must_use]
    pub fn into_owned(self) -> Login<'static> {
        Login {
            shown: Cow::Owned(self.shown.into_owned()),
            canon: Cow::Owned(self.canon.into_owned()),
        }
    }
}

fn check_ascii(raw: &str) -> Result<(), LoginProblem> {
    if !raw.bytes().all(is_plain) || raw.is_empty() {
        Err(LoginProblem::Characters)
    } else if raw.len() > limits::LOGIN {
        Err(LoginProblem::TooLong)
    } else {
        Ok(())
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+')
}

fn check_unicode(shown: &str) -> Result<(), LoginProblem> {
    let mut after_letter = false;
    let mut length = 0;
    for c in shown.chars() {
        length += 1;
        // A mark belongs to the letter before it, with other marks between at most.
        after_letter = match category(c) {
            Class::Letter => true,
            Class::Mark if after_letter => true,
            Class::Digit => false,
            _ if c.is_ascii() && u8::try_from(c).is_ok_and(is_plain) => false,
            _ => return Err(LoginProblem::Characters),
        };
    }
    if length > limits::LOGIN {
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

enum Class {
    Letter,
    Mark,
    Digit,
    Other,
}

fn category(c: char) -> Class {
    use GeneralCategory as G;
    match c.general_category() {
        G::UppercaseLetter
        | G::LowercaseLetter
        | G::TitlecaseLetter
        | G::ModifierLetter
        | G::OtherLetter => Class::Letter,
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => Class::Mark,
        G::DecimalNumber => Class::Digit,
        _ => Class::Other,
    }
}

/// The form by which logins are equal: `NFC(full case fold(NFC x))`, folded until nothing changes
/// any more, so that `canon(canon x) = canon x` holds for every string, allowed as a login or not.
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
    fn what_is_allowed() {
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
    fn what_is_refused() {
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
    fn spellings_of_one_login_are_equal() {
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
    fn the_shown_spelling_is_kept_in_nfc() {
        let login = Login::parse("E\u{301}va").unwrap();
        assert_eq!(login.shown(), "Éva");
        assert_eq!(login.canon(), "éva");
    }

    proptest! {
        #[test]
        fn canon_of_canon_is_canon(text in "\\PC{0,12}") {
            let once = canon(&text).into_owned();
            prop_assert_eq!(canon(&once), once.clone());
        }

        #[test]
        fn canon_is_blind_to_normal_form(text in "\\PC{0,12}") {
            let nfd: String = text.nfd().collect();
            prop_assert_eq!(canon(&text), canon(&nfd));
        }
    }
}
