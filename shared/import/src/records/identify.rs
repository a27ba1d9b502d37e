//! Finds the person of each record of a task that identifies people by external id
//! (contract.md#identification, protocol.md#renames). A record whose login belongs to the user with
//! its external id needs no look-up.

use muster_core::attribute::Attribute;
use muster_core::plan::{Refusal, User};
use muster_core::rules::Rules;

use super::claims::LiveRuns;
use super::conflicts;
use super::directory::{DirectorySnapshot, external_id, user};
use super::record::{Record, RecordOutcomes, Renaming};
use super::sender::{RunError, Sender};
use super::stamped::settle_stamped;
use crate::run::context::RunContext;

/// Finds out whom the records are about that were not looked up yet, and counts those that this run
/// turns out to have written already. Returns the others. `snapshot` has the rows of their logins.
pub(crate) async fn identify(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    snapshot: &mut DirectorySnapshot,
    outcomes: &mut RecordOutcomes,
) -> Result<Vec<Record>, RunError> {
    if !rules.identifies_by_external_id() {
        return Ok(records);
    }
    let claimed_here = look_up(sender, context, &mut records, snapshot).await?;
    if claimed_here.is_empty() {
        return Ok(records);
    }
    // The claim names the record's own login, whose row was read before it: a late statement of this
    // run may have given its user the id in between.
    let logins: Vec<&str> = claimed_here.iter().map(String::as_str).collect();
    let rows = sender.read(sender.store.directory().users(logins)).await?;
    for login in claimed_here {
        snapshot.remove(&login);
    }
    snapshot.extend(rows);
    Ok(settle_stamped(rules, context, records, snapshot, outcomes))
}

/// Looks up the external ids of the records whose logins do not settle whom they are about. Returns the
/// logins of those whose claims name these very logins.
async fn look_up(
    sender: &Sender<'_>,
    context: &RunContext<'_>,
    records: &mut [Record],
    snapshot: &DirectorySnapshot,
) -> Result<Vec<String>, RunError> {
    let tenant = context.run.tenant.as_str();
    let store = sender.store;
    let mut open = Vec::new();
    for record in records.iter_mut().filter(|record| !record.identified) {
        record.identified = true;
        if needs_external_id(user(snapshot.get(record.canon())), tenant)
            && let Some(id) = record.external_id()
        {
            let id = id.to_owned();
            open.push((record, id));
        }
    }
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = open.iter().map(|(_, id)| id.as_str()).collect();
    let mut claims = sender.read(store.directory().claims(tenant, ids)).await?;
    // The runs before the users: a run that is over gives its user no id any more.
    let mut runs = LiveRuns::default();
    for claim in claims.values() {
        runs.look_up(sender, context, &claim.runs).await?;
    }
    let logins: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
    let mut slots = sender.read(store.directory().login_slots(logins)).await?;
    let mut claimed_here = Vec::new();
    for (record, id) in open {
        // Nobody has the id: the record is about whoever has its login, or about a new user.
        let Some(claim) = claims.remove(&id) else {
            continue;
        };
        if claim.login == record.canon() {
            claimed_here.push(claim.login);
            continue;
        }
        let others = runs.others_of(&claim, context.run_name());
        let holder = slots.remove(&claim.login).and_then(|slot| slot.into_user());
        let holder = holder.filter(|holder| {
            let holder = &holder.entry.user;
            holder.tenant == tenant && external_id(holder) == Some(&id)
        });
        match (holder, user(snapshot.get(record.canon()))) {
            (Some(holder), None) => {
                let own = context.run_name().to_owned();
                record.renaming = Some(Box::new(Renaming {
                    seen: holder,
                    claim,
                    runs: others.into_iter().chain([own]).collect(),
                }));
            }
            (Some(holder), Some(at_login)) => {
                record.refusal = Some(Refusal {
                    attribute: Some(Attribute::Username),
                    problem: conflicts::two_users(at_login, &holder.entry.user),
                });
            }
            // The claim dangles; it is taken over.
            (None, _) if others.is_empty() => {}
            (None, _) => {
                record.refusal = Some(Refusal {
                    attribute: Some(Attribute::ExternalId),
                    problem: conflicts::promised(),
                });
            }
        }
    }
    Ok(claimed_here)
}

/// Returns true unless the user of the login settles whom a record is about: one of another tenant, or
/// one who has an external id.
fn needs_external_id(at_login: Option<&User>, tenant: &str) -> bool {
    at_login.is_none_or(|user| user.tenant == tenant && external_id(user).is_none())
}
