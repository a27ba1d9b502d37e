//! The end of a dry run: every record is counted as a real run would count it, and nothing is
//! written (contract.md#dry-runs). Only concurrent changes to the directory can make a difference.

use muster_core::rules::Rules;

use super::claims;
use super::directory::DirectorySnapshot;
use super::plan::{Decision, decide};
use super::record::{Record, RecordOutcomes};
use super::sender::{RunError, Sender};
use crate::run::context::RunContext;

/// Counts what the planned records would change.
pub(crate) async fn count(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    snapshot: &DirectorySnapshot,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    claims::predict(sender, rules, context, records.iter_mut(), snapshot).await?;
    for mut record in records {
        let stored = snapshot.get(record.canon());
        // Without its external id, a record may change nothing.
        match decide(rules, context, &record, stored, outcomes) {
            Some(Decision::Create { .. }) => outcomes.created(record),
            Some(Decision::Update { .. }) => {
                record.note_replaced_id(rules, stored);
                outcomes.updated(record);
            }
            Some(Decision::Unchanged) => outcomes.unchanged(record),
            None => {}
        }
    }
    Ok(())
}
