//! Forms of values that a task adds to those that are always read.

use std::borrow::Cow;
use std::collections::HashSet;

use phonenumber::{Mode, country};

use super::date_pattern::DatePattern;
use crate::text::folded;

/// Forms of values that a task adds to those that are always read.
#[derive(Debug, Clone, Default)]
pub struct TaskFormats {
    /// Patterns of dates, in place of those that are always read.
    pub dates: Vec<DatePattern>,
    /// Texts that count as empty.
    pub empty: HashSet<String>,
    /// Folded words for true and for false.
    pub words: Vec<(String, bool)>,
    /// Country of phone numbers without a country code.
    pub phone_country: Option<country::Id>,
    /// Texts within user names, and what replaces them.
    pub username_replacements: Vec<(String, String)>,
}

impl TaskFormats {
    /// Returns `true` if a trimmed text counts as empty.
    #[must_use]
    pub fn is_empty(&self, text: &str) -> bool {
        text.is_empty() || (!self.empty.is_empty() && self.empty.contains(text))
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

    /// Returns the international form of a phone number that is written in digits only.
    pub(super) fn international(&self, digits: &str) -> Option<String> {
        let country = self.phone_country?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = phonenumber::parse(Some(country), digits).ok()?;
        number
            .is_valid()
            .then(|| number.format().mode(Mode::E164).to_string())
    }

    /// Returns a user name with the replacements of the task.
    #[must_use]
    pub fn username<'t>(&self, sent: &'t str) -> Cow<'t, str> {
        let mut username = Cow::Borrowed(sent);
        for (find, replace) in &self.username_replacements {
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
