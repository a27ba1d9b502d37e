//! Short texts as numbers, to be compared in a few instructions: keys and roles of a million
//! records are mostly the same few words.

/// A text of at most 24 bytes. Equal if and only if the texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShortText {
    length: usize,
    head: u64,
    middle: u64,
    tail: u64,
}

impl ShortText {
    /// `None` for a longer text.
    #[inline]
    pub(crate) fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let length = bytes.len();
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        // Where the text is shorter than its words, they overlap.
        let (head, middle, tail) = match length {
            8..=16 => (word(bytes.first_chunk()?), 0, word(bytes.last_chunk()?)),
            4..8 => (
                u32::from_le_bytes(*bytes.first_chunk()?).into(),
                0,
                u32::from_le_bytes(*bytes.last_chunk()?).into(),
            ),
            0..4 => (
                bytes
                    .iter()
                    .fold(0, |word, byte| word << 8 | u64::from(*byte)),
                0,
                0,
            ),
            17..=24 => (
                word(bytes.first_chunk()?),
                word(bytes.get(8..)?.first_chunk()?),
                word(bytes.last_chunk()?),
            ),
            _ => return None,
        };
        Some(Self {
            length,
            head,
            middle,
            tail,
        })
    }

    /// Whether `text` is the same.
    #[inline]
    pub(crate) fn is(&self, text: &str) -> bool {
        text.len() == self.length && Self::of(text).is_some_and(|text| text == *self)
    }

    /// Whether it is one of a few others. Looks at all of them: a branch for each would be guessed
    /// wrong more often than not.
    #[inline]
    pub(crate) fn is_in(self, others: &[Self]) -> bool {
        others.iter().fold(false, |found, other| {
            let difference = (self.length ^ other.length) as u64
                | (self.head ^ other.head)
                | (self.middle ^ other.middle)
                | (self.tail ^ other.tail);
            found | (difference == 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_equal_where_the_texts_are() {
        let texts = [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abc",
            "\0",
            "\0\0",
            "a\0",
            "abcd",
            "abcde",
            "abcdabcd",
            "abcdabc",
            "abcdabcdabcd",
            "abcdabcdabcdabcd",
            "bbcdabcdabcdabcd",
            "é",
            "abcdabcdabcdabce",
            "Individual Stores",
            "Individuel Stores",
            "Individual.Stores",
            "abcdabcdabcdabcdabcdabcd",
        ];
        for a in texts {
            for b in texts {
                if let Some(short) = ShortText::of(a) {
                    assert_eq!(short.is(b), a == b, "{a} {b}");
                }
            }
        }
        assert_eq!(ShortText::of("abcdabcdabcdabcdabcdabcde"), None);
    }

    #[test]
    fn a_short_text_is_found_among_others() {
        let words = ["catman", "store manager"].map(|word| ShortText::of(word).unwrap());
        assert!(words[0].is_in(&words) && words[1].is_in(&words));
        assert!(!ShortText::of("cashier").unwrap().is_in(&words));
        assert!(!words[0].is_in(&[]));
    }
}
