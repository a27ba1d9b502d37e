//! What an import works on: the changes of every record that is about a user, in record order.

use std::collections::HashMap;
use std::io::Read;

use super::spool::{Repeats, numbers};
use super::{Refused, Subject, duplicate, subject};
use crate::item::Item;
use crate::login::Login;
use crate::reader::dedup::{Dedup, Entry, HashKey};
use crate::reader::{Harvest, ReadError, Sizes, read_array};
use crate::rules::Rules;
use crate::run::Counts;
use crate::validate::{Changes, Element, item, read_changes};

/// A record that is about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserChange {
    /// Its number in the input, from 1.
    pub record: u64,
    /// The user.
    pub login: Login<'static>,
    /// What it changes.
    pub changes: Changes<'static>,
    /// The first record of the input that sets the same external id, if it is known that an
    /// earlier one does; see [`super::Repeats`].
    pub external_id_taken_by: Option<u64>,
}

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// What is counted already: all records, and the empty, duplicated and ignored ones.
    pub counts: Counts,
    /// The records that go on to the directory, in order, no login twice.
    pub changes: Vec<UserChange>,
    /// What is wrong so far, in record order.
    pub items: Vec<Item>,
}

/// Reads a whole input. `key` is random and secret: nobody can choose logins that collide.
///
/// # Errors
/// [`ReadError`]: the input is not a JSON array; nothing of it may be applied then.
pub fn collect(
    input: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
) -> Result<Collected, ReadError> {
    let mut seen = Seen::default();
    let gather = Gather {
        rules,
        key: Some(key),
    };
    let totals = read_array(input, rules, sizes, &gather, |first, crop| {
        seen.add(first, crop)
    })?;
    let repeats = Repeats {
        logins: numbers(&seen.logins.repeated(|_| false)),
        external_ids: Vec::new(),
    };
    Ok(seen.finish(rules, totals.records, &repeats))
}

pub(super) struct Gather<'r> {
    pub(super) rules: &'r Rules,
    /// `None`: which logins are repeated is known already.
    pub(super) key: Option<&'r HashKey>,
}

#[derive(Default)]
pub(super) struct Seen {
    /// Records of the input before those that are read.
    before: u64,
    logins: Dedup,
    /// In order.
    records: Vec<Record>,
}

pub(super) struct Record {
    index: u32,
    canon: Option<Entry>,
    outcome: Outcome,
    items: Vec<Item>,
}

enum Outcome {
    User(Login<'static>, Changes<'static>),
    Refused(Refused),
}

impl Harvest for Gather<'_> {
    type Crop = Vec<Record>;

    fn start(&self, _text: &[u8]) -> Self::Crop {
        Vec::new()
    }

    fn gather(&self, crop: &mut Self::Crop, index: u32, element: Element<'_>) {
        // Numbers are within the chunk here; `Seen::add` makes them those of the input.
        let number = u64::from(index) + 1;
        let record = match subject(self.rules, number, &element) {
            Subject::User(login) => {
                let mut items = Vec::new();
                let mut changes = Changes::default();
                if let Element::Object(slots) = element {
                    read_changes(self.rules, slots, &mut changes, |attribute, problem| {
                        let login = Some(login.shown().to_owned());
                        items.push(item(self.rules, number, login, Some(attribute), problem));
                    });
                }
                Record {
                    index,
                    canon: self.key.map(|key| Entry::new(key, login.canon(), index)),
                    outcome: Outcome::User(login.into_owned(), changes.to_static()),
                    items,
                }
            }
            Subject::Refused { kind, canon, item } => Record {
                index,
                canon: self
                    .key
                    .zip(canon)
                    .map(|(key, canon)| Entry::new(key, &canon, index)),
                outcome: Outcome::Refused(kind),
                items: vec![item],
            },
        };
        crop.push(record);
    }
}

impl Seen {
    /// What is read has so many records of the input before it.
    pub(super) fn behind(before: u64) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, first: u64, crop: Vec<Record>) {
        for mut record in crop {
            // The reader refuses inputs with more records than a u32 counts.
            let base = u32::try_from(first).unwrap_or(u32::MAX);
            record.index += base;
            for item in &mut record.items {
                item.record = item.record.map(|number| number + first + self.before);
            }
            self.logins
                .extend(record.canon.map(|canon| canon.later(base)));
            self.records.push(record);
        }
    }

    pub(super) fn finish(self, rules: &Rules, total: u64, repeats: &Repeats) -> Collected {
        let repeated: HashMap<u64, u64> = repeats.logins.iter().copied().collect();
        let taken: HashMap<u64, u64> = repeats.external_ids.iter().copied().collect();
        let mut collected = Collected::default();
        collected.counts.total = total;
        for record in self.records {
            let number = self.before + u64::from(record.index) + 1;
            if let Some(first) = repeated.get(&number) {
                collected.counts.duplicated += 1;
                let login = match &record.outcome {
                    Outcome::User(login, _) => Some(login.shown().to_owned()),
                    Outcome::Refused(_) => record.items.into_iter().find_map(|item| item.login),
                };
                collected
                    .items
                    .push(duplicate(rules, number, *first, login));
                continue;
            }
            collected.items.extend(record.items);
            match record.outcome {
                Outcome::User(login, changes) => collected.changes.push(UserChange {
                    record: number,
                    login,
                    changes,
                    external_id_taken_by: taken.get(&number).copied(),
                }),
                Outcome::Refused(Refused::Empty) => collected.counts.empty += 1,
                Outcome::Refused(Refused::Ignored) => collected.counts.ignored += 1,
            }
        }
        collected
    }
}
