//! Characters that nobody can see: two texts that differ only in them look the same.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic,
    GeneralCategory, JoiningType, PrependedConcatenationMark, Script, UnifiedIdeograph,
    VariationSelector,
};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};

const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();
const VISIBLE_FORMATS: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<PrependedConcatenationMark>();
const VARIATION_SELECTORS: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<VariationSelector>();
const IDEOGRAPHS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<UnifiedIdeograph>();
const EMOJI: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Emoji>();
const EMOJI_MODIFIERS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifier>();
const PICTOGRAPHS: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<ExtendedPictographic>();
const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();
const JOINING_TYPES: CodePointMapDataBorrowed<'static, JoiningType> = CodePointMapData::new();
const COMBINING_CLASSES: CodePointMapDataBorrowed<'static, CanonicalCombiningClass> =
    CodePointMapData::new();

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// Returns `true` for a character that cannot be seen on its own: one that Unicode lets programs
/// ignore, such as a space without width or a change of the writing direction, any other format
/// character, and one of private use or without a meaning. Control characters are another matter.
#[must_use]
pub(super) fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    match CATEGORIES.get(c) {
        GeneralCategory::PrivateUse | GeneralCategory::Unassigned => true,
        GeneralCategory::Format => !VISIBLE_FORMATS.contains(c),
        _ => IGNORABLE.contains(c),
    }
}

/// Returns the characters of a text that have no visible effect where they stand, with their byte
/// indexes. Not among them are joiners that a script needs (RFC 5892, appendix A), those within an
/// emoji, and selectors of a variant that is another picture.
pub fn invisible_characters(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|(at, c)| {
        is_unseen(*c) && {
            let before = text.get(..*at).unwrap_or_default();
            let after = text.get(at + c.len_utf8()..).unwrap_or_default();
            !has_effect(*c, before, after)
        }
    })
}

fn has_effect(c: char, before: &str, after: &str) -> bool {
    let previous = before.chars().next_back();
    match c {
        JOINER => is_after_virama(previous) || joins_emoji(before, after),
        NON_JOINER => is_after_virama(previous) || separates_joined(before, after),
        _ if VARIATION_SELECTORS.contains(c) => {
            previous.is_some_and(|previous| is_variant(c, previous, after))
        }
        _ => false,
    }
}

fn is_after_virama(previous: Option<char>) -> bool {
    previous.is_some_and(|c| COMBINING_CLASSES.get(c) == CanonicalCombiningClass::Virama)
}

/// Returns `true` between letters that would be joined otherwise.
fn separates_joined(before: &str, after: &str) -> bool {
    let joining = |c: char| JOINING_TYPES.get(c);
    let is_not_transparent = |joining: &JoiningType| *joining != JoiningType::Transparent;
    let left = before.chars().rev().map(joining).find(is_not_transparent);
    let right = after.chars().map(joining).find(is_not_transparent);
    matches!(
        left,
        Some(JoiningType::LeftJoining | JoiningType::DualJoining)
    ) && matches!(
        right,
        Some(JoiningType::RightJoining | JoiningType::DualJoining)
    )
}

/// Returns `true` between the pictures of one emoji.
fn joins_emoji(before: &str, after: &str) -> bool {
    let is_addition = |c: &char| *c == EMOJI_STYLE || EMOJI_MODIFIERS.contains(*c);
    let base = before.chars().rev().find(|c| !is_addition(c));
    let is_picture = |c: Option<char>| c.is_some_and(|c| PICTOGRAPHS.contains(c));
    is_picture(base) && is_picture(after.chars().next())
}

/// Returns `true` if the character before a variation selector has variants.
fn is_variant(selector: char, previous: char, after: &str) -> bool {
    match selector {
        TEXT_STYLE | EMOJI_STYLE if previous.is_ascii() => after.starts_with(KEYCAP),
        TEXT_STYLE | EMOJI_STYLE if EMOJI.contains(previous) => true,
        _ => IDEOGRAPHS.contains(previous) || SCRIPTS.get(previous) == Script::Mongolian,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [char; 0] = [];

    fn invisible(text: &str) -> Vec<char> {
        invisible_characters(text).map(|(_, c)| c).collect()
    }

    #[test]
    fn characters_without_a_picture_are_invisible() {
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e0100}',
            // Private use, unassigned, no character.
            '\u{e000}',
            '\u{f8ff}',
            '\u{10fffd}',
            '\u{378}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{2fe0}',
        ] {
            for text in [
                format!("a{c}b"),
                format!("{c}b"),
                format!("a{c}"),
                c.to_string(),
            ] {
                assert_eq!(invisible(&text), [c], "U+{:04X}", u32::from(c));
            }
        }
    }

    #[test]
    fn other_characters_are_visible() {
        for text in [
            "John O'Neil",
            "José",
            "e\u{301}",
            "Ольга",
            "محمد",
            "नमस्ते",
            "李雷",
            "한국",
            "a\u{a0}b",
            "\u{600}\u{661}", // a sign before a number
            "😀",
            "",
        ] {
            assert_eq!(invisible(text), NONE, "{text:?}");
        }
    }

    #[test]
    fn joiners_stay_where_a_script_needs_them() {
        for needed in [
            "می\u{200c}خواهم",
            "نامه\u{200c}ای",
            "بي\u{64b}\u{200c}\u{64b}ب",
            "क्\u{200d}ष",
            "क्\u{200c}ष",
            "ශ්\u{200d}රී",
            "👨\u{200d}👩\u{200d}👧",
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
        ] {
            assert_eq!(invisible(needed), NONE, "{needed}");
        }
        for idle in [
            "An\u{200c}na",
            "An\u{200d}na",
            "رضا\u{200c}پور", // the letter before it joins nothing
            "می\u{200c}",
            "می\u{200c} خواهم",
            "क\u{200d}ष",
            "👨\u{200d}a",
            "😀\u{200c}😀",
        ] {
            assert_eq!(invisible(idle).len(), 1, "{idle}");
        }
    }

    #[test]
    fn selectors_stay_where_they_select_another_picture() {
        for needed in [
            "葛\u{e0100}城",
            "❤\u{fe0f}",
            "☺\u{fe0e}",
            "1\u{fe0f}\u{20e3}",
            "ᠠ\u{180b}",
        ] {
            assert_eq!(invisible(needed), NONE, "{needed}");
        }
        for idle in [
            "a\u{fe0f}",
            "1\u{fe0f}",
            "é\u{e0100}",
            "李\u{e0100}\u{e0100}",
            "\u{fe0f}❤",
            "a\u{180b}",
        ] {
            assert_eq!(invisible(idle).len(), 1, "{idle}");
        }
    }
}
