//! Records that the run has written already: the user carries its stamp. An answer was lost, or a
//! writer died behind the write; the stamp says what was done, and with which warnings.

use muster_aws::directory::{Outcome, Stamp};
use muster_core::attribute::Attribute;
use muster_core::rules::Rules;
use muster_core::survey::external_id_taken;
use muster_core::value::Problem;

use crate::managers;
use crate::work::{Ledger, Record, RunContext, Standing};

/// Settles the records that this run has written already. Gives back the others.
pub(crate) fn settle_stamped(
    rules: &Rules,
    context: &RunContext<'_>,
    records: Vec<Record>,
    standing: &Standing,
    ledger: &mut Ledger,
) -> Vec<Record> {
    let mut others = Vec::with_capacity(records.len());
    for mut record in records {
        let stored = standing.get(record.canon());
        let stamp = stored.and_then(|stored| context.own_stamp(stored, record.change.record));
        let Some(stamp) = stamp else {
            others.push(record);
            continue;
        };
        warn_again(rules, &mut record, stamp);
        match stamp.outcome {
            Outcome::Created => ledger.created(record),
            Outcome::Updated => ledger.updated(record),
            Outcome::Unchanged => ledger.unchanged(record),
            // The run was stopped before this record: it counts as nothing.
            Outcome::Stopped => {}
        }
    }
    others
}

/// Gives a record the warnings that it was written with.
fn warn_again(rules: &Rules, record: &mut Record, stamp: &Stamp) {
    for code in &stamp.warnings {
        if record.warnings.iter().any(|item| item.code == *code) {
            continue;
        }
        if let Some((attribute, problem)) = problem_of(code) {
            record.warn(rules, attribute, problem);
        }
    }
}

/// What a code stands for that the directory gave cause for.
fn problem_of(code: &str) -> Option<(Attribute, Problem)> {
    let (name, code) = code.split_once('.')?;
    let attribute = Attribute::from_name(name)?;
    let problem = match (attribute, code) {
        (Attribute::ExternalId, "taken") => external_id_taken("another user or an earlier record"),
        _ => managers::problem_of(code)?,
    };
    Some((attribute, problem))
}
