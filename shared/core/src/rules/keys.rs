//! The keys of records: which of them a task maps, exactly, in another spelling, or by a JSON Pointer
//! (contract.md#keys).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::attribute::Attribute;
use crate::json_pointer;
use crate::settings::{REJECTED_ELEMENT_KEY, REJECTION_ERRORS_KEY};
use crate::text::folded;

/// How a key matches the one that a task maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyMatch {
    /// It is the same.
    Exact,
    /// It is the same but for case, spaces and invisible characters.
    Folded,
}

/// Meaning of a key of a record, or of an object within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct KeyTarget {
    /// The slot of its value.
    pub(crate) slot: Option<(usize, KeyMatch)>,
    /// The level of mapped keys within its value.
    pub(crate) level: Option<(LevelId, KeyMatch)>,
    /// True for the key of what the service adds to rejected records.
    pub(crate) reserved: bool,
}

impl KeyTarget {
    /// Returns `true` if nothing of the key's value is imported.
    pub(crate) const fn is_unmapped(self) -> bool {
        self.slot.is_none() && self.level.is_none()
    }

    /// Returns what both mean together; `None` if they mean two values, or two levels.
    fn merged(self, other: Self) -> Option<Self> {
        let is_clear = (self.slot.is_none() || other.slot.is_none())
            && (self.level.is_none() || other.level.is_none());
        is_clear.then(|| Self {
            slot: self.slot.or(other.slot),
            level: self.level.or(other.level),
            reserved: false,
        })
    }

    /// Returns the slot of a key that means nothing else.
    pub(crate) const fn plain_slot(self) -> Option<usize> {
        match (self.slot, self.level) {
            (Some((slot, KeyMatch::Exact)), None) => Some(slot),
            _ => None,
        }
    }
}

/// Index of a level of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LevelId(usize);

impl LevelId {
    /// The keys of the record itself.
    pub(crate) const RECORD: Self = Self(0);
}

/// The keys of a record, or of an object or an array within it.
#[derive(Debug, Clone, Default)]
struct Level {
    exact: HashMap<String, KeyTarget>,
    /// By [`folded`] key; `None` if several mapped keys have this form.
    folded: HashMap<String, Option<KeyTarget>>,
    /// JSON Pointer of this level.
    pointer: String,
}

/// All keys that a task maps.
#[derive(Debug, Clone)]
pub(super) struct Keys(Vec<Level>);

impl Keys {
    /// Builds the levels. `keys` are in the order of their slots.
    pub(super) fn new(keys: &[(Attribute, String)]) -> Self {
        let mut levels = Self(vec![Level::default()]);
        for (slot, (_, key)) in keys.iter().enumerate() {
            levels.add(LevelId::RECORD, key).slot = Some((slot, KeyMatch::Exact));
            if let Some(tokens) = json_pointer::tokens(key) {
                levels.add_pointer(slot, &tokens);
            }
        }
        // A task may have mapped these before they were reserved.
        let element = levels.add(LevelId::RECORD, REJECTED_ELEMENT_KEY);
        element.slot.get_or_insert((keys.len(), KeyMatch::Exact));
        for key in [REJECTED_ELEMENT_KEY, REJECTION_ERRORS_KEY] {
            levels.add(LevelId::RECORD, key).reserved = true;
        }
        for level in &mut levels.0 {
            level.fold();
        }
        levels
    }

    fn add(&mut self, level: LevelId, key: &str) -> &mut KeyTarget {
        if self.0.len() <= level.0 {
            self.0.resize_with(level.0 + 1, Level::default);
        }
        #[expect(clippy::indexing_slicing, reason = "the level has just been added")]
        let level = &mut self.0[level.0];
        level.exact.entry(key.to_owned()).or_default()
    }

    fn add_pointer(&mut self, slot: usize, tokens: &[String]) {
        let Some((last, parents)) = tokens.split_last() else {
            return;
        };
        let mut level = LevelId::RECORD;
        for token in parents {
            let next = LevelId(self.0.len());
            let pointer = self.pointer(level, token);
            let target = self.add(level, token);
            let (below, _) = *target.level.get_or_insert((next, KeyMatch::Exact));
            if below == next {
                self.0.push(Level {
                    pointer,
                    ..Level::default()
                });
            }
            level = below;
        }
        // Of a key and a pointer to it, the key has been first.
        let target = self.add(level, last);
        target.slot.get_or_insert((slot, KeyMatch::Exact));
    }

    /// Returns what a key means at a level.
    pub(super) fn target(&self, level: LevelId, key: &str) -> KeyTarget {
        let Some(level) = self.0.get(level.0) else {
            return KeyTarget::default();
        };
        let other_spelling = || {
            let same = level.folded.get(&folded(key));
            same.copied().flatten().unwrap_or_default()
        };
        match level.exact.get(key) {
            // The way of a pointer may be another spelling of a key.
            Some(target) if target.slot.is_none() && !target.reserved => KeyTarget {
                slot: other_spelling().slot,
                ..*target
            },
            Some(target) => *target,
            None => other_spelling(),
        }
    }

    /// Returns the name of a key: itself in a record, its JSON Pointer deeper.
    pub(super) fn name(&self, level: LevelId, key: &str) -> String {
        if level == LevelId::RECORD {
            key.to_owned()
        } else {
            self.pointer(level, key)
        }
    }

    fn pointer(&self, level: LevelId, key: &str) -> String {
        let parent = self.0.get(level.0).map_or("", |level| &level.pointer);
        let token = key.replace('~', "~0").replace('/', "~1");
        format!("{parent}/{token}")
    }
}

impl Level {
    /// Adds the folded forms of the keys but reserved ones.
    fn fold(&mut self) {
        for (key, target) in &self.exact {
            if target.reserved {
                continue;
            }
            let other_spelling = KeyTarget {
                slot: target.slot.map(|(slot, _)| (slot, KeyMatch::Folded)),
                level: target.level.map(|(level, _)| (level, KeyMatch::Folded)),
                reserved: false,
            };
            match self.folded.entry(folded(key)) {
                Entry::Vacant(entry) => {
                    entry.insert(Some(other_spelling));
                }
                Entry::Occupied(mut entry) => {
                    let both = entry.get().and_then(|one| one.merged(other_spelling));
                    entry.insert(both);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(mapped: &[&str]) -> Keys {
        let key = |key: &&str| (Attribute::Name, (*key).to_owned());
        Keys::new(&mapped.iter().map(key).collect::<Vec<_>>())
    }

    fn slot(keys: &Keys, key: &str) -> Option<(usize, KeyMatch)> {
        keys.target(LevelId::RECORD, key).slot
    }

    #[test]
    fn a_key_matches_exactly_or_in_another_spelling() {
        let keys = keys(&["Username", "E-mail", "Straße"]);
        assert_eq!(slot(&keys, "E-mail"), Some((1, KeyMatch::Exact)));
        for key in ["E-Mail", " e-mail", "E\u{200b}-mail ", "\u{feff}E-MAIL"] {
            assert_eq!(slot(&keys, key), Some((1, KeyMatch::Folded)), "{key:?}");
        }
        assert_eq!(slot(&keys, "STRASSE"), Some((2, KeyMatch::Folded)));
        for key in ["Email", "E mail", "", "_errors"] {
            assert_eq!(slot(&keys, key), None, "{key:?}");
        }
        assert!(keys.target(LevelId::RECORD, "_errors").reserved);
        assert!(!keys.target(LevelId::RECORD, "_Errors").reserved);
        assert_eq!(slot(&keys, "_element"), Some((3, KeyMatch::Exact)));
    }

    #[test]
    fn a_spelling_of_two_mapped_keys_is_none() {
        let keys = keys(&["u", "phone", "Phone"]);
        assert_eq!(slot(&keys, "phone"), Some((1, KeyMatch::Exact)));
        assert_eq!(slot(&keys, "Phone"), Some((2, KeyMatch::Exact)));
        assert_eq!(slot(&keys, "PHONE"), None);
    }

    #[test]
    fn the_way_of_a_pointer_may_be_another_spelling_of_a_key() {
        let keys = keys(&["u", "Name", "/name/first"]);
        for key in ["name", "NAME"] {
            let target = keys.target(LevelId::RECORD, key);
            assert_eq!(target.slot, Some((1, KeyMatch::Folded)), "{key}");
            assert!(target.level.is_some(), "{key}");
        }
        assert_eq!(keys.target(LevelId::RECORD, "Name").level, None);
        let other = super::tests::keys(&["u", "/name/first", "/Name/last"]);
        assert_eq!(other.target(LevelId::RECORD, "NAME"), KeyTarget::default());
    }

    #[test]
    fn a_pointer_leads_through_levels() {
        let keys = keys(&["u", "/contact/phone", "/contact/mail/0", "/a~1b/m~0n"]);
        let contact = keys.target(LevelId::RECORD, "contact");
        let (level, _) = contact.level.unwrap();
        assert_eq!(contact.slot, None);
        assert_eq!(keys.target(level, "phone").slot, Some((1, KeyMatch::Exact)));
        assert_eq!(
            keys.target(level, "Phone").slot,
            Some((1, KeyMatch::Folded))
        );
        assert_eq!(keys.name(level, "fax/2"), "/contact/fax~12");
        let (mail, _) = keys.target(level, "mail").level.unwrap();
        assert_eq!(keys.target(mail, "0").slot, Some((2, KeyMatch::Exact)));
        assert_eq!(keys.name(mail, "1"), "/contact/mail/1");
        let (escaped, _) = keys.target(LevelId::RECORD, "a/b").level.unwrap();
        assert_eq!(keys.target(escaped, "m~n").slot, Some((3, KeyMatch::Exact)));
        // The key that looks like a pointer.
        assert_eq!(slot(&keys, "/contact/phone"), Some((1, KeyMatch::Exact)));
    }
}
