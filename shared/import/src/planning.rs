//! The plan of a whole run before its first write: who is stored, which managers and external
//! ids exist, and what each record means for its user.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use muster_aws::directory::Stored;
use muster_core::attribute::Attribute;
use muster_core::plan::{Plan, User, plan};
use muster_core::rules::Rules;
use muster_core::survey::external_id_taken;
use muster_core::value::{Problem, Value};

use crate::sending::{Halt, Sender};
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
    mut records: Vec<Record>,
    ledger: &mut Ledger,
) -> Result<(Vec<Record>, Standing), Halt> {
    let store = sender.store;
    let standing = sender
        .read(store.users(records.iter().map(Record::canon)))
        .await?;
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
        plan(&record.change.changes, current, &context.run.tenant),
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
fn external_id(record: &Record) -> Option<&str> {
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
    match seen.entry(id) {
        Entry::Vacant(entry) => {
            entry.insert(record.change.record);
        }
        Entry::Occupied(first) if is_new => {
            let problem = external_id_taken(&format!("an earlier record, {}", first.get()));
            record.keep(rules, Attribute::ExternalId, problem);
        }
        Entry::Occupied(_) => {}
    }
}

/// Whether this is the user of the tenant who has the external id.
pub(crate) fn has_external_id(stored: Option<&Stored>, tenant: &str, id: &str) -> bool {
    user(stored).is_some_and(|user| {
        let held = user.values.get(&Attribute::ExternalId);
        user.tenant == tenant && matches!(held, Some(Value::Text(held)) if held == id)
    })
}

/// Takes out managers that cannot be: unknown ids, the users themselves, and ids and external ids
/// of two different people. An unknown `manager_uid` stays: it may appear later.
async fn check_managers(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: &mut [Record],
    standing: &Standing,
) -> Result<(), Halt> {
    let store = sender.store;
    let tenant = context.run.tenant.as_str();
    let ids: HashSet<u64> = records.iter().filter_map(manager_id).collect();
    let known = sender.read(store.logins_by_id(tenant, ids)).await?;
    let uids: HashSet<&str> = records
        .iter()
        .filter(|record| manager_id(record).is_some())
        .filter_map(manager_uid)
        .collect();
    let claims = sender.read(store.claims(tenant, uids)).await?;
    let claimants: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
    let claimants = sender.read(store.users(claimants)).await?;
    // A claim alone proves nothing: the user may have moved on to another id.
    let holder = |uid: &str| {
        let login = claims.get(uid)?.login.as_str();
        has_external_id(claimants.get(login), tenant, uid).then_some(login)
    };
    for record in records {
        let own = user(standing.get(record.canon())).filter(|user| user.tenant == tenant);
        let problems = manager_problems(record, own, &known, holder);
        for (attribute, problem) in problems {
            record.keep(rules, attribute, problem);
        }
    }
    Ok(())
}

fn manager_problems<'c>(
    record: &Record,
    own: Option<&User>,
    known: &HashMap<u64, String>,
    holder: impl Fn(&str) -> Option<&'c str>,
) -> Vec<(Attribute, Problem)> {
    let mut problems = Vec::new();
    let own_id = own.map(|user| user.id);
    let own_uid = own.and_then(|user| user.values.get(&Attribute::ExternalId));
    let mut id_is_good = false;
    if let Some(id) = manager_id(record) {
        if own_id == Some(id) {
            problems.push((Attribute::ManagerId, OWN_MANAGER));
        } else if !known.contains_key(&id) {
            problems.push((Attribute::ManagerId, UNKNOWN_MANAGER));
        } else {
            id_is_good = true;
        }
    }
    let Some(uid) = manager_uid(record) else {
        return problems;
    };
    let assignments = &record.change.changes.assignments;
    let keeps_own_uid = assignments.iter().all(|(a, _)| *a != Attribute::ExternalId);
    if keeps_own_uid && own_uid == record.change.changes.value(Attribute::ManagerUid) {
        problems.push((Attribute::ManagerUid, OWN_MANAGER));
    } else if id_is_good
        && let Some(login) = manager_id(record).and_then(|id| known.get(&id))
        && holder(uid).is_some_and(|holder| holder != login)
    {
        problems.push((Attribute::ManagerId, TWO_MANAGERS));
        problems.push((Attribute::ManagerUid, TWO_MANAGERS));
    }
    problems
}

const OWN_MANAGER: Problem = Problem {
    code: "own_manager",
    message: std::borrow::Cow::Borrowed("names the user as their own manager"),
};
const UNKNOWN_MANAGER: Problem = Problem {
    code: "unknown",
    message: std::borrow::Cow::Borrowed("there is no user with this id"),
};
const TWO_MANAGERS: Problem = Problem {
    code: "disagrees",
    message: std::borrow::Cow::Borrowed(
        "the manager's id and external id belong to two different users",
    ),
};

fn manager_id(record: &Record) -> Option<u64> {
    match record.change.changes.value(Attribute::ManagerId) {
        Some(Value::Integer(id)) => u64::try_from(*id).ok(),
        _ => None,
    }
}

fn manager_uid(record: &Record) -> Option<&str> {
    match record.change.changes.value(Attribute::ManagerUid) {
        Some(Value::Text(uid)) => Some(uid),
        _ => None,
    }
}
