//! Forms of values that a task adds to those that are always read.

use std::borrow::Cow;
use std::collections::HashSet;

use super::date_pattern::DatePattern;
use super::national_phone::NationalPhones;
use crate::text::folded;

/// Maximum bytes of a user name in which texts are replaced.
const MAX_REPLACED_BYTES: usize = 2_048;

/// Forms of values that a task adds to those that are always read.
#[derive(Debug, Clone, Default)]
pub struct TaskFormats {
    /// Patterns of dates, in place of those that are always read.
    pub dates: Vec<DatePattern>,
    /// Texts that count as empty.
    pub empty: HashSet<String>,
    /// Folded words for true and for false.
    pub words: Vec<(String, bool)>,
    /// Phone numbers without a country code.
    pub national_phones: Option<NationalPhones>,
    /// Texts within user names, and what replaces them.
    pub username_replacements: Vec<(String, String)>,
}

impl TaskFormats {
    /// Returns `true` if a trimmed text counts as empty.
    #[must_use]
    pub fn is_empty(&self, text: &str) -> bool {
        text.is_empty() || self.is_empty_word(text)
    }

    /// Returns `true` if a trimmed text is one of the task's words for an empty one.
    #[must_use]
    pub fn is_empty_word(&self, text: &str) -> bool {
        !self.empty.is_empty() && self.empty.contains(text)
    }

    /// Returns what a word of the task means.
    pub(super) fn flag(&self, word: &str) -> Option<bool> {
        if self.words.is_empty() {
            return None;
        }
        let word = folded(word);
        let found = self.words.iter().find(|(other, _)| *other == word);
        found.map(|(_, value)| *value)
    }

    /// Returns a user name with the replacements of the task. One that is far too long stays so.
    #[must_use]
    pub fn username<'t>(&self, sent: &'t str) -> Cow<'t, str> {
        let mut username = Cow::Borrowed(sent);
        for (find, replace) in &self.username_replacements {
            // Replacements can make a text longer, one after the other.
            if username.len() > MAX_REPLACED_BYTES {
                break;
            }
            if username.contains(&**find) {
                username = Cow::Owned(username.replace(&**find, replace));
            }
        }
        username
    }

    /// Returns `true` unless texts mean what they say: none of them is empty or replaced.
    #[must_use]
    pub fn changes_texts(&self) -> bool {
        !self.empty.is_empty() || !self.username_replacements.is_empty()
    }
}
