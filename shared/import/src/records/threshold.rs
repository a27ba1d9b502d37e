//! The safety threshold: figures above which a run is refused as a whole. It is judged once, on the
//! plan of all records, before the first is written (contract.md#safety-thresholds).

use muster_core::attribute::Attribute;
use muster_core::rules::Rules;
use muster_core::run::Counts;
use muster_core::settings::{SafetyThreshold, TaskSettings};
use muster_core::value::{Assignment, Value};

use super::record::Record;

/// Advice to the client about an exceeded threshold.
const ADVICE: &str = "nothing was imported. If the data is right, send it with \
                      `?overrideThreshold` (`muster import --override-threshold`)";

/// Returns the threshold that a run is judged by, unless it overrides that of its task.
pub(crate) fn in_effect(task: &TaskSettings, is_overridden: bool) -> Option<SafetyThreshold> {
    task.safety_threshold.filter(|_| !is_overridden)
}

/// Returns the errors of exceeded limits, none if all are met.
pub(crate) fn exceeded(threshold: &SafetyThreshold, counts: Counts) -> Vec<String> {
    let sentences = threshold.exceeded(counts).into_iter();
    sentences
        .map(|sentence| format!("the safety threshold stopped the import: {sentence}; {ADVICE}"))
        .collect()
}

/// Returns the counts of an input with the largest possible numbers of renamed and blocked users, of moved
/// external ids and of cleared values, whatever the directory holds.
pub(crate) fn bounds(rules: &Rules, counts: Counts, records: &[Record]) -> Counts {
    let changes = records.iter().map(|record| &record.change.changes);
    let mut bounds = counts;
    let by_external_id = rules.identifies_by_external_id();
    if by_external_id {
        bounds.renamed = records.len() as u64;
    }
    for (attribute, assignment) in changes.flat_map(|changes| &changes.assignments) {
        match (attribute, assignment) {
            (_, Assignment::Clear) => bounds.cleared += 1,
            (Attribute::Active, Assignment::Set(Value::Flag(false))) => bounds.blocked += 1,
            (Attribute::ExternalId, Assignment::Set(_)) if !by_external_id => bounds.moved += 1,
            (_, Assignment::Set(_)) => {}
        }
    }
    bounds
}
