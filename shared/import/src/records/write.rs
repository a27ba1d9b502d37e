//! The writes of records.

use muster_aws::directory::{ChangeHistory, NewUser, Outcome, Stamps, Statement, UserVersion};
use muster_aws::runs::undo::Entry;
use muster_core::attribute::Attribute;
use muster_core::run::UpdateEffects;

use super::directory::{DirectorySnapshot, user};
use super::record::{Record, RecordOutcomes};
use super::stamped::stamps;
use crate::run::context::RunContext;

/// A write that has not been sent.
pub(super) struct Write {
    pub(super) record: Record,
    pub(super) step: WriteStep,
}

pub(super) enum WriteStep {
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
    pub(super) const fn outcome(&self) -> Outcome {
        match self.step {
            WriteStep::Create { .. } => Outcome::Created,
            WriteStep::Update { .. } => Outcome::Updated,
            WriteStep::Mark => Outcome::Unchanged,
        }
    }

    pub(super) fn count(self, outcomes: &mut RecordOutcomes) {
        match self.step {
            WriteStep::Create { .. } => outcomes.created(self.record),
            WriteStep::Update { effects, .. } => outcomes.updated(self.record, effects),
            WriteStep::Mark => outcomes.unchanged(self.record),
        }
    }

    /// Returns what the write replaces; `None` if it changes no value.
    pub(super) fn entry(&self, snapshot: &DirectorySnapshot) -> Option<Entry> {
        let (record, canon) = (self.record.change.record, self.record.canon());
        match &self.step {
            WriteStep::Create { id, onto } => Some(Entry::created(record, *id, canon, *onto)),
            WriteStep::Update { attributes, .. } => {
                let user = user(snapshot.get(canon))?;
                Some(Entry::updated(record, user, attributes))
            }
            WriteStep::Mark => None,
        }
    }

    pub(super) fn statement(
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
                let difference = self.record.difference(attributes);
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

    pub(super) fn stamps(&self, context: &RunContext<'_>, snapshot: &DirectorySnapshot) -> Stamps {
        let effects = match self.step {
            WriteStep::Update { effects, .. } => effects,
            WriteStep::Create { .. } => UpdateEffects {
                moved: self.record.moves,
                ..UpdateEffects::default()
            },
            WriteStep::Mark => UpdateEffects::default(),
        };
        let stored = snapshot.get(self.record.canon());
        let before = stored.map(|stored| &stored.stamps);
        stamps(&self.record, self.outcome(), effects, before, context)
    }
}
