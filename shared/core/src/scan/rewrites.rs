//! User names that the replacements of a task change: a note tells how many, and shows the first.

use crate::attribute::Attribute;
use crate::item::{Item, USERNAME_REWRITTEN, display_login};
use crate::json::Json;
use crate::rules::Rules;
use crate::validate::{Element, sent};

/// The changed user names of a part of an input.
#[derive(Debug, Default)]
pub(super) struct Rewrites {
    count: u64,
    /// The first: number of its record from 1, as sent, as read.
    first: Option<(u64, String, String)>,
}

impl Rewrites {
    /// Adds the record with this index, if its user name is changed.
    pub(super) fn add(&mut self, rules: &Rules, index: u32, element: &Element<'_>) {
        let Element::Object(slots) = element else {
            return;
        };
        if rules.formats().username_replacements.is_empty() {
            return;
        }
        if let Json::Text(username) = sent(rules, slots, Attribute::Username) {
            let read = rules.formats().username(username);
            if read != username {
                self.count += 1;
                self.first.get_or_insert_with(|| {
                    let number = u64::from(index) + 1;
                    (number, display_login(username), display_login(&read))
                });
            }
        }
    }

    /// Adds the next part, which begins behind `before` records.
    pub(super) fn extend(&mut self, before: u64, next: Self) {
        self.count += next.count;
        if self.first.is_none() {
            self.first = next
                .first
                .map(|(number, sent, read)| (before + number, sent, read));
        }
    }

    /// Returns the note on the whole input.
    pub(super) fn note(self, rules: &Rules) -> Option<Item> {
        let (record, sent, read) = self.first?;
        let count = self.count;
        let names = if count == 1 {
            "user name"
        } else {
            "user names"
        };
        Some(Item {
            value: Some(sent),
            ..Item::about_input(
                USERNAME_REWRITTEN,
                rules.key(Attribute::Username),
                format!(
                    "the task's replacements change {count} {names}: the first, in record {record}, is read as \
                 \"{read}\""
                ),
            )
        })
    }
}
