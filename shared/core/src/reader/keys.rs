//! Keys of records that are not mapped as they are written: their values, where they have a slot, and
//! a note of their first use.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::json::Json;
use crate::rules::{KeyMatch, KeyTarget, LevelId, Rules};

/// Maximum keys that a text is known to use.
const MAX_FOUND_KEYS: usize = 50;
/// Maximum keys of one part of a text. Those that other parts have used before may be among them.
const MAX_NOTED_KEYS: usize = 2 * MAX_FOUND_KEYS;
/// Maximum characters of a key that are kept; what follows does not matter in a message.
const MAX_KEY_CHARS: usize = 256;

/// A key that a task does not map, or maps in another spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundKey {
    /// Number of the first record that has it, from 1.
    pub record: u64,
    /// The key as it is written there; a JSON Pointer if it is a key within a value.
    pub key: String,
    /// Slot of its value, if it is mapped in another spelling.
    pub slot: Option<usize>,
    /// True if its value, or a value within it, is imported.
    pub is_mapped: bool,
    /// The slots that the record has a value for, as bits.
    present: u64,
}

impl FoundKey {
    /// Returns `true` if the record has a value for a slot.
    #[must_use]
    pub fn is_beside(&self, slot: usize) -> bool {
        u32::try_from(slot).is_ok_and(|slot| self.present.checked_shr(slot).unwrap_or(0) & 1 == 1)
    }
}

/// The first keys of a text that are not mapped exactly, in the order of their first use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundKeys {
    /// The keys, at most 50.
    pub keys: Vec<FoundKey>,
    /// True if there are more.
    pub more: bool,
    known: HashSet<String>,
}

impl FoundKeys {
    /// Adds the keys of the next part of the text, which begins behind `before` records.
    pub(super) fn add(&mut self, before: u64, noted: Vec<FoundKey>) {
        for key in noted {
            if self.known.contains(&key.key) {
                continue;
            }
            if self.keys.len() >= MAX_FOUND_KEYS {
                self.more = true;
                return;
            }
            self.known.insert(key.key.clone());
            self.keys.push(FoundKey {
                record: before + key.record,
                ..key
            });
        }
    }
}

/// The keys of one part of a text, in the order of their first use.
#[derive(Debug, Default)]
pub(super) struct KeyLog {
    noted: Vec<FoundKey>,
    names: HashSet<(LevelId, Box<str>)>,
    /// Keys noted before the current record.
    finished: usize,
}

impl KeyLog {
    /// Notes a key of the record with this index, unless it has been noted.
    pub(super) fn note(
        &mut self,
        rules: &Rules,
        index: u32,
        level: LevelId,
        key: &str,
        target: KeyTarget,
    ) {
        let is_exact = match (target.slot, target.level) {
            (Some((_, found)), _) | (None, Some((_, found))) => found == KeyMatch::Exact,
            (None, None) => false,
        };
        if is_exact
            || self.noted.len() >= MAX_NOTED_KEYS
            || !self.names.insert((level, shortened(key).into()))
        {
            return;
        }
        self.note_new(rules, index, level, key, target);
    }

    /// Notes a key that is known to be new in this part of the text.
    pub(super) fn note_new(
        &mut self,
        rules: &Rules,
        index: u32,
        level: LevelId,
        key: &str,
        target: KeyTarget,
    ) {
        if target.reserved || self.noted.len() >= MAX_NOTED_KEYS {
            return;
        }
        self.noted.push(FoundKey {
            record: u64::from(index) + 1,
            key: rules.key_name(level, shortened(key)),
            slot: target.slot.map(|(slot, _)| slot),
            is_mapped: !target.is_unmapped(),
            present: 0,
        });
    }

    /// Ends a record with these values.
    pub(super) fn end_record(&mut self, slots: &[Json<'_>]) {
        let new = self.noted.get_mut(self.finished..).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        let is_present = |(slot, json): (usize, &Json<'_>)| {
            u64::from(!matches!(json, Json::Absent)) << slot.min(63)
        };
        let present = slots.iter().enumerate().map(is_present);
        let present = present.fold(0, |all, bit| all | bit);
        for key in new {
            key.present = present;
        }
        self.finished = self.noted.len();
    }

    /// Returns the noted keys and forgets them.
    pub(super) fn take(&mut self) -> Vec<FoundKey> {
        self.names.clear();
        self.finished = 0;
        std::mem::take(&mut self.noted)
    }
}

/// Returns the part of a key that is kept.
fn shortened(key: &str) -> &str {
    let end = key.char_indices().nth(MAX_KEY_CHARS);
    end.map_or(key, |(end, _)| key.get(..end).unwrap_or(key))
}

/// A JSON value that can be looked into.
pub(super) trait Nested<'t>: Copy {
    /// Returns `true` for an array, whose items have no keys of their own.
    fn is_array(self) -> bool;

    /// Returns `true` for a text, a number or a boolean, into which no pointer leads.
    fn is_scalar(self) -> bool;

    /// Passes on the members of an object, or the items of an array with their indexes as keys.
    fn each(self, pass: impl FnMut(Cow<'t, str>, Self));
}

/// Returns what a key means with this value: on the way of a pointer, a text is imported as little as that
/// of an unmapped key.
pub(super) fn reached<'t>(target: KeyTarget, value: impl Nested<'t>) -> KeyTarget {
    if target.level.is_some() && value.is_scalar() {
        KeyTarget {
            level: None,
            ..target
        }
    } else {
        target
    }
}

/// Values of a record under keys that are not mapped as they are written.
pub(super) struct OtherValues<V> {
    values: Vec<(Rank, usize, V)>,
}

/// Order in which keys of one record have a slot: behind the exact key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Pointer,
    OtherSpelling,
}

impl<V> Default for OtherValues<V> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<'t, V: Nested<'t>> OtherValues<V> {
    /// Adds the value of a key of the record. Returns the slot that has it in any case: that of a key
    /// which is written as it is mapped.
    pub(super) fn add(
        &mut self,
        rules: &Rules,
        log: &mut KeyLog,
        index: u32,
        target: KeyTarget,
        value: V,
    ) -> Option<usize> {
        let mut path = Path { rules, log, index };
        match target.slot {
            Some((slot, KeyMatch::Exact)) => {
                let below = KeyTarget {
                    slot: None,
                    ..target
                };
                self.add_target(&mut path, below, value, Rank::Pointer);
                Some(slot)
            }
            _ => {
                self.add_target(&mut path, target, value, Rank::Pointer);
                None
            }
        }
    }

    fn add_target(&mut self, path: &mut Path<'_>, target: KeyTarget, value: V, rank: Rank) {
        let rank_of = |found| match (rank, found) {
            (Rank::Pointer, KeyMatch::Exact) => Rank::Pointer,
            _ => Rank::OtherSpelling,
        };
        if let Some((slot, found)) = target.slot {
            self.values.push((rank_of(found), slot, value));
        }
        if let Some((level, found)) = target.level {
            let rank = rank_of(found);
            let has_keys = !value.is_array();
            value.each(|key, value| {
                let target = path.rules.target(level, &key);
                if has_keys {
                    let noted = reached(target, value);
                    path.log.note(path.rules, path.index, level, &key, noted);
                }
                self.add_target(path, target, value, rank);
            });
        }
    }

    /// Ends the record: passes each value to `fill`, which takes those of empty slots. Of several for
    /// one slot, the last comes first, and pointers come before other spellings.
    pub(super) fn end_record(&mut self, mut fill: impl FnMut(usize, V)) {
        for rank in [Rank::Pointer, Rank::OtherSpelling] {
            let ranked = self.values.iter().rev().filter(|(it, _, _)| *it == rank);
            for (_, slot, value) in ranked {
                fill(*slot, *value);
            }
        }
        self.values.clear();
    }
}

struct Path<'p> {
    rules: &'p Rules,
    log: &'p mut KeyLog,
    index: u32,
}
