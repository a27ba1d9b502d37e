//! A character of a text as messages name it.

use std::fmt;

use super::visible::{is_graphic, visible};

/// Maximum characters of the text that a message repeats.
const MAX_CONTEXT_CHARS: usize = 16;

/// A character and its place in a text: `U+200B after "Z1"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    character: char,
    /// The end of the text before it.
    before: String,
}

impl Place {
    /// Returns the place of the character at a byte index; `None` if no character starts there.
    #[must_use]
    pub fn of(text: &str, at: usize) -> Option<Self> {
        let (before, rest) = text.split_at_checked(at)?;
        let context = before.char_indices().rev().take(MAX_CONTEXT_CHARS).last();
        let start = context.map_or(at, |(start, _)| start);
        let shortened = if start > 0 { "…" } else { "" };
        let context = visible(before.get(start..)?, MAX_CONTEXT_CHARS);
        Some(Self {
            character: rest.chars().next()?,
            before: format!("{shortened}{context}"),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.character))?;
        if is_graphic(self.character) {
            write!(f, " ({})", self.character)?;
        }
        if self.before.is_empty() {
            f.write_str(" at the beginning")
        } else {
            write!(f, " after \"{}\"", self.before)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, character: char) -> String {
        let at = text.find(character).unwrap();
        Place::of(text, at).unwrap().to_string()
    }

    #[test]
    fn a_place_names_the_character_and_what_is_before_it() {
        assert_eq!(place("Z1\u{200b}2", '\u{200b}'), "U+200B after \"Z1\"");
        assert_eq!(place("\u{202e}Z1", '\u{202e}'), "U+202E at the beginning");
        assert_eq!(place("a/b", '/'), "U+002F (/) after \"a\"");
        assert_eq!(place("a b", ' '), "U+0020 after \"a\"");
        assert_eq!(
            place("e\u{301}\u{e0001}", '\u{e0001}'),
            "U+E0001 after \"e\u{301}\""
        );
    }

    #[test]
    fn a_letter_that_nobody_sees_is_not_shown() {
        assert_eq!(place("a\u{3164}", '\u{3164}'), "U+3164 after \"a\"");
        assert_eq!(place("\u{3164}|", '|'), "U+007C (|) after \"\\u{3164}\"");
    }

    #[test]
    fn a_place_repeats_16_characters_at_most_and_escapes_those_that_nobody_sees() {
        let long = format!("{}\0", "é".repeat(17));
        let expected = format!("U+0000 after \"…{}\"", "é".repeat(16));
        assert_eq!(place(&long, '\0'), expected);
        let long = format!("{}\0", "é".repeat(16));
        assert_eq!(
            place(&long, '\0'),
            format!("U+0000 after \"{}\"", "é".repeat(16))
        );
        assert_eq!(
            place("a\u{202e}\n|", '|'),
            "U+007C (|) after \"a\\u{202e}\\n\""
        );
        assert_eq!(Place::of("é", 1), None);
        assert_eq!(Place::of("a", 1), None);
    }
}
