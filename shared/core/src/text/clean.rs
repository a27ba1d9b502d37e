//! Texts that are in NFC and have no invisible character: most are recognised by their characters
//! alone.

use std::sync::OnceLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::invisible::{invisible_characters, is_unseen};

const PAGE_CHARS: u32 = 256;
/// Pages of the characters up to U+FFFF.
const PAGES: usize = 256;

/// One bit for each character of a page.
type Page = [u64; PAGE_CHARS as usize / 64];

/// The characters that are clean wherever they stand, and no control characters, page by page as texts
/// need them.
static CLEAN: [OnceLock<Page>; PAGES] = [const { OnceLock::new() }; PAGES];

/// Returns `true` if a text is in NFC and has no invisible character. `false` may be an error on the
/// safe side.
#[must_use]
pub fn is_clean(text: &str) -> bool {
    has_only_clean_characters(text)
        || is_nfc_quick(text.chars()) == IsNormalized::Yes
            && invisible_characters(text).next().is_none()
}

/// Returns `true` if every character of a text is visible, no control character, and in NFC whatever is
/// around it. Such a text is clean; others may be, too.
#[must_use]
pub fn has_only_clean_characters(text: &str) -> bool {
    text.chars().all(is_clean_anywhere)
}

#[inline]
fn is_clean_anywhere(c: char) -> bool {
    let (page, bit) = (u32::from(c) / PAGE_CHARS, u32::from(c) % PAGE_CHARS);
    let Some(entry) = CLEAN.get(page as usize) else {
        return false;
    };
    let bits = entry.get_or_init(|| clean_characters(page));
    let word = bits.get(bit as usize / 64).copied().unwrap_or(0);
    word >> (bit % 64) & 1 == 1
}

fn clean_characters(page: u32) -> Page {
    let mut bits = Page::default();
    let first = page * PAGE_CHARS;
    for (c, bit) in (first..first + PAGE_CHARS)
        .map(char::from_u32)
        .zip(0_usize..)
    {
        if let (Some(c), Some(word)) = (c, bits.get_mut(bit / 64)) {
            *word |= u64::from(is_clean_alone(c)) << (bit % 64);
        }
    }
    bits
}

/// Returns `true` if texts of such characters are clean. A character that may compose with the one
/// before it is never sure to be in NFC.
fn is_clean_alone(c: char) -> bool {
    canonical_combining_class(c) == 0
        && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes
        && !is_unseen(c)
        && !c.is_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::nfc;

    #[test]
    fn texts_are_clean_if_nothing_is_to_be_composed_or_removed() {
        for clean in [
            "",
            "Anna",
            "Jörg",
            "Ольга",
            "李雷",
            "محمد",
            "Ελένη",
            "می\u{200c}خواهم",
            "😀",
        ] {
            assert!(is_clean(clean), "{clean}");
        }
        for other in [
            "e\u{301}",
            "a\u{200b}",
            "\u{1100}\u{1161}",
            "a\u{e000}",
            "\u{212b}",
        ] {
            assert!(!is_clean(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_clean_text_is_in_nfc_and_visible(text in "(\\PC|[\u{0}-\u{ffff}]){0,12}") {
            if is_clean(&text) {
                prop_assert_eq!(&nfc(&text), &text);
                prop_assert_eq!(invisible_characters(&text).next(), None);
            }
        }

        #[test]
        fn characters_that_are_clean_anywhere_are_so_in_any_order(
            characters in prop::collection::vec(any::<char>().prop_filter("clean", |c| is_clean_anywhere(*c)), 0..12),
        ) {
            let text: String = characters.iter().collect();
            prop_assert_eq!(is_nfc_quick(text.chars()), IsNormalized::Yes);
            prop_assert_eq!(invisible_characters(&text).next(), None);
        }
    }
}
