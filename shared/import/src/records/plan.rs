//! The plan of a run before its first write: which users exist, which managers and external ids are
//! valid, and what each record changes.

use muster_aws::directory::LoginRow;
use muster_core::attribute::Attribute;
use muster_core::dialect::quant::NEW_USER;
use muster_core::plan::{MergedUser, Plan, effects, plan};
use muster_core::rules::Rules;
use muster_core::run::UpdateEffects;
use muster_core::value::Assignment;

use super::conflicts::taken_by_earlier;
use super::directory::DirectorySnapshot;
use super::identify::identify;
use super::managers::{ManagerRefs, Managers, UNRESOLVED_MANAGER};
use super::moves::GivenUp;
use super::record::{Record, RecordOutcomes};
use super::sender::{RunError, Sender};
use super::stamped::settle_stamped;
use crate::run::context::RunContext;

/// The planned effect of a record that is not ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Creates the user, on the tombstone of version `onto` if there is one.
    Create { onto: Option<u64> },
    /// Changes these attributes of this user.
    Update {
        id: u64,
        version: u64,
        attributes: Vec<Attribute>,
        effects: UpdateEffects,
    },
    /// Gives the user whom the record is about its login, and changes these attributes.
    Rename {
        attributes: Vec<Attribute>,
        effects: UpdateEffects,
    },
    /// Changes nothing.
    Unchanged,
}

/// Plans every record before the first is written. Adds those that are ignored to `outcomes`, and
/// returns the others in order, with the rows stored under their logins.
pub(crate) async fn plan_all(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: Vec<Record>,
    given_up: &GivenUp,
    outcomes: &mut RecordOutcomes,
) -> Result<(Vec<Record>, DirectorySnapshot), RunError> {
    let store = sender.store;
    let mut snapshot = sender
        .read(store.directory().users(records.iter().map(Record::canon)))
        .await?;
    let records = settle_stamped(rules, context, records, &snapshot, outcomes);
    let mut records = identify(sender, rules, context, records, &mut snapshot, outcomes).await?;
    check_managers(sender, rules, context, &mut records, &snapshot, given_up).await?;
    records.retain_mut(|record| {
        let stored = snapshot.get(record.canon());
        if decide(rules, context, record, stored, outcomes).is_none() {
            return false;
        }
        keep_external_id_unique(rules, record, stored);
        record.refusal.is_none() || decide(rules, context, record, stored, outcomes).is_some()
    });
    Ok((records, snapshot))
}

/// Decides what a record changes in the row stored under its login, or in the user whom it renames.
/// Returns `None` if the record is ignored; it is counted then.
pub(crate) fn decide(
    rules: &Rules,
    context: &RunContext<'_>,
    record: &Record,
    stored: Option<&LoginRow>,
    outcomes: &mut RecordOutcomes,
) -> Option<Decision> {
    let current = record.current(stored);
    let own = current.filter(|user| user.tenant == context.run.tenant);
    if let Some(refusal) = &record.refusal {
        outcomes.keep_id_of(own);
        outcomes.ignored(rules, record, vec![refusal.clone()]);
        return None;
    }
    if record
        .change
        .changes
        .refused
        .contains(Attribute::ExternalId)
    {
        outcomes.keep_id_of(own);
    }
    let is_renamed = record.renaming.is_some();
    match (
        plan(
            &record.change.changes,
            current,
            &context.run.tenant,
            NEW_USER,
            rules.person(),
        ),
        current,
    ) {
        (Plan::Update(difference), Some(_)) if is_renamed => Some(rename(&difference)),
        (Plan::Unchanged, _) if is_renamed => Some(rename(&[])),
        (Plan::Update(difference), Some(user)) => Some(Decision::Update {
            id: user.id,
            version: user.version,
            attributes: difference.iter().map(|(attribute, _)| *attribute).collect(),
            effects: UpdateEffects {
                moved: record.moves && sets_external_id(&difference),
                ..effects(&difference)
            },
        }),
        (Plan::Create | Plan::Update(_), _) => Some(Decision::Create {
            onto: stored.map(|tombstone| tombstone.version),
        }),
        (Plan::Unchanged, _) => Some(Decision::Unchanged),
        (Plan::Ignored(refusals), _) => {
            outcomes.keep_id_of(own);
            outcomes.ignored(rules, record, refusals);
            None
        }
    }
}

fn sets_external_id(difference: &[(Attribute, &Assignment<'_>)]) -> bool {
    let mut attributes = difference.iter().map(|(attribute, _)| *attribute);
    attributes.any(|attribute| attribute == Attribute::ExternalId)
}

fn rename(difference: &[(Attribute, &Assignment<'_>)]) -> Decision {
    Decision::Rename {
        attributes: difference.iter().map(|(attribute, _)| *attribute).collect(),
        effects: UpdateEffects {
            renamed: true,
            ..effects(difference)
        },
    }
}

/// Of several records of an input that set one external id, the first gets it, even if it is ignored.
/// A user who has it already keeps it in any case.
fn keep_external_id_unique(rules: &Rules, record: &mut Record, stored: Option<&LoginRow>) {
    if let Some(first) = record.change.external_id_taken_by
        && record.new_external_id(stored).is_some()
    {
        record.refuse_external_id(rules, taken_by_earlier(first));
    }
}

/// Drops invalid managers. An unknown `manager_uid` stays: that user may be created later.
async fn check_managers(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: &mut [Record],
    snapshot: &DirectorySnapshot,
    given_up: &GivenUp,
) -> Result<(), RunError> {
    let tenant = context.run.tenant.as_str();
    let mut refs = ManagerRefs::default();
    for record in records.iter() {
        refs.add(&record.change.changes);
        if let Some(uid) = record.new_manager_elsewhere(snapshot.get(record.canon()), tenant) {
            refs.add_uid(uid);
        }
    }
    let mut managers = sender
        .read(Managers::read(sender.store, tenant, refs))
        .await?;
    let getting = records
        .iter()
        .filter(|record| record.refusal.is_none() && record.change.external_id_taken_by.is_none());
    for record in getting {
        let own = record.current(snapshot.get(record.canon()));
        let own = own.filter(|user| user.tenant == tenant);
        if let (Some(id), Some(user)) = (record.external_id(), own) {
            managers.note_given(id, user, given_up);
        }
    }
    for record in records {
        let own = record.current(snapshot.get(record.canon()));
        let own = own.filter(|user| user.tenant == tenant);
        let merged = MergedUser {
            stored: own,
            changes: &record.change.changes,
        };
        for (attribute, problem) in managers.problems(merged) {
            match attribute {
                Attribute::ExternalId => record.refuse_external_id(rules, problem),
                _ => record.keep_stored(rules, attribute, problem),
            }
        }
        let stored = snapshot.get(record.canon());
        let is_unresolved = record
            .new_manager_elsewhere(stored, tenant)
            .is_some_and(|uid| managers.holder(uid).is_none());
        if is_unresolved {
            record.warn(rules, Attribute::ManagerUid, UNRESOLVED_MANAGER);
        }
    }
    Ok(())
}
