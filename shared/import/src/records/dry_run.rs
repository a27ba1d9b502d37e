//! The end of a dry run: every record is counted as a real run would count it, and nothing is
//! written (contract.md#dry-runs). Only concurrent changes to the directory can make a difference.

use muster_core::rules::Rules;
use muster_core::run::Counts;

use super::claims;
use super::directory::DirectorySnapshot;
use super::plan::{Decision, decide};
use super::record::{Record, RecordOutcomes};
use super::sender::{RunError, Sender};
use crate::run::context::RunContext;

/// Returns what an import of planned records counts in the end. Drops the records that are ignored
/// because of their external ids; the others remain to be applied.
pub(crate) async fn forecast(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: &mut Vec<Record>,
    snapshot: &DirectorySnapshot,
    outcomes: &mut RecordOutcomes,
) -> Result<Counts, RunError> {
    predict(sender, rules, context, records, snapshot).await?;
    let mut planned = Counts::default();
    records.retain(|record| {
        let stored = snapshot.get(record.canon());
        match decide(rules, context, record, stored, outcomes) {
            Some(Decision::Create { .. }) => planned.created += 1,
            Some(Decision::Update { effects, .. } | Decision::Rename { effects, .. }) => {
                planned.add_updated(effects);
            }
            Some(Decision::Unchanged) => planned.unchanged += 1,
            None => return false,
        }
        true
    });
    Ok(outcomes.counts.plus(planned))
}

/// Counts what the planned records would change.
pub(crate) async fn count(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    snapshot: &DirectorySnapshot,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    predict(sender, rules, context, &mut records, snapshot).await?;
    for mut record in records {
        let stored = snapshot.get(record.canon());
        // Without its external id, a record may change nothing.
        match decide(rules, context, &record, stored, outcomes) {
            Some(Decision::Create { .. }) => outcomes.created(record),
            Some(Decision::Update { effects, .. }) => {
                record.note_replaced_id(rules, stored);
                outcomes.updated(record, effects);
            }
            Some(Decision::Rename { effects, .. }) => outcomes.updated(record, effects),
            Some(Decision::Unchanged) => outcomes.unchanged(record),
            None => {}
        }
    }
    Ok(())
}

/// Refuses the external ids that others have. Where people are identified by them, they were looked up
/// before.
async fn predict(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: &mut [Record],
    snapshot: &DirectorySnapshot,
) -> Result<(), RunError> {
    if rules.identifies_by_external_id() {
        return Ok(());
    }
    claims::predict(sender, rules, context, records.iter_mut(), snapshot).await
}
