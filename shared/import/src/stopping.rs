//! The end of a chunk whose run is being stopped (PROTOCOL §9). What was applied of it is counted by
//! its stamps. Where a record would still be a write, a stamp that says "stopped" is left and the
//! version grows, so that the late statement of a writer nobody hears of any more is refused.

use std::collections::BTreeSet;

use muster_aws::StoreError;
use muster_aws::background::ChunkMessage;
use muster_aws::directory::{Outcome, Stamp, Stamps, Statement};
use muster_aws::items::count_codes;
use muster_aws::rounds::ChunkResult;
use muster_aws::runs::Run;
use muster_core::rules::Rules;
use muster_core::run::Counts;

use crate::background::{Runner, writing_as};
use crate::deadline::Deadline;
use crate::planning::{Decision, decide};
use crate::sending::{Halt, Sender, Sent};
use crate::stamped::settle_stamped;
use crate::work::{Ledger, Record, RunContext, Standing};
use crate::writing::{Chunk, Written};

impl Runner {
    /// Counts what was applied of a chunk, and sees to it that nothing more is.
    pub(crate) async fn reconcile(
        &self,
        run: &Run,
        message: &ChunkMessage,
        deadline: Deadline,
        owner: &str,
        chunk: Chunk,
    ) -> Result<Written, StoreError> {
        let new_run = writing_as(run);
        let context = self.context(run, &new_run);
        let mut sender = Sender::new(&self.store, deadline);
        let total = chunk.collected.collected.counts.total;
        let (ledger, records) = Ledger::open(chunk.collected.collected);
        // What is wrong with records counts only for those that were applied.
        let told = ledger.items;
        let mut ledger = Ledger::empty();
        let fenced = fence(&mut sender, &chunk.rules, &context, records, &mut ledger).await;
        if let Err(cause) = fenced {
            let some = sender.written > 0;
            return Ok(Written::Part { cause, some });
        }
        let applied: BTreeSet<u64> = ledger.applied.iter().copied().collect();
        let told = told
            .into_iter()
            .filter(|item| item.record.is_some_and(|record| applied.contains(&record)));
        ledger.items.extend(told);
        let (counts, items) = ledger.close();
        let counts = Counts {
            total: counts.created + counts.updated,
            created: counts.created,
            updated: counts.updated,
            ..Counts::default()
        };
        let objects = &self.background.objects;
        let kept = objects.keep(&run.id, message.round, message.chunk, owner, &items, &[]);
        Ok(Written::All(ChunkResult {
            left_out: total - counts.total,
            counts,
            item_counts: count_codes(&items),
            kept: kept.await?,
        }))
    }
}

/// Settles the records that were applied, and keeps the others from being.
async fn fence(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    ledger: &mut Ledger,
) -> Result<(), Halt> {
    while !records.is_empty() {
        let canons = records.iter().map(Record::canon);
        let standing = sender.read(sender.store.users(canons)).await?;
        let left = settle_stamped(rules, context, records, &standing, ledger);
        // What is ignored now was never anybody's to write.
        let mut aside = Ledger::empty();
        let writes = left.into_iter().filter(|record| {
            let stored = standing.get(record.canon());
            let decision = decide(rules, context, record, stored, &mut aside);
            matches!(
                decision,
                Some(Decision::Create { .. } | Decision::Update { .. })
            )
        });
        let writes: Vec<Record> = writes.collect();
        let table = sender.store.tables.directory.clone();
        let mut refused = Vec::new();
        sender
            .send(
                writes,
                |record| statement(&table, context, record, &standing),
                |record, sent| match sent {
                    Sent::Done => {}
                    Sent::Refused(_) => refused.push(record),
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
    standing: &Standing,
) -> Statement {
    let stored = standing.get(record.canon());
    let stamp = Stamp {
        task: context.run.task,
        record: record.change.record,
        outcome: Outcome::Stopped,
        warnings: Vec::new(),
        until: context.stamps_until,
    };
    let none = Stamps::new();
    let before = stored.map_or(&none, |stored| &stored.stamps);
    let stamps = context.stamps_after(before, stamp);
    Statement::fence(table, record.canon(), stored, &stamps, context.stamps_until)
}
