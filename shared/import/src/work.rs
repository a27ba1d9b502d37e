//! What a run works on: its records, and what has become of each.

use std::collections::HashMap;

use jiff::Timestamp;
use muster_aws::directory::{Author, Stamp, Stamps, Stored, Writer};
use muster_aws::runs::NewRun;
use muster_core::attribute::Attribute;
use muster_core::item::Item;
use muster_core::plan::Refusal;
use muster_core::rules::Rules;
use muster_core::run::Counts;
use muster_core::survey::{Collected, UserChange};
use muster_core::validate::item;
use muster_core::value::Problem;

use crate::Times;

/// The run in whose name everything is written.
#[derive(Debug)]
pub(crate) struct RunContext<'r> {
    pub(crate) run: &'r NewRun,
    run_name: String,
    pub(crate) author: Author,
    /// Until when a stamp of this run is kept, in seconds since 1970.
    pub(crate) stamps_until: i64,
    pub(crate) started_at: Timestamp,
    /// Whether a write of somebody who worked on these records before may still be under way.
    pub(crate) unsure: bool,
}

impl<'r> RunContext<'r> {
    /// `acquired_at` is when the run took its task, `started_at` when this work on it begins.
    pub(crate) fn new(
        run: &'r NewRun,
        acquired_at: Timestamp,
        started_at: Timestamp,
        times: Times,
    ) -> Self {
        let kept = i64::try_from(times.stamp_kept.as_secs()).unwrap_or(i64::MAX);
        let run_name = run.id.to_string();
        Self {
            author: Author {
                writer: Writer::Robot {
                    dialect: "quant".to_owned(),
                    robot: run.robot.clone(),
                    run: Some(run_name.clone()),
                },
                at: started_at,
            },
            stamps_until: acquired_at.as_second().saturating_add(kept),
            started_at,
            unsure: false,
            run,
            run_name,
        }
    }

    pub(crate) fn run_name(&self) -> &str {
        &self.run_name
    }

    /// The stamps of a user after a write of this run: those past their time go, and those of
    /// other runs of this task, which the hold proves to be over.
    pub(crate) fn stamps_after(&self, before: &Stamps, stamp: Stamp) -> Stamps {
        let now = self.started_at.as_second();
        let mut stamps: Stamps = before
            .iter()
            .filter(|(_, stamp)| stamp.until > now && stamp.task != self.run.task)
            .map(|(run, stamp)| (run.clone(), stamp.clone()))
            .collect();
        stamps.insert(self.run_name.clone(), stamp);
        stamps
    }

    /// What this run's own stamp on a user says of a record, if it is there: then the record is
    /// applied already, and its answer was lost.
    pub(crate) fn own_stamp<'s>(&self, stored: &'s Stored, record: u64) -> Option<&'s Stamp> {
        stored
            .stamps
            .get(&self.run_name)
            .filter(|stamp| stamp.record == record)
    }
}

/// A record on its way.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) change: UserChange,
    /// Items that came from the directory, as far as the record is kept.
    pub(crate) warnings: Vec<Item>,
    /// Whether this run holds the claim on the external id that the record sets.
    pub(crate) claimed: bool,
    /// Whether it goes without something that it says, for what stands elsewhere in the directory:
    /// who looked at another time may have come to another plan on the same user.
    pub(crate) reduced: bool,
}

impl Record {
    pub(crate) fn canon(&self) -> &str {
        self.change.login.canon()
    }

    /// Leaves an attribute as it is stored, with a warning.
    pub(crate) fn keep(&mut self, rules: &Rules, attribute: Attribute, problem: Problem) {
        self.change.changes.keep(attribute);
        self.change.changes.refused.insert(attribute);
        self.reduced = true;
        self.warn(rules, attribute, problem);
    }

    /// Adds a warning that the directory gave cause for.
    pub(crate) fn warn(&mut self, rules: &Rules, attribute: Attribute, problem: Problem) {
        let warning = self.item(rules, Some(attribute), problem);
        self.warnings.push(warning);
    }

    fn item(&self, rules: &Rules, attribute: Option<Attribute>, problem: Problem) -> Item {
        let login = Some(self.change.login.shown().to_owned());
        item(rules, self.change.record, login, attribute, problem)
    }
}

/// The records of a run and the count of what became of them.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) counts: Counts,
    pub(crate) items: Vec<Item>,
    /// The records that were ignored for what the directory says, by number.
    pub(crate) refused: Vec<u64>,
    /// The records that were written, by number.
    pub(crate) applied: Vec<u64>,
}

impl Ledger {
    /// Splits what was collected into what is settled already and what goes on.
    pub(crate) fn open(collected: Collected) -> (Self, Vec<Record>) {
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
            })
            .collect();
        let ledger = Self {
            counts,
            items,
            ..Self::empty()
        };
        (ledger, records)
    }

    pub(crate) fn empty() -> Self {
        Self {
            counts: Counts::default(),
            items: Vec::new(),
            refused: Vec::new(),
            applied: Vec::new(),
        }
    }

    pub(crate) fn ignored(&mut self, rules: &Rules, record: &Record, refusals: Vec<Refusal>) {
        self.counts.ignored += 1;
        self.refused.push(record.change.record);
        for refusal in refusals {
            let item = record.item(rules, refusal.attribute, refusal.problem);
            self.items.push(item);
        }
        self.items.extend(record.warnings.iter().cloned());
    }

    pub(crate) fn created(&mut self, record: Record) {
        self.counts.created += 1;
        self.applied.push(record.change.record);
        self.items.extend(record.warnings);
    }

    pub(crate) fn updated(&mut self, record: Record) {
        self.counts.updated += 1;
        self.applied.push(record.change.record);
        self.items.extend(record.warnings);
    }

    pub(crate) fn unchanged(&mut self, record: Record) {
        self.counts.unchanged += 1;
        self.items.extend(record.warnings);
    }

    /// Puts the items in record order.
    pub(crate) fn close(mut self) -> (Counts, Vec<Item>) {
        self.items.sort_by_key(|item| item.record);
        (self.counts, self.items)
    }
}

/// What stands under the logins of the records, by canonical login.
pub(crate) type Standing = HashMap<String, Stored>;
