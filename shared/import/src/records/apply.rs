//! Conditional writes of what was planned: if a user was changed in between, the write is refused
//! and the record is replanned from the current row. A record's own stamp shows that it is written
//! already although the response was lost (protocol.md#stamps).

use std::collections::HashMap;
use std::ops::Range;

use muster_aws::directory::{
    ChangeHistory, Executed, NewUser, Outcome, Stamps, Statement, UserVersion,
};
use muster_core::attribute::Attribute;
use muster_core::rules::Rules;
use muster_core::run::UpdateEffects;

use super::claims::{claim, release};
use super::directory::DirectorySnapshot;
use super::identify::identify;
use super::plan::{Decision, decide};
use super::record::{Record, RecordOutcomes};
use super::rename::{PendingRename, Rename};
use super::sender::{RunError, Sender, WriteResult};
use super::stamped::{settle_stamped, stamps};
use crate::run::context::RunContext;

/// Writes what the records change. Adds each to `outcomes` as soon as its write has a response.
pub(crate) async fn apply(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    mut snapshot: DirectorySnapshot,
    outcomes: &mut RecordOutcomes,
) -> Result<(), RunError> {
    let mut ids = UserIds::default();
    loop {
        let left = settle_stamped(rules, context, records, &snapshot, outcomes);
        let left = identify(sender, rules, context, left, &mut snapshot, outcomes).await?;
        let Prepared {
            writes,
            renames,
            outdated,
        } = prepare(sender, rules, context, left, &snapshot, &mut ids, outcomes).await?;
        let mut refused: Vec<(Record, Executed)> = outdated
            .into_iter()
            .map(|record| (record, Executed::Refused(None)))
            .collect();
        let table = sender.store.tables.directory.clone();
        sender
            .send(
                writes,
                |write| write.statement(&table, context, &snapshot),
                |write, result| match result {
                    WriteResult::Written => write.count(outcomes),
                    WriteResult::Refused(found) => refused.push((write.record, found)),
                },
            )
            .await?;
        let store = sender.store;
        let pending = renames.into_iter().map(|rename| PendingRename {
            rename,
            store,
            context,
            snapshot: &snapshot,
        });
        let pending = pending.collect();
        sender
            .transact(
                pending,
                |PendingRename { rename, .. }, result| match result {
                    WriteResult::Written => rename.count(outcomes),
                    WriteResult::Refused(found) => refused.push((rename.record, found)),
                },
            )
            .await?;
        if refused.is_empty() {
            return Ok(());
        }
        (records, snapshot) = read_again(sender, refused).await?;
    }
}

/// A write that has not been sent.
struct Write {
    record: Record,
    step: WriteStep,
}

enum WriteStep {
    Create {
        id: u64,
        onto: Option<u64>,
    },
    Update {
        id: u64,
        version: u64,
        attributes: Vec<Attribute>,
        effects: UpdateEffects,
    },
    /// Writes nothing but the version and a stamp, so that no other plan on the same user takes
    /// effect.
    Mark,
}

impl Write {
    const fn outcome(&self) -> Outcome {
        match self.step {
            WriteStep::Create { .. } => Outcome::Created,
            WriteStep::Update { .. } => Outcome::Updated,
            WriteStep::Mark => Outcome::Unchanged,
        }
    }

    fn count(self, outcomes: &mut RecordOutcomes) {
        match self.step {
            WriteStep::Create { .. } => outcomes.created(self.record),
            WriteStep::Update { effects, .. } => outcomes.updated(self.record, effects),
            WriteStep::Mark => outcomes.unchanged(self.record),
        }
    }

    fn statement(
        &self,
        table: &str,
        context: &RunContext<'_>,
        snapshot: &DirectorySnapshot,
    ) -> Statement {
        let canon = self.record.canon();
        let author = &context.author;
        let stamps = self.stamps(context, snapshot);
        let assignments = &self.record.change.changes.assignments;
        match &self.step {
            WriteStep::Create { id, onto } => {
                let user = NewUser {
                    tenant: &context.run.tenant,
                    id: *id,
                    login: self.record.change.login.shown(),
                    assignments,
                };
                match onto {
                    None => Statement::create(table, canon, &user, &stamps, author),
                    Some(version) => Statement::create_on_tombstone(
                        table, canon, *version, &user, &stamps, author,
                    ),
                }
            }
            WriteStep::Update {
                id,
                version,
                attributes,
                effects: _,
            } => {
                let difference: Vec<_> = assignments
                    .iter()
                    .filter(|(attribute, _)| attributes.contains(attribute))
                    .map(|(attribute, assignment)| (*attribute, assignment))
                    .collect();
                let no_changes = ChangeHistory::default();
                let stored = snapshot.get(canon);
                let user = UserVersion {
                    id: *id,
                    version: *version,
                    changes: stored.map_or(&no_changes, |stored| &stored.changes),
                };
                Statement::change(table, canon, &user, &difference, &stamps, author)
            }
            WriteStep::Mark => {
                let stored = snapshot.get(canon);
                Statement::fence(table, canon, stored, &stamps, context.stamps_until)
            }
        }
    }

    fn stamps(&self, context: &RunContext<'_>, snapshot: &DirectorySnapshot) -> Stamps {
        let effects = match self.step {
            WriteStep::Update { effects, .. } => effects,
            WriteStep::Create { .. } | WriteStep::Mark => UpdateEffects::default(),
        };
        let stored = snapshot.get(self.record.canon());
        let before = stored.map(|stored| &stored.stamps);
        stamps(&self.record, self.outcome(), effects, before, context)
    }
}

/// Writes that are to be sent.
struct Prepared {
    writes: Vec<Write>,
    renames: Vec<Rename>,
    /// Records that must be planned again.
    outdated: Vec<Record>,
}

/// Decides, claims external ids, and decides again for the records that did not get theirs. Counts
/// the records that need no write, and returns what is to be written of the others.
async fn prepare(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    snapshot: &DirectorySnapshot,
    ids: &mut UserIds,
    outcomes: &mut RecordOutcomes,
) -> Result<Prepared, RunError> {
    records.iter_mut().for_each(Record::forget_replaced_id);
    let mut decide = |record: &Record| {
        decide(
            rules,
            context,
            record,
            snapshot.get(record.canon()),
            outcomes,
        )
    };
    let (mut records, ignored): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|record| decide(record).is_some());
    release(sender, context, ignored, snapshot).await?;
    claim(sender, rules, context, &mut records, snapshot).await?;
    let (outdated, records): (Vec<Record>, Vec<Record>) =
        records.into_iter().partition(|record| record.outdated);
    let decided: Vec<(Record, Decision)> = records
        .into_iter()
        .filter_map(|record| decide(&record).map(|decision| (record, decision)))
        .collect();
    let new = decided
        .iter()
        .filter(|(_, decision)| matches!(decision, Decision::Create { .. }))
        .count();
    ids.reserve(sender, new).await?;
    let mut writes = Vec::with_capacity(decided.len());
    let mut renames = Vec::new();
    for (mut record, decision) in decided {
        let step = match decision {
            Decision::Unchanged if context.outcome_unknown && record.reduced => WriteStep::Mark,
            Decision::Unchanged => {
                outcomes.unchanged(record);
                continue;
            }
            Decision::Rename {
                attributes,
                effects,
            } => {
                renames.push(Rename {
                    record,
                    attributes,
                    effects,
                });
                continue;
            }
            Decision::Create { onto } => WriteStep::Create {
                id: ids.take(sender).await?,
                onto,
            },
            Decision::Update {
                id,
                version,
                attributes,
                effects,
            } => {
                record.note_replaced_id(rules, snapshot.get(record.canon()));
                WriteStep::Update {
                    id,
                    version,
                    attributes,
                    effects,
                }
            }
        };
        writes.push(Write { record, step });
    }
    Ok(Prepared {
        writes,
        renames,
        outdated,
    })
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

/// User ids, reserved from the counter in blocks. Gaps are acceptable.
#[derive(Default)]
struct UserIds(Option<Range<u64>>);

impl UserIds {
    async fn reserve(&mut self, sender: &Sender<'_>, count: usize) -> Result<(), RunError> {
        let left = self.0.as_ref().map_or(0, |range| range.end - range.start);
        let count = count as u64;
        if count > left {
            self.0 = Some(
                sender
                    .read(sender.store.directory().next_user_ids(count))
                    .await?,
            );
        }
        Ok(())
    }

    async fn take(&mut self, sender: &Sender<'_>) -> Result<u64, RunError> {
        loop {
            if let Some(id) = self.0.as_mut().and_then(Iterator::next) {
                return Ok(id);
            }
            self.reserve(sender, 1).await?;
        }
    }
}
