//! Short texts packed into integers, which compare in a few instructions: the keys and roles of a
//! million records are mostly the same few words.

/// A text of at most 24 bytes. Two values are equal if and only if the texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShortText {
    length: usize,
    head: u64,
    middle: u64,
    tail: u64,
}

impl ShortText {
    /// Packs a text; returns `None` if it is longer than 24 bytes.
    #[inline]
    pub(crate) fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let length = bytes.len();
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        // In texts shorter than the words together, the words overlap.
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

    /// Returns `true` if `text` is the same text.
    #[inline]
    pub(crate) fn is(&self, text: &str) -> bool {
        text.len() == self.length && Self::of(text).is_some_and(|text| text == *self)
    }

    /// Returns `true` if it equals one of a few others. It compares with all of them: a branch for
    /// each would be mispredicted more often than not.
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
    fn short_texts_are_equal_if_the_texts_are() {
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
    fn is_in_finds_an_equal_text() {
        let words = ["catman", "store manager"].map(|word| ShortText::of(word).unwrap());
        assert!(words[0].is_in(&words) && words[1].is_in(&words));
        assert!(!ShortText::of("cashier").unwrap().is_in(&words));
        assert!(!words[0].is_in(&[]));
    }
}
