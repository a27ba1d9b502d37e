//! Writing what was planned, conditionally: whoever changed a user in between is seen, and the
//! record is planned again from what stands there then. A record's own stamp says that it is
//! written already, though the answer was lost.

use std::collections::HashMap;
use std::ops::Range;

use muster_aws::directory::{
    Changes, Executed, NewUser, Outcome, SeenUser, Stamp, Stamps, Statement,
};
use muster_core::attribute::Attribute;
use muster_core::rules::Rules;

use crate::claiming::{claim, release};
use crate::planning::{Decision, decide};
use crate::sending::{Halt, Sender, Sent};
use crate::stamped::settle_stamped;
use crate::work::{Ledger, Record, RunContext, Standing};

/// Writes what the records change. The ledger counts each as soon as its answer is there.
pub(crate) async fn apply(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    mut standing: Standing,
    ledger: &mut Ledger,
) -> Result<(), Halt> {
    let mut ids = Ids::default();
    loop {
        let left = settle_stamped(rules, context, records, &standing, ledger);
        let writes = prepare(sender, rules, context, left, &standing, &mut ids, ledger).await?;
        let mut refused = Vec::new();
        let table = sender.store.tables.directory.clone();
        sender
            .send(
                writes,
                |write| write.statement(&table, context, &standing),
                |write, sent| match sent {
                    Sent::Done => write.settle(ledger),
                    Sent::Refused(found) => refused.push((write.record, found)),
                },
            )
            .await?;
        if refused.is_empty() {
            return Ok(());
        }
        (records, standing) = look_again(sender, refused).await?;
    }
}

/// A write that is to be sent.
struct Write {
    record: Record,
    step: Step,
}

enum Step {
    Create {
        id: u64,
        onto: Option<u64>,
    },
    Update {
        id: u64,
        version: u64,
        attributes: Vec<Attribute>,
    },
    /// Nothing but the version and a stamp: no other plan on the same user takes effect.
    Mark,
}

impl Write {
    const fn outcome(&self) -> Outcome {
        match self.step {
            Step::Create { .. } => Outcome::Created,
            Step::Update { .. } => Outcome::Updated,
            Step::Mark => Outcome::Unchanged,
        }
    }

    fn settle(self, ledger: &mut Ledger) {
        match self.step {
            Step::Create { .. } => ledger.created(self.record),
            Step::Update { .. } => ledger.updated(self.record),
            Step::Mark => ledger.unchanged(self.record),
        }
    }

    fn statement(&self, table: &str, context: &RunContext<'_>, standing: &Standing) -> Statement {
        let canon = self.record.canon();
        let author = &context.author;
        let stamps = self.stamps(context, standing);
        let assignments = &self.record.change.changes.assignments;
        match &self.step {
            Step::Create { id, onto } => {
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
            Step::Update {
                id,
                version,
                attributes,
            } => {
                let difference: Vec<_> = assignments
                    .iter()
                    .filter(|(attribute, _)| attributes.contains(attribute))
                    .map(|(attribute, assignment)| (*attribute, assignment))
                    .collect();
                let none = Changes::default();
                let stored = standing.get(canon);
                let user = SeenUser {
                    id: *id,
                    version: *version,
                    changes: stored.map_or(&none, |stored| &stored.changes),
                };
                Statement::change(table, canon, &user, &difference, &stamps, author)
            }
            Step::Mark => {
                let stored = standing.get(canon);
                Statement::fence(table, canon, stored, &stamps, context.stamps_until)
            }
        }
    }

    fn stamps(&self, context: &RunContext<'_>, standing: &Standing) -> Stamps {
        let before = standing
            .get(self.record.canon())
            .map(|stored| &stored.stamps);
        let stamp = Stamp {
            task: context.run.task,
            record: self.record.change.record,
            outcome: self.outcome(),
            warnings: self
                .record
                .warnings
                .iter()
                .map(|item| item.code.clone().into_owned())
                .collect(),
            until: context.stamps_until,
        };
        context.stamps_after(before.unwrap_or(&Stamps::new()), stamp)
    }
}

/// Decides, claims, and decides again for those that did not get their external id; settles
/// what needs no write.
async fn prepare(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: Vec<Record>,
    standing: &Standing,
    ids: &mut Ids,
    ledger: &mut Ledger,
) -> Result<Vec<Write>, Halt> {
    let mut decide =
        |record: &Record| decide(rules, context, record, standing.get(record.canon()), ledger);
    let (mut records, lost): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|record| decide(record).is_some());
    release(sender, context, lost, standing).await?;
    claim(sender, rules, context, records.iter_mut(), standing).await?;
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
    for (record, decision) in decided {
        let step = match decision {
            Decision::Unchanged if context.unsure && record.reduced => Step::Mark,
            Decision::Unchanged => {
                ledger.unchanged(record);
                continue;
            }
            Decision::Create { onto } => Step::Create {
                id: ids.take(sender).await?,
                onto,
            },
            Decision::Update {
                id,
                version,
                attributes,
            } => Step::Update {
                id,
                version,
                attributes,
            },
        };
        writes.push(Write { record, step });
    }
    Ok(writes)
}

/// What stands now under the logins of refused writes.
async fn look_again(
    sender: &Sender<'_>,
    refused: Vec<(Record, Executed)>,
) -> Result<(Vec<Record>, Standing), Halt> {
    let mut standing: Standing = HashMap::new();
    let mut records = Vec::with_capacity(refused.len());
    for (record, found) in refused {
        if let Some(stored) = found.found()? {
            standing.insert(record.canon().to_owned(), stored);
        }
        records.push(record);
    }
    let unknown: Vec<&str> = records
        .iter()
        .map(Record::canon)
        .filter(|canon| !standing.contains_key(*canon))
        .collect();
    let read = sender.read(sender.store.users(unknown)).await?;
    standing.extend(read);
    Ok((records, standing))
}

/// User ids, taken from the counter in blocks; gaps are fine.
#[derive(Default)]
struct Ids(Option<Range<u64>>);

impl Ids {
    async fn reserve(&mut self, sender: &Sender<'_>, count: usize) -> Result<(), Halt> {
        let left = self.0.as_ref().map_or(0, |range| range.end - range.start);
        let count = count as u64;
        if count > left {
            self.0 = Some(sender.read(sender.store.next_user_ids(count)).await?);
        }
        Ok(())
    }

    async fn take(&mut self, sender: &Sender<'_>) -> Result<u64, Halt> {
        loop {
            if let Some(id) = self.0.as_mut().and_then(Iterator::next) {
                return Ok(id);
            }
            self.reserve(sender, 1).await?;
        }
    }
}
