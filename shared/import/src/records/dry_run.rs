//! The end of a dry run: every record is counted as a real run would count it, and nothing is
//! written (contract.md#dry-runs). Only concurrent changes to the directory can make a difference.

use muster_core::rules::Rules;
use muster_core::run::Counts;

use super::claims;
use super::directory::DirectorySnapshot;
use super::moves::{GivenUp, Verdict};
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
    given_up: &GivenUp,
    outcomes: &mut RecordOutcomes,
) -> Result<Counts, RunError> {
    predict(
        sender, rules, context, records, snapshot, given_up, outcomes,
    )
    .await?;
    let mut planned = Counts::default();
    records.retain_mut(|record| {
        let stored = snapshot.get(record.canon());
        let decision = decide(rules, context, record, stored, outcomes);
        match decision {
            Some(Decision::Create { .. }) => {
                planned.created += 1;
                planned.moved += u64::from(record.moves);
            }
            Some(Decision::Update { effects, .. } | Decision::Rename { effects, .. }) => {
                planned.add_updated(effects);
            }
            Some(Decision::Unchanged) => planned.unchanged += 1,
            None => return false,
        }
        record.moves = false;
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
    given_up: &GivenUp,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    let open = &mut records;
    predict(sender, rules, context, open, snapshot, given_up, outcomes).await?;
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

/// Refuses the external ids that others have and keep. Where people are identified by them, they were
/// looked up before.
async fn predict(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: &mut Vec<Record>,
    snapshot: &DirectorySnapshot,
    given_up: &GivenUp,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    if rules.identifies_by_external_id() {
        return Ok(());
    }
    let open = records.iter_mut();
    claims::predict(sender, rules, context, given_up, open, snapshot).await?;
    let (mut deferred, mut others): (Vec<Record>, Vec<Record>) = std::mem::take(records)
        .into_iter()
        .partition(|record| record.deferred.is_some());
    if !deferred.is_empty() {
        others.retain(|record| {
            let stored = snapshot.get(record.canon());
            // Tells which external ids are kept.
            decide(rules, context, record, stored, outcomes).is_some()
        });
        let verdict = Verdict::on(&deferred, &outcomes.kept_ids);
        for record in &mut deferred {
            record.moves = verdict.lets(record);
            if let Some(deferred) = record.deferred.take()
                && !record.moves
            {
                record.refuse_external_id(rules, deferred.kept);
            }
        }
    }
    records.extend(others);
    records.append(&mut deferred);
    Ok(())
}
