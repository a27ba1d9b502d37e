//! Conditional writes of what was planned: if a user was changed in between, the write is refused
//! and the record is replanned from the current row. A record's own stamp shows that it is written
//! already although the response was lost (protocol.md#stamps).

use std::collections::HashMap;

use muster_aws::directory::Executed;
use muster_aws::runs::undo::Entry;
use muster_core::rules::Rules;

use super::directory::DirectorySnapshot;
use super::identify::identify;
use super::moves::{GivenUp, Phase, Verdict};
use super::pass::Pass;
use super::prepare::Prepared;
use super::record::{Record, RecordOutcomes};
use super::rename::{PendingRename, Rename};
use super::sender::{RunError, Sender, WriteResult};
use super::stamped::settle_stamped;
use super::take::{PendingTake, independent, read_rows};
use super::user_ids::UserIds;
use super::write::Write;
use crate::run::context::RunContext;

/// Maximum takes whose whole rows are in memory.
const MAX_TAKES_IN_MEMORY: usize = 500;

/// Writes what the records change, and then what those change that were deferred for external ids which
/// the records at `given_up` logins give up. Adds each to `outcomes` as soon as its write has a response.
pub(crate) async fn apply(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: Vec<Record>,
    snapshot: DirectorySnapshot,
    given_up: &GivenUp,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    let mut ids = UserIds::default();
    let mut pass = Pass {
        sender: &mut *sender,
        rules,
        context,
        ids: &mut ids,
        outcomes: &mut *outcomes,
        phase: Phase::Apply(given_up),
    };
    let deferred = pass.run(records, snapshot).await?;
    if deferred.is_empty() {
        return Ok(());
    }
    let verdict = Verdict::on(&deferred, &outcomes.kept_ids);
    let deferred = deferred.into_iter().map(|mut record| {
        record.moves = verdict.lets(&record);
        (record, Executed::Refused(None))
    });
    let (records, snapshot) = read_again(sender, deferred.collect()).await?;
    let mut pass = Pass {
        sender,
        rules,
        context,
        ids: &mut ids,
        outcomes,
        phase: Phase::Move(&verdict),
    };
    pass.run(records, snapshot).await?;
    Ok(())
}

impl Pass<'_, '_> {
    /// Writes records until each has a decisive response, or is deferred. Returns the deferred ones.
    async fn run(
        &mut self,
        mut records: Vec<Record>,
        mut snapshot: DirectorySnapshot,
    ) -> Result<Vec<Record>, RunError> {
        let (rules, context) = (self.rules, self.context);
        let mut all_deferred = Vec::new();
        loop {
            let left = settle_stamped(rules, context, records, &snapshot, self.outcomes);
            let left = identify(
                self.sender,
                rules,
                context,
                left,
                &mut snapshot,
                self.outcomes,
            );
            let left = left.await?;
            let prepared = self.prepare(left, &snapshot);
            let Prepared {
                writes,
                renames,
                takes,
                outdated,
                deferred,
            } = prepared.await?;
            all_deferred.extend(deferred);
            let again = |record| (record, Executed::Refused(None));
            let mut refused: Vec<(Record, Executed)> = outdated.into_iter().map(again).collect();
            let written = writes.iter().map(|write| write.record.canon().to_owned());
            let (takes, later) = independent(takes, written.collect());
            refused.extend(later.into_iter().map(|write| again(write.record)));
            if self.sender.keeper.keeps() {
                let statements = writes.iter().filter_map(|write| write.entry(&snapshot));
                let renamed = renames.iter().filter_map(|rename| rename.entry(&snapshot));
                let entries: Vec<Entry> = statements.chain(renamed).collect();
                self.sender.keep(&entries).await?;
            }
            self.write(writes, &snapshot, &mut refused).await?;
            self.rename(renames, &snapshot, &mut refused).await?;
            self.take(takes, &snapshot, &mut refused).await?;
            if refused.is_empty() {
                return Ok(all_deferred);
            }
            (records, snapshot) = read_again(self.sender, refused).await?;
        }
    }

    async fn write(
        &mut self,
        writes: Vec<Write>,
        snapshot: &DirectorySnapshot,
        refused: &mut Vec<(Record, Executed)>,
    ) -> Result<(), RunError> {
        let table = self.sender.store.tables.directory.clone();
        let (context, outcomes) = (self.context, &mut *self.outcomes);
        let sent = self.sender.send(
            writes,
            |write| write.statement(&table, context, snapshot),
            |write, result| match result {
                WriteResult::Written => write.count(outcomes),
                WriteResult::Refused(found) => refused.push((write.record, found)),
            },
        );
        sent.await
    }

    async fn rename(
        &mut self,
        renames: Vec<Rename>,
        snapshot: &DirectorySnapshot,
        refused: &mut Vec<(Record, Executed)>,
    ) -> Result<(), RunError> {
        let (store, context) = (self.sender.store, self.context);
        let pending = renames.into_iter().map(|rename| PendingRename {
            rename,
            store,
            context,
            snapshot,
        });
        let pending = pending.collect();
        let outcomes = &mut *self.outcomes;
        let sent = self.sender.transact(
            pending,
            |PendingRename { rename, .. }, result| match result {
                WriteResult::Written => rename.count(outcomes),
                WriteResult::Refused(found) => refused.push((rename.record, found)),
            },
        );
        sent.await
    }

    async fn take(
        &mut self,
        mut takes: Vec<Write>,
        snapshot: &DirectorySnapshot,
        refused: &mut Vec<(Record, Executed)>,
    ) -> Result<(), RunError> {
        while !takes.is_empty() {
            let batch = takes.split_off(takes.len().saturating_sub(MAX_TAKES_IN_MEMORY));
            self.take_batch(batch, snapshot, refused).await?;
        }
        Ok(())
    }

    async fn take_batch(
        &mut self,
        takes: Vec<Write>,
        snapshot: &DirectorySnapshot,
        refused: &mut Vec<(Record, Executed)>,
    ) -> Result<(), RunError> {
        let context = self.context;
        let (pending, outdated) = read_rows(self.sender, context, takes, snapshot).await?;
        let again = |write: Write| (write.record, Executed::Refused(None));
        refused.extend(outdated.into_iter().map(again));
        if self.sender.keeper.keeps() {
            let entries: Vec<Entry> = pending.iter().flat_map(PendingTake::entries).collect();
            self.sender.keep(&entries).await?;
        }
        let outcomes = &mut *self.outcomes;
        let sent =
            self.sender
                .transact(pending, |PendingTake { write, .. }, result| match result {
                    WriteResult::Written => write.count(outcomes),
                    WriteResult::Refused(found) => refused.push((write.record, found)),
                });
        sent.await
    }
}

/// Returns the records of refused writes with the current rows under their logins.
async fn read_again(
    sender: &Sender<'_>,
    refused: Vec<(Record, Executed)>,
) -> Result<(Vec<Record>, DirectorySnapshot), RunError> {
    let mut snapshot: DirectorySnapshot = HashMap::new();
    let mut records = Vec::with_capacity(refused.len());
    for (mut record, found) in refused {
        record.forget_person();
        if let Some(stored) = found.found()? {
            snapshot.insert(record.canon().to_owned(), stored);
        }
        records.push(record);
    }
    let missing: Vec<&str> = records
        .iter()
        .map(Record::canon)
        .filter(|canon| !snapshot.contains_key(*canon))
        .collect();
    let read = sender.read(sender.store.directory().users(missing)).await?;
    snapshot.extend(read);
    Ok((records, snapshot))
}
