//! Characters of texts, in any attribute: their normal form, and their places in messages. What a
//! kind of value accepts is the business of its own module.

mod clean;
mod invisible;
mod place;
mod visible;

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

pub use self::clean::{has_only_clean_characters, is_clean};
pub use self::invisible::invisible_characters;
pub use self::place::Place;
pub use self::visible::visible;

const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Returns the text in NFC.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Returns a text in the form in which keys are compared: in NFC, without case and invisible
/// characters, with one space for each run of white space and none at the ends.
#[must_use]
pub fn folded(text: &str) -> String {
    let composed = nfc(text);
    let visible: String = if composed.is_ascii() {
        composed.into_owned()
    } else {
        let is_visible = |c: &char| c.is_whitespace() || !invisible::is_unseen(*c);
        composed.chars().filter(is_visible).collect()
    };
    let caseless = CASES.fold_string(&visible);
    let words: Vec<&str> = caseless.split_whitespace().collect();
    nfc(&words.join(" ")).into_owned()
}

/// Returns a text in NFD; `None` if it is in NFD already.
#[must_use]
pub fn decomposed(text: &str) -> Option<String> {
    let decomposed: String = text.nfd().collect();
    (decomposed != text).then_some(decomposed)
}

/// Returns a password in the form that is hashed (RFC 8265, `OpaqueString`): with ASCII spaces for
/// all others, and in NFC.
#[must_use]
pub fn opaque(password: &str) -> Cow<'_, str> {
    let is_other_space =
        |c: char| !c.is_ascii() && c.general_category() == GeneralCategory::SpaceSeparator;
    if password.contains(is_other_space) {
        Cow::Owned(nfc(&password.replace(is_other_space, " ")).into_owned())
    } else {
        nfc(password)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_have_ascii_spaces_and_composed_letters() {
        assert_eq!(opaque("a b"), "a b");
        assert_eq!(opaque(" \u{a0}a\u{3000}\u{2009}b\t"), "  a  b\t");
        assert_eq!(opaque("e\u{301}\u{a0}"), "é ");
        assert_eq!(opaque("A\u{30a}"), "Å");
        // Neither compatibility forms nor invisible characters are changed.
        assert_eq!(opaque("ﬁ\u{200b}"), "ﬁ\u{200b}");
    }

    #[test]
    fn keys_are_compared_without_case_spaces_and_invisible_characters() {
        for same in [
            "E-Mail Address",
            " e-mail\u{a0}  address\t",
            "\u{feff}E-MAIL\u{200b} ADDRESS",
        ] {
            assert_eq!(folded(same), "e-mail address", "{same:?}");
        }
        assert_eq!(folded("E\u{301}TAT"), folded("état"));
        assert_eq!(folded("STRASSE"), folded("straße"));
        assert_eq!(folded("ΟΔΟΣ"), folded("οδος"));
        assert_ne!(folded("Email"), folded("E-mail"));
        assert_eq!(folded("\u{200b} "), "");
    }

    proptest! {
        #[test]
        fn folding_is_stable(text in "\\PC{0,12}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn forms_are_stable(text in "\\PC{0,12}") {
            let opaque_once = opaque(&text).into_owned();
            prop_assert_eq!(opaque(&opaque_once), opaque_once.as_str());
            let once = nfc(&text).into_owned();
            prop_assert_eq!(nfc(&once), once.as_str());
        }
    }
}
