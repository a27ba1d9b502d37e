//! The preparation of writes: decisions, and claims on external ids.

use super::claims::{claim, release};
use super::directory::DirectorySnapshot;
use super::pass::Pass;
use super::plan::{Decision, decide};
use super::record::Record;
use super::rename::Rename;
use super::sender::RunError;
use super::write::{Write, WriteStep};

/// Writes that are to be sent.
pub(super) struct Prepared {
    pub(super) writes: Vec<Write>,
    pub(super) renames: Vec<Rename>,
    /// Those that take external ids from their users.
    pub(super) takes: Vec<Write>,
    /// Records that must be planned again.
    pub(super) outdated: Vec<Record>,
    /// Records whose external ids are given up by other records.
    pub(super) deferred: Vec<Record>,
}

impl Pass<'_, '_> {
    /// Decides, claims external ids, and decides again for the records that did not get theirs. Counts
    /// the records that need no write, and returns what is to be written of the others.
    pub(super) async fn prepare(
        &mut self,
        mut records: Vec<Record>,
        snapshot: &DirectorySnapshot,
    ) -> Result<Prepared, RunError> {
        let (rules, context, phase) = (self.rules, self.context, self.phase);
        let (sender, ids, outcomes) = (&mut *self.sender, &mut *self.ids, &mut *self.outcomes);
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
        claim(sender, rules, context, phase, &mut records, snapshot).await?;
        let (outdated, records): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| record.outdated);
        let (deferred, records): (Vec<Record>, Vec<Record>) = records
            .into_iter()
            .partition(|record| record.deferred.is_some());
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
        let (mut renames, mut takes) = (Vec::new(), Vec::new());
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
            let write = Write { record, step };
            match write.record.taking {
                Some(_) => takes.push(write),
                None => writes.push(write),
            }
        }
        Ok(Prepared {
            writes,
            renames,
            takes,
            outdated,
            deferred,
        })
    }
}
