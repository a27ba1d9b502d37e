//! The end of a chunk whose run is being stopped (protocol.md#stopping). The records that were
//! applied are counted by their stamps. Where a record would still be written, a stamp with the
//! outcome "stopped" is left and the version is incremented, so that a delayed statement of a lost
//! writer is refused.

use std::collections::BTreeSet;

use muster_aws::StoreError;
use muster_aws::background::ChunkMessage;
use muster_aws::directory::{Outcome, Stamp, Stamps, Statement};
use muster_aws::runs::Run;
use muster_aws::runs::chunks::ChunkResult;
use muster_aws::runs::items::count_codes;
use muster_core::rules::Rules;
use muster_core::run::{Counts, UpdateEffects};

use super::chunk::{ChunkOutcome, LoadedChunk};
use super::runner::Runner;
use crate::deadline::Deadline;
use crate::records::directory::{DirectorySnapshot, user};
use crate::records::plan::{Decision, decide};
use crate::records::record::{Record, RecordOutcomes};
use crate::records::sender::{RunError, Sender, WriteResult};
use crate::records::stamped::settle_stamped;
use crate::run::context::RunContext;
use crate::run::job::as_new_run;

impl Runner {
    /// Counts the records of a chunk that were applied, and prevents any others from being applied.
    pub(super) async fn reconcile(
        &self,
        run: &Run,
        message: &ChunkMessage,
        deadline: Deadline,
        owner: &str,
        chunk: LoadedChunk,
    ) -> Result<ChunkOutcome, StoreError> {
        let new_run = as_new_run(run);
        let context = self.context(run, &new_run);
        let mut sender = Sender::new(&self.store, deadline);
        let undo_days = chunk.undo_days;
        let total = chunk.collected.collected.counts.total;
        let (collected, records) = RecordOutcomes::split(chunk.collected.collected);
        // Only the items of records that were applied are logged.
        let items = collected.items;
        let mut outcomes = RecordOutcomes::empty();
        let fenced = fence(&mut sender, &chunk.rules, &context, records, &mut outcomes).await;
        if let Err(cause) = fenced {
            let wrote_some = sender.written > 0;
            return Ok(ChunkOutcome::Partial { cause, wrote_some });
        }
        let undo = self.chunk_undo(message, undo_days, &outcomes, true, Vec::new());
        let undo = undo.await?;
        let applied: BTreeSet<u64> = outcomes.applied.iter().copied().collect();
        let items = items
            .into_iter()
            .filter(|item| item.record.is_some_and(|record| applied.contains(&record)));
        outcomes.items.extend(items);
        let (counts, items) = outcomes.into_counts_and_items();
        let counts = Counts {
            total: counts.created + counts.updated,
            created: counts.created,
            updated: counts.updated,
            renamed: counts.renamed,
            moved: counts.moved,
            blocked: counts.blocked,
            unblocked: counts.unblocked,
            cleared: counts.cleared,
            ..Counts::default()
        };
        let objects = &self.background.objects;
        let kept =
            objects.put_chunk_outputs(&run.id, message.round, message.chunk, owner, &items, &[]);
        Ok(ChunkOutcome::Complete(ChunkResult {
            left_out: total - counts.total,
            counts,
            item_counts: count_codes(&items),
            outputs: kept.await?,
            undo,
        }))
    }
}

/// Counts the records that were applied, and writes a fence for each of the others.
async fn fence(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    while !records.is_empty() {
        let canons = records.iter().map(Record::canon);
        let snapshot = sender.read(sender.store.directory().users(canons)).await?;
        let open = settle_stamped(rules, context, records, &snapshot, outcomes);
        // Records that are ignored now were never written, and are not counted.
        let mut uncounted = RecordOutcomes::empty();
        let writes = open.into_iter().filter(|record| {
            let stored = snapshot.get(record.canon());
            let decision = decide(rules, context, record, stored, &mut uncounted);
            // A record that may not create a user may have renamed one.
            let may_rename = rules.identifies_by_external_id() && user(stored).is_none();
            let may_write = matches!(
                decision,
                Some(Decision::Create { .. } | Decision::Update { .. })
            );
            may_rename || may_write
        });
        let writes: Vec<Record> = writes.collect();
        let table = sender.store.tables.directory.clone();
        let mut refused = Vec::new();
        sender
            .send(
                writes,
                |record| statement(&table, context, record, &snapshot),
                |record, result| match result {
                    WriteResult::Written => {}
                    WriteResult::Refused(_) => refused.push(record),
                },
            )
            .await?;
        records = refused;
    }
    Ok(())
}

fn statement(
    table: &str,
    context: &RunContext<'_>,
    record: &Record,
    snapshot: &DirectorySnapshot,
) -> Statement {
    let stored = snapshot.get(record.canon());
    let stamp = Stamp {
        task: context.run.task,
        record: record.change.record,
        outcome: Outcome::Stopped,
        effects: UpdateEffects::default(),
        warnings: Vec::new(),
        until: context.stamps_until,
    };
    let no_stamps = Stamps::new();
    let before = stored.map_or(&no_stamps, |stored| &stored.stamps);
    let stamps = context.stamps_after(before, stamp);
    Statement::fence(table, record.canon(), stored, &stamps, context.stamps_until)
}
