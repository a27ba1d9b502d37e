//! Characters of texts, in any attribute: their normal form, and their places in messages. What a
//! kind of value accepts is the business of its own module.

mod invisible;
mod place;

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

pub use self::invisible::invisible_characters;
pub use self::place::Place;

/// Returns the text in NFC.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Returns a text in NFD; `None` if it is in NFD already.
#[must_use]
pub fn decomposed(text: &str) -> Option<String> {
    let decomposed: String = text.nfd().collect();
    (decomposed != text).then_some(decomposed)
}

/// Returns `true` if a text is in NFC and has no invisible character. `false` may be an error on the
/// safe side.
#[must_use]
pub fn is_clean(text: &str) -> bool {
    is_nfc_quick(text.chars()) == IsNormalized::Yes && invisible_characters(text).next().is_none()
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

    proptest! {
        #[test]
        fn forms_are_stable(text in "\\PC{0,12}") {
            let opaque_once = opaque(&text).into_owned();
            prop_assert_eq!(opaque(&opaque_once), opaque_once.as_str());
            let once = nfc(&text).into_owned();
            prop_assert_eq!(nfc(&once), once.as_str());
        }
    }
}
