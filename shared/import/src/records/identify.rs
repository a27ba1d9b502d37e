//! Finds the person of each record of a task that identifies people by external id
//! (contract.md#identification, protocol.md#renames). A record whose login belongs to the user with
//! its external id needs no look-up.

use std::collections::HashMap;

use muster_aws::directory::{Claim, LoginSlot, UserSnapshot};
use muster_core::attribute::Attribute;
use muster_core::login::canon;
use muster_core::plan::{Refusal, User};
use muster_core::rules::Rules;
use muster_core::text::{decomposed, nfc};

use super::claims::LiveRuns;
use super::conflicts;
use super::directory::{DirectorySnapshot, external_id, moved_rows, user};
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
    loop {
        let doubtful = look_up(sender, context, &mut records, snapshot).await?;
        // Their own rows were read before what was decided: a late statement of this run may have
        // written one in between, and others may have moved what it wrote.
        if doubtful.is_empty() || !context.outcome_unknown {
            return Ok(records);
        }
        let moved = moved_rows(sender, snapshot, doubtful).await?;
        if moved.is_empty() {
            return Ok(records);
        }
        for record in &mut records {
            if moved.contains_key(record.canon()) {
                record.forget_person();
            }
        }
        for (login, row) in moved {
            match row {
                Some(row) => snapshot.insert(login, row),
                None => snapshot.remove(&login),
            };
        }
        records = settle_stamped(rules, context, records, snapshot, outcomes);
    }
}

/// Looks up the external ids of the records whose logins do not settle whom they are about. Returns the
/// logins of those that were refused, or whose claims name these very logins.
async fn look_up(
    sender: &Sender<'_>,
    context: &RunContext<'_>,
    records: &mut [Record],
    snapshot: &DirectorySnapshot,
) -> Result<Vec<String>, RunError> {
    let tenant = context.run.tenant.as_str();
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
    let ids = open.iter().map(|(_, id)| id.as_str()).collect();
    let holders = Holders::read(sender, context, ids).await?;
    let mut doubtful = Vec::new();
    for (record, id) in open {
        let claim = holders.claims.get(&id);
        let claims_own_login = claim.is_some_and(|claim| claim.login == record.canon());
        let others = holders.others(claim, context.run_name());
        let holder = holders.holder(&id, record.canon(), tenant);
        match (holder, user(snapshot.get(record.canon()))) {
            // The other runs of the holder's own claim go on counting on it.
            (Some(holder), None) if others.is_empty() || names(claim, &holder) => {
                let own = context.run_name().to_owned();
                record.renaming = Some(Box::new(Renaming {
                    seen: holder,
                    claim: claim.cloned(),
                    runs: others.into_iter().chain([own]).collect(),
                }));
            }
            (Some(holder), Some(at_login)) => {
                record.refusal = Some(Refusal {
                    attribute: Some(Attribute::Username),
                    problem: conflicts::two_users(at_login, &holder.entry.user),
                });
            }
            // The record is about whoever has its login, or about a new user. A claim that names
            // another login dangles, and is taken over.
            (None, _) if others.is_empty() || claims_own_login => {}
            (Some(_) | None, _) => {
                record.refusal = Some(Refusal {
                    attribute: Some(Attribute::ExternalId),
                    problem: conflicts::promised(),
                });
            }
        }
        if claims_own_login || record.refusal.is_some() {
            doubtful.push(record.canon().to_owned());
        }
    }
    Ok(doubtful)
}

/// The users with some external ids, read in the order claim, runs, user: a run that is over gives its
/// user no id any more.
struct Holders {
    claims: HashMap<String, Claim>,
    runs: LiveRuns,
    /// The slots of the logins that claims name.
    slots: HashMap<String, LoginSlot>,
}

impl Holders {
    async fn read(
        sender: &Sender<'_>,
        context: &RunContext<'_>,
        ids: Vec<&str>,
    ) -> Result<Self, RunError> {
        let directory = sender.store.directory();
        let tenant = context.run.tenant.as_str();
        // An earlier build stored ids as they were sent, some with their accents apart.
        let apart: Vec<String> = ids.iter().filter_map(|id| decomposed(id)).collect();
        let ids: Vec<&str> = ids
            .into_iter()
            .chain(apart.iter().map(String::as_str))
            .collect();
        let claims = sender.read(directory.claims(tenant, ids)).await?;
        let mut runs = LiveRuns::default();
        runs.look_up(sender, context, claims.values().collect())
            .await?;
        let logins: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
        let slots = sender.read(directory.login_slots(logins)).await?;
        Ok(Self {
            claims,
            runs,
            slots,
        })
    }

    /// Returns the user of the tenant who has an external id, or has it in NFD, at another login than
    /// `own`.
    fn holder(&self, id: &str, own: &str, tenant: &str) -> Option<Box<UserSnapshot>> {
        let claims = [Some(id.to_owned()), decomposed(id)];
        let claims = claims
            .into_iter()
            .flatten()
            .filter_map(|id| self.claims.get(&id));
        claims
            .filter(|claim| claim.login != own)
            .filter_map(|claim| self.slots.get(&claim.login)?.clone().into_user())
            .find(|holder| {
                let holder = &holder.entry.user;
                let held = external_id(holder);
                holder.tenant == tenant && held.is_some_and(|held| nfc(held) == nfc(id))
            })
    }

    /// Returns the runs of a claim that are not over, without `own`.
    fn others(&self, claim: Option<&Claim>, own: &str) -> Vec<String> {
        claim.map_or_else(Vec::new, |claim| self.runs.others_of(claim, own))
    }
}

/// Returns true if a claim names the login of this user.
fn names(claim: Option<&Claim>, user: &UserSnapshot) -> bool {
    claim.is_some_and(|claim| claim.login == canon(&user.entry.user.login))
}

/// Returns true unless the user of the login settles whom a record is about: one of another tenant, or
/// one who has an external id.
fn needs_external_id(at_login: Option<&User>, tenant: &str) -> bool {
    at_login.is_none_or(|user| user.tenant == tenant && external_id(user).is_none())
}
