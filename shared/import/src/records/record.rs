//! The records of a run that are still open, and the outcomes of those that are not.

use std::collections::HashSet;

use muster_aws::directory::{Claim, LoginRow, UserSnapshot};
use muster_core::attribute::Attribute;
use muster_core::item::{EXTERNAL_ID_REPLACED, Item, Severity};
use muster_core::plan::{Refusal, User};
use muster_core::rules::Rules;
use muster_core::run::{Counts, UpdateEffects};
use muster_core::scan::{Collected, UserChange};
use muster_core::text::nfc;
use muster_core::validate::item;
use muster_core::value::{Assignment, Problem, Value, shown_value};

use super::conflicts::replaced;
use super::directory::{external_id, user};

/// A record whose outcome is open.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) change: UserChange,
    /// Warnings that the directory caused; logged unless the record turns out to be stopped.
    pub(crate) warnings: Vec<Item>,
    /// True if this run holds the claim on the external id that the record sets.
    pub(crate) claimed: bool,
    /// True if some of its values were dropped because of other rows of the directory. Such a plan
    /// is not reproducible: at another time it may come out differently for the same user.
    pub(crate) reduced: bool,
    /// Reason why the record is ignored, if the directory refused its external id or its user name.
    pub(crate) refusal: Option<Refusal>,
    /// Whether it is known whom the record is about; see [`super::identify`].
    pub(crate) identified: bool,
    /// The user with the record's external id, who has another login.
    pub(crate) renaming: Option<Box<Renaming>>,
    /// The user who has its external id, and whose own record gives it up.
    pub(crate) deferred: Option<Box<Deferred>>,
    /// True if another record of the input takes its external id from the user who has it.
    pub(crate) moves: bool,
    /// The user from whom its write takes the external id.
    pub(crate) taking: Option<Box<Taking>>,
    /// True if the rows that it was planned on have changed, so that it must be planned again.
    pub(crate) outdated: bool,
}

impl Record {
    pub(crate) fn canon(&self) -> &str {
        self.change.login.canon()
    }

    /// Returns the user whom the record is about: the one to rename, or the one with its login.
    pub(crate) fn current<'r>(&'r self, stored: Option<&'r LoginRow>) -> Option<&'r User> {
        match &self.renaming {
            Some(renaming) => Some(renaming.user()),
            None => user(stored),
        }
    }

    /// Forgets whom the record is about, before it is planned on other rows.
    pub(crate) fn forget_person(&mut self) {
        self.identified = false;
        self.renaming = None;
        self.refusal = None;
        self.deferred = None;
        self.taking = None;
        self.outdated = false;
    }

    /// Returns the external id that the record sets.
    pub(crate) fn external_id(&self) -> Option<&str> {
        match self.change.changes.value(Attribute::ExternalId) {
            Some(Value::Text(id)) => Some(id),
            _ => None,
        }
    }

    /// Returns the external id that the record sets, unless the stored user has it already.
    pub(crate) fn new_external_id(&self, stored: Option<&LoginRow>) -> Option<&str> {
        let id = self.external_id()?;
        let held = self.current(stored).and_then(external_id);
        (held != Some(id)).then_some(id)
    }

    /// Returns the external id of the manager that the record sets, if it is a new one of nobody in the
    /// input.
    pub(crate) fn new_manager_elsewhere(
        &self,
        stored: Option<&LoginRow>,
        tenant: &str,
    ) -> Option<&str> {
        // Of another tenant's user, nothing may be told apart.
        let current = self.current(stored);
        let is_foreign = current.is_some_and(|user| user.tenant != tenant);
        if is_foreign || !self.change.manager_elsewhere {
            return None;
        }
        let Some(Value::Text(uid)) = self.change.changes.value(Attribute::ManagerUid) else {
            return None;
        };
        let kept = current.and_then(|user| user.values.get(&Attribute::ManagerUid));
        let is_kept = matches!(kept, Some(Value::Text(kept)) if kept == uid);
        (!is_kept).then_some(uid)
    }

    /// Returns the changes of these attributes.
    pub(crate) fn difference(
        &self,
        attributes: &[Attribute],
    ) -> Vec<(Attribute, &Assignment<'static>)> {
        let assignments = self.change.changes.assignments.iter();
        assignments
            .filter(|(attribute, _)| attributes.contains(attribute))
            .map(|(attribute, assignment)| (*attribute, assignment))
            .collect()
    }

    /// Leaves an attribute as it is stored, with a warning.
    pub(crate) fn keep_stored(&mut self, rules: &Rules, attribute: Attribute, problem: Problem) {
        self.warn(rules, attribute, problem);
        self.change.changes.keep(attribute);
        self.change.changes.refused.insert(attribute);
        self.reduced = true;
    }

    /// Ignores the record because of its external id, or leaves the stored one, as the task says.
    pub(crate) fn refuse_external_id(&mut self, rules: &Rules, problem: Problem) {
        self.moves = false;
        if rules.person().refuses_others() {
            self.refusal = Some(Refusal {
                attribute: Some(Attribute::ExternalId),
                problem,
            });
        } else {
            self.keep_stored(rules, Attribute::ExternalId, problem);
        }
    }

    /// Notes the stored external id that the record replaces, if it does. Texts that differ only in
    /// their normal form are the same id.
    pub(crate) fn note_replaced_id(&mut self, rules: &Rules, stored: Option<&LoginRow>) {
        if self.moves {
            // Another record takes the old one, perhaps before this one is written.
            return;
        }
        let old = self.current(stored).and_then(external_id);
        let new = self.new_external_id(stored);
        if let (Some(old), Some(new)) = (old, new)
            && nfc(old) != nfc(new)
        {
            self.warn(rules, Attribute::ExternalId, replaced(old));
        }
    }

    /// Drops the note on a replaced external id, before the record is decided on another row.
    pub(crate) fn forget_replaced_id(&mut self) {
        self.warnings
            .retain(|item| item.code != EXTERNAL_ID_REPLACED);
    }

    /// Adds a warning that the directory caused.
    pub(crate) fn warn(&mut self, rules: &Rules, attribute: Attribute, problem: Problem) {
        let warning = self.item(rules, Some(attribute), problem);
        self.warnings.push(warning);
    }

    fn item(&self, rules: &Rules, attribute: Option<Attribute>, problem: Problem) -> Item {
        let UserChange {
            record,
            login,
            changes,
            ..
        } = &self.change;
        let login = Some(login.shown().to_owned());
        let value =
            attribute.and_then(|attribute| shown_value(attribute, changes.value(attribute)?));
        item(rules, *record, login, attribute, problem, value)
    }
}

/// The user with the external id of a record, who has another login.
#[derive(Debug)]
pub(crate) struct Renaming {
    pub(crate) seen: Box<UserSnapshot>,
    /// The claim on the record's external id. There may be none if the user has it in NFD.
    pub(crate) claim: Option<Claim>,
    /// The runs of the claim after the rename.
    pub(crate) runs: Vec<String>,
}

impl Renaming {
    pub(crate) const fn user(&self) -> &User {
        &self.seen.entry.user
    }
}

/// The user who has the external id of a deferred record.
#[derive(Debug)]
pub(crate) struct Deferred {
    pub(crate) holder: u64,
    /// The holder's login, which is that of another record.
    pub(crate) login: String,
    /// The problem of the external id, if the holder keeps it after all.
    pub(crate) kept: Problem,
}

/// The user from whom a record takes its external id.
#[derive(Debug)]
pub(crate) struct Taking {
    pub(crate) holder: u64,
    pub(crate) login: String,
    /// The claim on the external id.
    pub(crate) claim: Claim,
}

/// The counts and items of a run's records so far.
#[derive(Debug)]
pub(crate) struct RecordOutcomes {
    pub(crate) counts: Counts,
    pub(crate) items: Vec<Item>,
    /// Numbers of the records that were ignored because of the directory.
    pub(crate) refused: Vec<u64>,
    /// Numbers of the records that were written.
    pub(crate) applied: Vec<u64>,
    /// External ids of users whose records do not change them, because of the directory.
    pub(crate) kept_ids: HashSet<String>,
    /// True if one of them was found written: its write may be that of an earlier worker.
    pub(crate) settled: bool,
}

impl RecordOutcomes {
    /// Splits collected records into the outcomes of those that are decided and the open ones.
    pub(crate) fn split(collected: Collected) -> (Self, Vec<Record>) {
        let Collected {
            counts,
            changes,
            items,
        } = collected;
        let records = changes
            .into_iter()
            .map(|change| Record {
                change,
                warnings: Vec::new(),
                claimed: false,
                reduced: false,
                refusal: None,
                identified: false,
                renaming: None,
                deferred: None,
                moves: false,
                taking: None,
                outdated: false,
            })
            .collect();
        let outcomes = Self {
            counts,
            items,
            ..Self::empty()
        };
        (outcomes, records)
    }

    pub(crate) fn empty() -> Self {
        Self {
            counts: Counts::default(),
            items: Vec::new(),
            refused: Vec::new(),
            applied: Vec::new(),
            kept_ids: HashSet::new(),
            settled: false,
        }
    }

    pub(crate) fn ignored(&mut self, rules: &Rules, record: &Record, refusals: Vec<Refusal>) {
        self.counts.ignored += 1;
        self.refused.push(record.change.record);
        for refusal in refusals {
            let item = record.item(rules, refusal.attribute, refusal.problem);
            self.items.push(item);
        }
        // Notes are on what a record does.
        let warnings = record.warnings.iter();
        let warnings = warnings.filter(|item| item.severity != Severity::Info);
        self.items.extend(warnings.cloned());
    }

    /// Notes that a user keeps the external id, whatever the user's record says.
    pub(crate) fn keep_id_of(&mut self, user: Option<&User>) {
        self.kept_ids
            .extend(user.and_then(external_id).map(str::to_owned));
    }

    pub(crate) fn created(&mut self, record: Record) {
        self.counts.created += 1;
        self.counts.moved += u64::from(record.moves);
        self.applied.push(record.change.record);
        self.items.extend(record.warnings);
    }

    pub(crate) fn updated(&mut self, record: Record, effects: UpdateEffects) {
        self.counts.add_updated(effects);
        self.applied.push(record.change.record);
        self.items.extend(record.warnings);
    }

    pub(crate) fn unchanged(&mut self, record: Record) {
        self.counts.unchanged += 1;
        self.items.extend(record.warnings);
    }

    /// Returns the counts, and the items in record order.
    pub(crate) fn into_counts_and_items(mut self) -> (Counts, Vec<Item>) {
        self.items.sort_by_key(|item| item.record);
        (self.counts, self.items)
    }
}
