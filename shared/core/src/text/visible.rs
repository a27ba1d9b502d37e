//! Texts as messages show them.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::invisible::{invisible_characters, is_unseen};

/// Characters after a shortened text that tell whether one within it has an effect there.
const LOOKAHEAD_CHARS: usize = 4;

/// Returns a text with escapes for the characters that cannot be seen. One with more than `max_chars`
/// characters is shortened and ends with `…`.
#[must_use]
pub fn visible(text: &str, max_chars: usize) -> String {
    let seen = text.char_indices().nth(max_chars + LOOKAHEAD_CHARS);
    let seen = seen.map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
    let mut invisible = invisible_characters(seen).map(|(at, _)| at).peekable();
    let mut shown = String::with_capacity(seen.len());
    for (index, (at, c)) in seen.char_indices().enumerate() {
        if index == max_chars {
            shown.push('…');
            break;
        }
        if invisible.next_if_eq(&at).is_some() || !is_shown(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Returns `true` unless the character is always escaped. One that has an effect only in some places is
/// not.
fn is_shown(c: char) -> bool {
    c == ' ' || is_unseen(c) || is_picture(c) || is_mark(c)
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_picture(c: char) -> bool {
    use GeneralCategoryGroup as G;
    matches!(
        c.general_category_group(),
        G::Letter | G::Number | G::Punctuation | G::Symbol
    )
}

/// Returns `true` for a character that can be seen on its own.
pub(super) fn is_graphic(c: char) -> bool {
    is_picture(c) && !is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_nobody_sees_are_escaped() {
        for (text, expected) in [
            ("Jörg O’Neil", "Jörg O’Neil"),
            ("e\u{301}", "e\u{301}"),
            ("Z1\u{200b}2", "Z1\\u{200b}2"),
            ("a\u{a0}b c", "a\\u{a0}b c"),
            ("a\nb\0\t", "a\\nb\\u{0}\\t"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("\u{feff}anna", "\\u{feff}anna"),
            // A script and an emoji need these joiners.
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩🏽\u{200d}🚀", "👩🏽\u{200d}🚀"),
            ("", ""),
        ] {
            assert_eq!(visible(text, 200), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!(visible("abc", 3), "abc");
        assert_eq!(visible("abcd", 3), "abc…");
        assert_eq!(visible("a\u{200b}cd", 3), "a\\u{200b}c…");
        // What follows the last character decides whether it has an effect.
        assert_eq!(visible("👩\u{200d}🚀👩", 2), "👩\u{200d}…");
        assert_eq!(visible(&"é".repeat(1_000_000), 200).chars().count(), 201);
    }
}
