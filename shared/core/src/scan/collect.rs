//! The changes to import: those of every record with a valid user name, in record order.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::emails;
use super::first_pass::Repeats;
use super::keys::key_notes;
use super::managers::{Cycle, ManagerGraph, cycle_item, numbers_from_1};
use super::repeated::{RepeatedRecords, record_numbers};
use super::rewrites::Rewrites;
use super::subject::{SkipReason, Subject, duplicate_item, subject};
use crate::attribute::Attribute;
use crate::item::Item;
use crate::login::Login;
use crate::reader::dedup::{Dedup, HashKey, RecordKey};
use crate::reader::shared_values::{SharedValues, ValueHasher};
use crate::reader::{ReadError, RecordSink, Sizes, read_array};
use crate::rules::Rules;
use crate::run::Counts;
use crate::validate::{Changes, Element, item, read_changes, too_large};
use crate::value::{Value, shown};

/// A record with a valid user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserChange {
    /// Number of the record in the input, from 1.
    pub record: u64,
    /// The user name.
    pub login: Login<'static>,
    /// Its changes.
    pub changes: Changes<'static>,
    /// The first record of the input with the same external id, if an earlier one is known to have
    /// it; see [`super::Repeats`].
    pub external_id_taken_by: Option<u64>,
    /// True if no record of the input has the external id of the manager.
    pub manager_elsewhere: bool,
}

/// Result of reading an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// Counts so far: all records, and the empty, duplicated and ignored ones.
    pub counts: Counts,
    /// The records that go to the directory, in order, each login once.
    pub changes: Vec<UserChange>,
    /// Problems so far, in record order.
    pub items: Vec<Item>,
}

/// Reads a whole input. `key` must be random and secret, so that nobody can choose colliding
/// logins.
///
/// # Errors
/// Returns a [`ReadError`] if the input is not a JSON array; none of it may be applied then.
pub fn collect(
    input: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
) -> Result<Collected, ReadError> {
    let mut state = CollectState::default();
    let sink = CollectSink {
        rules,
        key: Some(key),
        hasher: Some(ValueHasher::new(key)),
    };
    let totals = read_array(input, rules, sizes, &sink, |first, batch| {
        state.add(first, batch)
    })?;
    let by_external_id = rules.identifies_by_external_id();
    let repeated =
        RepeatedRecords::find(by_external_id, &mut state.logins, &mut state.external_ids);
    let is_repeated = |record| repeated.is_duplicated(record);
    let managers = ManagerGraph::new(&mut state.external_ids, &mut state.managers, is_repeated);
    let repeats = Repeats {
        logins: record_numbers(&repeated.logins),
        // As in the first pass over a larger input: a run that is handed over goes on with that.
        external_ids: record_numbers(&repeated.external_ids),
        managers_elsewhere: numbers_from_1(&managers.elsewhere),
        cycles: managers
            .cycles
            .iter()
            .map(|members| Cycle::new(members))
            .collect(),
        too_large: Vec::new(),
        notes: key_notes(rules, &totals.keys)
            .into_iter()
            .chain(std::mem::take(&mut state.rewrites).note(rules))
            .chain(emails::note(rules, &state.emails, is_repeated))
            .chain(managers.more_note(rules))
            .collect(),
    };
    Ok(state.finish(rules, totals.records, &repeats))
}

pub(super) struct CollectSink<'r> {
    pub(super) rules: &'r Rules,
    /// `None` if the repeated logins are known already.
    pub(super) key: Option<&'r HashKey>,
    /// `None` if the shared e-mail addresses are known already.
    pub(super) hasher: Option<ValueHasher>,
}

#[derive(Default)]
pub(super) struct CollectState {
    /// Records of the input before those that are read here.
    before: u64,
    logins: Dedup,
    external_ids: Dedup,
    managers: Dedup,
    emails: SharedValues,
    rewrites: Rewrites,
    /// In record order.
    records: Vec<CollectedRecord>,
}

/// The records of a part of the input.
#[derive(Default)]
pub(super) struct CollectedBatch {
    records: Vec<CollectedRecord>,
    rewrites: Rewrites,
    emails: SharedValues,
}

struct CollectedRecord {
    index: u32,
    canon: Option<RecordKey>,
    external_id: Option<RecordKey>,
    manager: Option<RecordKey>,
    outcome: Outcome,
    items: Vec<Item>,
}

enum Outcome {
    User(Login<'static>, Changes<'static>),
    Skipped(SkipReason),
}

impl CollectedRecord {
    /// Returns the user name as items show it.
    fn login(self) -> Option<String> {
        match self.outcome {
            Outcome::User(login, _) => Some(login.shown().to_owned()),
            Outcome::Skipped(_) => self.items.into_iter().find_map(|item| item.login),
        }
    }
}

impl RecordSink for CollectSink<'_> {
    type Batch = CollectedBatch;

    fn start_batch(&self, _text: &[u8]) -> Self::Batch {
        CollectedBatch::default()
    }

    fn push(&self, batch: &mut Self::Batch, index: u32, element: Element<'_>) {
        // Numbers are relative to the chunk here; `CollectState::add` makes them absolute.
        let number = u64::from(index) + 1;
        batch.rewrites.add(self.rules, index, &element);
        let record = match subject(self.rules, number, &element) {
            Subject::User(login) => {
                let mut items = Vec::new();
                let mut changes = Changes::default();
                if let Element::Object(slots) = element {
                    read_changes(
                        self.rules,
                        slots,
                        &mut changes,
                        |attribute, json, problem| {
                            let login = Some(login.shown().to_owned());
                            let value = shown(attribute, json);
                            let item =
                                item(self.rules, number, login, Some(attribute), problem, value);
                            items.push(item);
                        },
                    );
                }
                if let Some(hasher) = &self.hasher
                    && let Some(Value::Text(email)) = changes.value(Attribute::Email)
                {
                    batch.emails.push(index, emails::hash(hasher, email));
                }
                CollectedRecord {
                    index,
                    canon: self
                        .key
                        .map(|key| RecordKey::new(key, login.canon(), index)),
                    external_id: self.text_key(&changes, Attribute::ExternalId, index),
                    manager: self.text_key(&changes, Attribute::ManagerUid, index),
                    outcome: Outcome::User(login.into_owned(), changes.to_static()),
                    items,
                }
            }
            Subject::Skipped {
                reason,
                canon,
                item,
            } => CollectedRecord {
                index,
                canon: self
                    .key
                    .zip(canon)
                    .map(|(key, canon)| RecordKey::new(key, &canon, index)),
                external_id: None,
                manager: None,
                outcome: Outcome::Skipped(reason),
                items: vec![item],
            },
        };
        batch.records.push(record);
    }
}

impl CollectSink<'_> {
    /// Returns the key of a text that a record sets.
    fn text_key(
        &self,
        changes: &Changes<'_>,
        attribute: Attribute,
        index: u32,
    ) -> Option<RecordKey> {
        match changes.value(attribute)? {
            Value::Text(text) => Some(RecordKey::new(self.key?, text, index)),
            _ => None,
        }
    }
}

impl CollectState {
    /// Returns the state of a part of the input that follows `before` records.
    pub(super) fn after_records(before: u64) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, first: u64, batch: CollectedBatch) {
        self.rewrites.extend(first, batch.rewrites);
        self.emails.extend(first, &batch.emails);
        for mut record in batch.records {
            // The reader refuses inputs with more records than a u32 counts.
            let base = u32::try_from(first).unwrap_or(u32::MAX);
            record.index += base;
            for item in &mut record.items {
                item.record = item.record.map(|number| number + first + self.before);
            }
            self.logins
                .extend(record.canon.map(|canon| canon.later(base)));
            self.external_ids
                .extend(record.external_id.map(|id| id.later(base)));
            self.managers
                .extend(record.manager.map(|manager| manager.later(base)));
            self.records.push(record);
        }
    }

    pub(super) fn finish(self, rules: &Rules, total: u64, repeats: &Repeats) -> Collected {
        let repeated: HashMap<u64, u64> = repeats.logins.iter().copied().collect();
        let taken: HashMap<u64, u64> = repeats.external_ids.iter().copied().collect();
        let by_external_id = rules.identifies_by_external_id();
        let elsewhere: HashSet<u64> = repeats.managers_elsewhere.iter().copied().collect();
        let cycles = repeats.cycles.iter();
        let cycles: HashMap<u64, &Cycle> = cycles
            .filter_map(|cycle| Some((*cycle.records.first()?, cycle)))
            .collect();
        let mut collected = Collected::default();
        collected.counts.total = total;
        collected.items.clone_from(&repeats.notes);
        for record in self.records {
            let number = self.before + u64::from(record.index) + 1;
            let duplicate = match (repeated.get(&number), taken.get(&number)) {
                (Some(first), _) => Some((Attribute::Username, *first)),
                (None, Some(first)) if by_external_id => Some((Attribute::ExternalId, *first)),
                _ => None,
            };
            if let Some((attribute, first)) = duplicate {
                collected.counts.duplicated += 1;
                let item = duplicate_item(rules, attribute, number, first, record.login());
                collected.items.push(item);
                continue;
            }
            if repeats.too_large.contains(&number) {
                collected.counts.ignored += 1;
                let item = item(rules, number, record.login(), None, too_large(), None);
                collected.items.push(item);
                continue;
            }
            collected.items.extend(record.items);
            match record.outcome {
                Outcome::User(login, changes) => {
                    let cycle = cycles
                        .get(&number)
                        .map(|members| cycle_item(rules, Some(login.shown().to_owned()), members));
                    collected.items.extend(cycle);
                    collected.changes.push(UserChange {
                        record: number,
                        login,
                        changes,
                        external_id_taken_by: taken.get(&number).copied(),
                        manager_elsewhere: elsewhere.contains(&number),
                    });
                }
                Outcome::Skipped(SkipReason::Empty) => collected.counts.empty += 1,
                Outcome::Skipped(SkipReason::Ignored) => collected.counts.ignored += 1,
            }
        }
        collected
    }
}
