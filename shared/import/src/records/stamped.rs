//! Records that the run has written already: the user row carries the run's stamp. A response was
//! lost, or a writer died after the write. The stamp holds the outcome and the warnings
//! (protocol.md#stamps).

use muster_aws::directory::{Outcome, Stamp, Stamps};
use muster_core::attribute::Attribute;
use muster_core::rules::Rules;
use muster_core::run::UpdateEffects;
use muster_core::value::Problem;

use super::conflicts;
use super::directory::DirectorySnapshot;
use super::managers;
use super::record::{Record, RecordOutcomes};
use crate::run::context::RunContext;

/// Counts the records that this run has written already, and returns the others.
pub(crate) fn settle_stamped(
    rules: &Rules,
    context: &RunContext<'_>,
    records: Vec<Record>,
    snapshot: &DirectorySnapshot,
    outcomes: &mut RecordOutcomes,
) -> Vec<Record> {
    let mut others = Vec::with_capacity(records.len());
    for mut record in records {
        let stored = snapshot.get(record.canon());
        let stamp = stored.and_then(|stored| context.own_stamp(stored, record.change.record));
        let Some(stamp) = stamp else {
            others.push(record);
            continue;
        };
        restore_warnings(rules, &mut record, stamp);
        match stamp.outcome {
            Outcome::Created => {
                record.moves = stamp.effects.moved;
                outcomes.settled = true;
                outcomes.created(record);
            }
            Outcome::Updated => {
                outcomes.settled = true;
                outcomes.updated(record, stamp.effects);
            }
            Outcome::Unchanged => outcomes.unchanged(record),
            // The run was stopped before this record: it is not counted.
            Outcome::Stopped => {}
        }
    }
    others
}

/// Returns the stamps of a record's login after its write.
pub(super) fn stamps(
    record: &Record,
    outcome: Outcome,
    effects: UpdateEffects,
    before: Option<&Stamps>,
    context: &RunContext<'_>,
) -> Stamps {
    let warnings = record.warnings.iter();
    let stamp = Stamp {
        task: context.run.task,
        record: record.change.record,
        outcome,
        effects,
        warnings: warnings
            .map(|item| item.code.clone().into_owned())
            .collect(),
        until: context.stamps_until,
    };
    context.stamps_after(before.unwrap_or(&Stamps::new()), stamp)
}

/// Adds the warnings that the record was written with.
fn restore_warnings(rules: &Rules, record: &mut Record, stamp: &Stamp) {
    for code in &stamp.warnings {
        if record.warnings.iter().any(|item| item.code == *code) {
            continue;
        }
        if let Some((attribute, problem)) = problem_of_code(code) {
            record.warn(rules, attribute, problem);
        }
    }
}

/// Returns the attribute and the problem of a warning's code, if the directory causes it.
fn problem_of_code(code: &str) -> Option<(Attribute, Problem)> {
    let (name, code) = code.split_once('.')?;
    let attribute = Attribute::from_name(name)?;
    let conflict = match attribute {
        Attribute::ExternalId => conflicts::problem_of_code(code),
        _ => None,
    };
    let problem = conflict.or_else(|| managers::problem_of_code(code))?;
    Some((attribute, problem))
}
