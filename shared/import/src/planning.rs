//! The plan of a whole run before its first write: who is stored, which managers and external
//! ids exist, and what each record means for its user.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use muster_aws::directory::Stored;
use muster_core::attribute::Attribute;
use muster_core::dialect::quant::NEW_USER;
use muster_core::plan::{Merged, Plan, User, plan};
use muster_core::rules::Rules;
use muster_core::survey::external_id_taken;
use muster_core::value::{Problem, Value};

use crate::managers::{Managers, Named};
use crate::sending::{Halt, Sender};
use crate::stamped::settle_stamped;
use crate::work::{Ledger, Record, RunContext, Standing};

/// What a record that is kept is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Make the user, on the tombstone of this version if there is one.
    Create { onto: Option<u64> },
    /// Change these attributes of this user.
    Update {
        id: u64,
        version: u64,
        attributes: Vec<Attribute>,
    },
    /// Nothing.
    Unchanged,
}

/// Plans every record before the first is written: settles those that are ignored, gives back the
/// others in order, and what stands under their logins.
pub(crate) async fn plan_all(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: Vec<Record>,
    ledger: &mut Ledger,
) -> Result<(Vec<Record>, Standing), Halt> {
    let store = sender.store;
    let standing = sender
        .read(store.users(records.iter().map(Record::canon)))
        .await?;
    let mut records = settle_stamped(rules, context, records, &standing, ledger);
    check_managers(sender, rules, context, &mut records, &standing).await?;
    let mut external_ids = HashMap::new();
    records.retain_mut(|record| {
        let stored = standing.get(record.canon());
        let kept = decide(rules, context, record, stored, ledger).is_some();
        if kept {
            keep_unique(rules, record, stored, &mut external_ids);
        }
        kept
    });
    Ok((records, standing))
}

/// What a record means for what stands under its login; `None`: it is ignored, and counted so.
pub(crate) fn decide(
    rules: &Rules,
    context: &RunContext<'_>,
    record: &Record,
    stored: Option<&Stored>,
    ledger: &mut Ledger,
) -> Option<Decision> {
    let current = user(stored);
    match (
        plan(
            &record.change.changes,
            current,
            &context.run.tenant,
            NEW_USER,
        ),
        current,
    ) {
        (Plan::Update(difference), Some(user)) => Some(Decision::Update {
            id: user.id,
            version: user.version,
            attributes: difference.iter().map(|(attribute, _)| *attribute).collect(),
        }),
        (Plan::Create | Plan::Update(_), _) => Some(Decision::Create {
            onto: stored.map(|tombstone| tombstone.version),
        }),
        (Plan::Unchanged, _) => Some(Decision::Unchanged),
        (Plan::Ignored(refusals), _) => {
            ledger.ignored(rules, record, refusals);
            None
        }
    }
}

pub(crate) fn user(stored: Option<&Stored>) -> Option<&User> {
    stored.and_then(|stored| stored.user.as_ref())
}

/// The external id that a record sets.
pub(crate) fn external_id(record: &Record) -> Option<&str> {
    match record.change.changes.value(Attribute::ExternalId) {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    }
}

/// The external id that a record gives to a user who does not have it yet.
pub(crate) fn new_external_id<'r>(record: &'r Record, stored: Option<&Stored>) -> Option<&'r str> {
    let id = external_id(record)?;
    let held = user(stored).and_then(|user| user.values.get(&Attribute::ExternalId));
    match held {
        Some(Value::Text(held)) if held == id => None,
        _ => Some(id),
    }
}

/// Of several records of an input that set one external id, the first keeps it. A user who has
/// it already keeps it in any case.
fn keep_unique(
    rules: &Rules,
    record: &mut Record,
    stored: Option<&Stored>,
    seen: &mut HashMap<String, u64>,
) {
    let Some(id) = external_id(record).map(str::to_owned) else {
        return;
    };
    let is_new = new_external_id(record, stored).is_some();
    if let Some(first) = record.change.external_id_taken_by
        && is_new
    {
        record.keep(rules, Attribute::ExternalId, taken_by_earlier(first));
        return;
    }
    match seen.entry(id) {
        Entry::Vacant(entry) => {
            entry.insert(record.change.record);
        }
        Entry::Occupied(first) if is_new => {
            let problem = taken_by_earlier(*first.get());
            record.keep(rules, Attribute::ExternalId, problem);
        }
        Entry::Occupied(_) => {}
    }
}

fn taken_by_earlier(record: u64) -> Problem {
    external_id_taken(&format!("an earlier record, {record}"))
}

/// Whether this is the user of the tenant who has the external id.
pub(crate) fn has_external_id(stored: Option<&Stored>, tenant: &str, id: &str) -> bool {
    user(stored).is_some_and(|user| {
        let held = user.values.get(&Attribute::ExternalId);
        user.tenant == tenant && matches!(held, Some(Value::Text(held)) if held == id)
    })
}

/// Takes out managers that cannot be. An unknown `manager_uid` stays: it may appear later.
async fn check_managers(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: &mut [Record],
    standing: &Standing,
) -> Result<(), Halt> {
    let tenant = context.run.tenant.as_str();
    let mut named = Named::default();
    for record in records.iter() {
        named.add(&record.change.changes);
    }
    let managers = sender
        .read(Managers::look(sender.store, tenant, named))
        .await?;
    for record in records {
        let own = user(standing.get(record.canon())).filter(|user| user.tenant == tenant);
        let merged = Merged {
            stored: own,
            changes: &record.change.changes,
        };
        for (attribute, problem) in managers.problems(merged) {
            record.keep(rules, attribute, problem);
        }
    }
    Ok(())
}
