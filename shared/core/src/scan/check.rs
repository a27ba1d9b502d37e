//! The check of files of any size: keeps only hashes, counts and the first warnings. The plan is
//! made against an empty directory.

use std::io::Read;

use super::fast_path::{FastPath, is_unescaped};
use super::first_items::FirstItems;
use super::keys::key_notes;
use super::managers::{Cycle, ManagerGraph, cycle_item};
use super::repeated::{RepeatedRecords, numbers};
use super::rewrites::Rewrites;
use super::subject::{SkipReason, Subject, external_id_taken, subject};
use crate::attribute::Attribute;
use crate::dialect::quant::NEW_USER;
use crate::item::Item;
use crate::login::canon;
use crate::plan::{Plan, plan};
use crate::reader::dedup::{Dedup, HashKey, RecordKey, RepeatedRecord};
use crate::reader::{
    ReadError, RecordSink, Sizes, Source, SourceError, Totals, read_array, read_source,
};
use crate::rules::Rules;
use crate::run::Counts;
use crate::settings::ExternalIdConflicts;
use crate::validate::{Changes, Element, item, read_changes, sent};
use crate::value::{Problem, Value, shown};

/// Predicted result of an import into an empty directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Predicted counts of the records.
    pub counts: Counts,
    /// Number of warnings.
    pub warnings: u64,
    /// The first warnings, in record order; at most the requested number.
    pub items: Vec<Item>,
    /// Notes on the input as a whole.
    pub notes: Vec<Item>,
    /// Bytes of the input.
    pub bytes: u64,
}

/// Checks a whole input. At most `max_items` warnings are kept; all are counted.
///
/// # Errors
/// Returns a [`ReadError`] if the input is not a JSON array.
pub fn check(
    input: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
    max_items: usize,
) -> Result<Checked, ReadError> {
    let sink = CheckSink::new(rules, key, max_items);
    let mut state = CheckState::new(rules, max_items);
    let totals = read_array(input, rules, sizes, &sink, |first, batch| {
        state.add(first, batch)
    })?;
    Ok(state.finish(rules, &totals))
}

/// Checks an input in any format and compression, as [`check()`] does an array.
///
/// # Errors
/// Returns a [`SourceError`] if the input cannot be read to its end.
pub fn check_source<R: Read + Send>(
    source: &mut Source<R>,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
    max_items: usize,
) -> Result<Checked, SourceError> {
    let sink = CheckSink::new(rules, key, max_items);
    let mut state = CheckState::new(rules, max_items);
    let totals = read_source(source, rules, sizes, &sink, |first, batch| {
        state.add(first, batch);
        Ok(())
    })?;
    Ok(state.finish(rules, &totals))
}

struct CheckSink<'r> {
    rules: &'r Rules,
    key: &'r HashKey,
    fast_path: FastPath<'r>,
    /// True if the external id says whom a record is about.
    by_external_id: bool,
    /// Maximum items of one chunk.
    max_items: usize,
}

/// State kept for the whole input.
struct CheckState {
    /// True if the external id says whom a record is about.
    by_external_id: bool,
    logins: Dedup,
    external_ids: Dedup,
    /// External ids of managers.
    managers: Dedup,
    flagged: Vec<RecordWarnings>,
    items: FirstItems,
    rewrites: Rewrites,
}

/// A record with warnings. All other records would be created.
struct RecordWarnings {
    record: u32,
    warnings: u32,
    skipped: Option<SkipReason>,
}

/// Typical bytes of a short record.
const TYPICAL_RECORD_BYTES: usize = 128;

#[derive(Default)]
struct CheckBatch {
    unescaped: bool,
    logins: Vec<RecordKey>,
    external_ids: Vec<RecordKey>,
    managers: Vec<RecordKey>,
    flagged: Vec<RecordWarnings>,
    items: Vec<Item>,
    rewrites: Rewrites,
    scratch: Changes<'static>,
}

impl RecordSink for CheckSink<'_> {
    type Batch = CheckBatch;

    fn start_batch(&self, text: &[u8]) -> CheckBatch {
        CheckBatch {
            unescaped: is_unescaped(text),
            logins: Vec::with_capacity(text.len() / TYPICAL_RECORD_BYTES),
            ..CheckBatch::default()
        }
    }

    fn push(&self, batch: &mut CheckBatch, index: u32, element: Element<'_>) {
        let user = self.fast_path.match_user(&element, batch.unescaped);
        if let Some(user) = user.filter(|user| !self.by_external_id || user.external_id.is_some()) {
            batch
                .logins
                .push(RecordKey::new(self.key, &canon(user.login), index));
            if let Some(id) = user.external_id {
                batch.external_ids.push(RecordKey::new(self.key, id, index));
            }
            return;
        }
        self.validate_and_push(batch, index, element);
    }
}

impl<'r> CheckSink<'r> {
    fn new(rules: &'r Rules, key: &'r HashKey, max_items: usize) -> Self {
        Self {
            rules,
            key,
            fast_path: FastPath::new(rules),
            by_external_id: rules.identifies_by_external_id(),
            max_items: FirstItems::of_one_chunk(max_items),
        }
    }

    fn validate_and_push(&self, batch: &mut CheckBatch, index: u32, element: Element<'_>) {
        let number = u64::from(index) + 1;
        batch.rewrites.add(self.rules, index, &element);
        let login = match subject(self.rules, number, &element) {
            Subject::User(login) => login,
            Subject::Skipped {
                reason,
                canon,
                item,
            } => {
                if let Some(canon) = canon {
                    batch.logins.push(RecordKey::new(self.key, &canon, index));
                }
                push_item(self.max_items, &mut batch.items, || item);
                batch.flagged.push(RecordWarnings {
                    record: index,
                    warnings: 1,
                    skipped: Some(reason),
                });
                return;
            }
        };
        batch
            .logins
            .push(RecordKey::new(self.key, login.canon(), index));
        let Element::Object(slots) = element else {
            return;
        };
        let mut warnings = 0;
        let mut changes = std::mem::take(&mut batch.scratch).recycle();
        let items = &mut batch.items;
        let mut report = |attribute: Option<Attribute>, problem: Problem| {
            warnings += 1;
            push_item(self.max_items, items, || {
                let login = Some(login.shown().to_owned());
                let value = attribute
                    .and_then(|attribute| shown(attribute, sent(self.rules, slots, attribute)));
                item(self.rules, number, login, attribute, problem, value)
            });
        };
        read_changes(self.rules, slots, &mut changes, |attribute, _, problem| {
            report(Some(attribute), problem);
        });
        // Nothing is stored, so the tenant does not matter.
        let skipped = match plan(&changes, None, "", NEW_USER, self.rules.person()) {
            Plan::Create | Plan::Update(_) | Plan::Unchanged => None,
            Plan::Ignored(refusals) => {
                for refusal in refusals {
                    report(refusal.attribute, refusal.problem);
                }
                Some(SkipReason::Ignored)
            }
        };
        if let Some(Value::Text(id)) = changes.value(Attribute::ExternalId) {
            batch.external_ids.push(RecordKey::new(self.key, id, index));
        }
        if let Some(Value::Text(id)) = changes.value(Attribute::ManagerUid) {
            batch.managers.push(RecordKey::new(self.key, id, index));
        }
        if warnings > 0 {
            batch.flagged.push(RecordWarnings {
                record: index,
                warnings,
                skipped,
            });
        }
        batch.scratch = changes.recycle();
    }
}

impl CheckState {
    fn new(rules: &Rules, max_items: usize) -> Self {
        Self {
            by_external_id: rules.identifies_by_external_id(),
            logins: Dedup::default(),
            external_ids: Dedup::default(),
            managers: Dedup::default(),
            flagged: Vec::new(),
            items: FirstItems::new(max_items),
            rewrites: Rewrites::default(),
        }
    }

    fn add(&mut self, first: u64, batch: CheckBatch) {
        // The reader refuses inputs with more records than a u32 counts.
        let base = u32::try_from(first).unwrap_or(u32::MAX);
        let later = |key: RecordKey| key.later(base);
        self.rewrites.extend(first, batch.rewrites);
        self.logins.extend(batch.logins.into_iter().map(later));
        self.external_ids
            .extend(batch.external_ids.into_iter().map(later));
        self.managers.extend(batch.managers.into_iter().map(later));
        self.flagged
            .extend(batch.flagged.into_iter().map(|mut record| {
                record.record += base;
                record
            }));
        let mut items = batch.items;
        for item in &mut items {
            item.record = item.record.map(|number| number + first);
        }
        self.items.add(items, || {
            // Where external ids are no reason to drop items, they need not be compared yet.
            let mut none = Dedup::default();
            let external_ids = match self.by_external_id {
                true => &mut self.external_ids,
                false => &mut none,
            };
            let repeated =
                RepeatedRecords::find(self.by_external_id, &mut self.logins, external_ids);
            move |item: &Item| repeated.has_item(item)
        });
    }

    fn finish(mut self, rules: &Rules, totals: &Totals) -> Checked {
        let repeated = RepeatedRecords::find(
            self.by_external_id,
            &mut self.logins,
            &mut self.external_ids,
        );
        let is_repeated = |record: u32| repeated.is_duplicated(record);
        // A repeated record is counted only as repeated.
        let flagged: Vec<RecordWarnings> = self
            .flagged
            .into_iter()
            .filter(|entry| !is_repeated(entry.record))
            .collect();
        let skipped = |record: u32| {
            flagged
                .binary_search_by_key(&record, |entry| entry.record)
                .ok()
                .and_then(|index| flagged.get(index))
                .and_then(|entry| entry.skipped)
        };
        // Of those that would be imported.
        let taken: Vec<RepeatedRecord> = repeated
            .external_ids
            .iter()
            .filter(|entry| !is_repeated(entry.record) && skipped(entry.record).is_none())
            .copied()
            .collect();

        let mut counts = Counts {
            total: totals.records,
            duplicated: repeated.duplicated(),
            ..Counts::default()
        };
        let managers = ManagerGraph::new(&mut self.external_ids, &mut self.managers, is_repeated);
        let mut warnings = repeated.duplicated() + (taken.len() + managers.cycles.len()) as u64;
        for entry in &flagged {
            warnings += u64::from(entry.warnings);
            match entry.skipped {
                Some(SkipReason::Empty) => counts.empty += 1,
                Some(SkipReason::Ignored) => counts.ignored += 1,
                None => {}
            }
        }
        // Within an input, the first record with an external id gets it.
        if rules.person().conflicts == ExternalIdConflicts::Ignore {
            counts.ignored += taken.len() as u64;
        }
        counts.created = counts.total - counts.empty - counts.ignored - counts.duplicated;

        let cross_record = cross_record_items(rules, &repeated, &taken, &managers);
        let items = self
            .items
            .finish(cross_record, |item| repeated.has_item(item));
        Checked {
            counts,
            warnings,
            items,
            notes: key_notes(rules, &totals.keys)
                .into_iter()
                .chain(self.rewrites.note(rules))
                .chain(managers.note(rules))
                .chain(managers.more_note(rules))
                .collect(),
            bytes: totals.bytes,
        }
    }
}

/// Pushes an item unless `max` are kept. Items come in record order, so the first ones are kept.
fn push_item(max: usize, items: &mut Vec<Item>, make: impl FnOnce() -> Item) {
    if items.len() < max {
        items.push(make());
    }
}

/// Returns the items that require all records to be known.
fn cross_record_items<'a>(
    rules: &'a Rules,
    repeated: &'a RepeatedRecords,
    taken: &'a [RepeatedRecord],
    managers: &'a ManagerGraph,
) -> impl Iterator<Item = Item> + use<'a> {
    let taken = taken.iter().map(move |repeated| {
        let (number, first) = numbers(*repeated);
        item(
            rules,
            number,
            None,
            Some(Attribute::ExternalId),
            external_id_taken(&format!("record {first}")),
            None,
        )
    });
    let cycles = managers
        .cycles
        .iter()
        .map(move |members| cycle_item(rules, None, &Cycle::new(members)));
    repeated.items(rules).chain(taken).chain(cycles)
}
