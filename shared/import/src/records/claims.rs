//! Claims on external ids, made before the users are written (protocol.md#claims). A claim whose
//! user does not have the id dangles, and may be taken over once its runs are over.

use std::collections::{BTreeSet, HashMap};

use futures::future::try_join_all;
use jiff::Timestamp;
use muster_aws::directory::Claim;
use muster_aws::directory::Statement;
use muster_aws::runs::RunId;
use muster_aws::{Store, StoreError};
use muster_core::rules::Rules;
use muster_core::text::decomposed;
use muster_core::value::Problem;

use super::conflicts;
use super::directory::{DirectorySnapshot, external_id, has_external_id, moved_rows, user};
use super::moves::{GivenUp, Held, Phase};
use super::record::{Record, Taking};
use super::sender::{RunError, Sender, WriteResult};
use crate::run::context::RunContext;

/// Maximum runs that are read concurrently.
const MAX_CONCURRENT_RUN_READS: usize = 16;
/// Maximum attempts on a contended claim before the external id counts as taken.
const MAX_CLAIM_ATTEMPTS: usize = 4;

/// A record that needs the claim on `id`.
struct ClaimRequest<'r> {
    record: &'r mut Record,
    id: String,
    step: ClaimStep,
}

/// The write that makes the claim ours.
enum ClaimStep {
    Insert,
    /// Confirms our claim; the names are those of its runs that are not over.
    Confirm(Claim, Vec<String>),
    TakeOver(Claim),
}

/// Claims the external ids that records set. A record that does not get its id keeps the stored
/// one, with a warning, or is ignored. It is marked as outdated if it must be planned again: somebody
/// has got the id since its person was looked for, or its own row has changed.
pub(super) async fn claim(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    phase: Phase<'_>,
    records: &mut [Record],
    snapshot: &DirectorySnapshot,
) -> Result<(), RunError> {
    make_claims(sender, rules, context, phase, records.iter_mut(), snapshot).await?;
    if !context.outcome_unknown {
        return Ok(());
    }
    // Their own rows were read before the claims that refused or deferred them: a late statement of this run may
    // have written one in between, and others may have moved what it wrote.
    let refused = records
        .iter()
        .filter(|record| record.refusal.is_some() || record.deferred.is_some());
    let refused: Vec<String> = refused.map(|record| record.canon().to_owned()).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let moved = moved_rows(sender, snapshot, refused).await?;
    for record in records {
        record.outdated |= moved.contains_key(record.canon());
    }
    Ok(())
}

async fn make_claims<'r>(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    phase: Phase<'_>,
    records: impl Iterator<Item = &'r mut Record>,
    snapshot: &DirectorySnapshot,
) -> Result<(), RunError> {
    let requests = claim_requests(records, snapshot).collect();
    let requests = leave_decomposed(sender, rules, context, requests).await?;
    // Claims of deferred records are there. A record that is planned again because its write was
    // refused may have lost its claim: to a user who was given the id by a single write, and has
    // another login since.
    let (held, mut requests): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .partition(|request| request.record.claimed || matches!(phase, Phase::Move(_)));
    requests.extend(resolve(sender, rules, context, phase, held, snapshot).await?);
    for _ in 0..MAX_CLAIM_ATTEMPTS {
        if requests.is_empty() {
            return Ok(());
        }
        let mut refused = Vec::new();
        let run = context.run_name();
        let table = sender.store.tables.directory.clone();
        sender
            .send(
                requests,
                |request| request.statement(&table, &context.run.tenant, run),
                |request, result| match result {
                    WriteResult::Written => request.record.claimed = true,
                    WriteResult::Refused(_) => refused.push(request),
                },
            )
            .await?;
        requests = resolve(sender, rules, context, phase, refused, snapshot).await?;
    }
    for request in requests {
        request.reject(rules, conflicts::promised());
    }
    Ok(())
}

/// Releases the claims of records that are ignored in the end, such as those whose logins other
/// tenants have taken since: they will not set their external ids. A claim that another run relies
/// on stays.
pub(super) async fn release(
    sender: &mut Sender<'_>,
    context: &RunContext<'_>,
    ignored: Vec<Record>,
    snapshot: &DirectorySnapshot,
) -> Result<(), RunError> {
    let tenant = context.run.tenant.as_str();
    let released: Vec<(String, String)> = ignored
        .iter()
        .filter(|record| record.claimed)
        .filter_map(|record| {
            let (id, login) = (record.external_id()?, record.canon());
            let held = has_external_id(snapshot.get(login), tenant, id);
            (!held).then(|| (id.to_owned(), login.to_owned()))
        })
        .collect();
    let table = sender.store.tables.directory.clone();
    let run = context.run_name();
    sender
        .send(
            released,
            |(id, login)| Claim::release(&table, tenant, id, login, run),
            |_, _| {},
        )
        .await
}

/// Adds the warnings that [`claim`] would add, and defers records as it would, without writing anything. Claims that others make
/// at the same time cannot be predicted.
pub(super) async fn predict<'r>(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    given_up: &GivenUp,
    records: impl Iterator<Item = &'r mut Record>,
    snapshot: &DirectorySnapshot,
) -> Result<(), RunError> {
    let phase = Phase::Apply(given_up);
    let requests = claim_requests(records, snapshot).collect();
    let requests = leave_decomposed(sender, rules, context, requests).await?;
    resolve(sender, rules, context, phase, requests, snapshot).await?;
    Ok(())
}

/// Rejects the requests for ids that other users have in NFD: an earlier build stored ids as they were
/// sent, some with their accents apart. Returns the others. Where the id says whom a record is about,
/// these users were looked up before.
async fn leave_decomposed<'r>(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    requests: Vec<ClaimRequest<'r>>,
) -> Result<Vec<ClaimRequest<'r>>, RunError> {
    let apart: HashMap<String, String> = requests
        .iter()
        .filter_map(|request| Some((request.id.clone(), decomposed(&request.id)?)))
        .collect();
    if apart.is_empty() || rules.identifies_by_external_id() {
        return Ok(requests);
    }
    let (store, tenant) = (sender.store, context.run.tenant.as_str());
    let ids: Vec<&str> = apart.values().map(String::as_str).collect();
    let claims = sender.read(store.directory().claims(tenant, ids)).await?;
    let claimants: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
    let claimants = sender.read(store.directory().users(claimants)).await?;
    let holder = |request: &ClaimRequest<'_>| {
        let id = apart.get(&request.id)?;
        let login = &claims.get(id)?.login;
        let row = claimants.get(login)?;
        let is_other = login != request.record.canon() && has_external_id(Some(row), tenant, id);
        user(is_other.then_some(row))
    };
    let mut others = Vec::with_capacity(requests.len());
    for request in requests {
        match holder(&request) {
            Some(holder) => request.reject(rules, conflicts::held_by(holder)),
            None => others.push(request),
        }
    }
    Ok(others)
}

/// Returns a request for each record that gives its user a new external id. A rename makes its claim
/// itself.
fn claim_requests<'r>(
    records: impl Iterator<Item = &'r mut Record>,
    snapshot: &DirectorySnapshot,
) -> impl Iterator<Item = ClaimRequest<'r>> {
    let records = records.filter(|record| record.renaming.is_none());
    records.filter_map(|record| {
        let id = record
            .new_external_id(snapshot.get(record.canon()))?
            .to_owned();
        Some(ClaimRequest {
            record,
            id,
            step: ClaimStep::Insert,
        })
    })
}

impl ClaimRequest<'_> {
    /// Leaves the external id to the user who has it, or is about to get it.
    fn reject(self, rules: &Rules, problem: Problem) {
        self.record.claimed = false;
        self.record.refuse_external_id(rules, problem);
    }

    /// Returns true if the user with the record's login has an external id.
    fn is_of_known_person(&self, snapshot: &DirectorySnapshot) -> bool {
        let stored = snapshot.get(self.record.canon());
        user(stored).and_then(external_id).is_some()
    }

    fn statement(&self, table: &str, tenant: &str, run: &str) -> Statement {
        let (id, login) = (self.id.as_str(), self.record.canon());
        match &self.step {
            ClaimStep::Insert => Claim::insert(table, tenant, id, login, run),
            ClaimStep::Confirm(claim, live) => claim.confirm(table, tenant, id, live, run),
            ClaimStep::TakeOver(claim) => claim.take_over(table, tenant, id, login, run),
        }
    }
}

/// Reads the current claims of refused requests: decides those that are clear, and returns the
/// others with their next step.
async fn resolve<'r>(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    phase: Phase<'_>,
    refused: Vec<ClaimRequest<'r>>,
    snapshot: &DirectorySnapshot,
) -> Result<Vec<ClaimRequest<'r>>, RunError> {
    if refused.is_empty() {
        return Ok(refused);
    }
    let store = sender.store;
    let tenant = context.run.tenant.as_str();
    let run = context.run_name();
    let ids: Vec<&str> = refused.iter().map(|request| request.id.as_str()).collect();
    let claims = sender.read(store.directory().claims(tenant, ids)).await?;
    // The runs before the users: a run that is over gives its user no id any more.
    let mut runs = LiveRuns::default();
    runs.look_up(sender, context, claims.values().collect())
        .await?;
    let claimants: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
    let claimants = sender.read(store.directory().users(claimants)).await?;
    let mut next = Vec::new();
    for mut request in refused {
        let Some(claim) = claims.get(&request.id) else {
            request.step = ClaimStep::Insert;
            next.push(request);
            continue;
        };
        let live = runs.of(claim);
        if claim.login == request.record.canon() {
            if claim.runs.iter().any(|other| other == run) {
                request.record.claimed = true;
            } else {
                request.step = ClaimStep::Confirm(claim.clone(), live);
                next.push(request);
            }
            continue;
        }
        // Where ids are unique in the input, this run gives this one to this record's user only.
        let is_promised = match rules.identifies_by_external_id() {
            true => !runs.others_of(claim, run).is_empty(),
            false => !live.is_empty(),
        };
        let claimant = claimants.get(&claim.login);
        let holder = user(claimant.filter(|row| has_external_id(Some(row), tenant, &request.id)));
        match holder {
            // Somebody got it since: the record is about them, unless it is about the user with its
            // login, who has an id, too.
            Some(_)
                if rules.identifies_by_external_id() && !request.is_of_known_person(snapshot) =>
            {
                request.record.outdated = true;
            }
            Some(holder) => match phase.about(request.record, holder, &claim.login) {
                // An id that another run counts on may be promised by it once it is given up.
                Held::Deferred(deferred) if runs.others_of(claim, run).is_empty() => {
                    request.record.deferred = Some(deferred.into());
                }
                // A record that may be ignored is never written onto a row that it could have been
                // ignored for: a late take would be counted as neither.
                Held::Taken if !rules.person().refuses_others() => {
                    request.record.taking = Some(Box::new(Taking {
                        holder: holder.id,
                        login: claim.login.clone(),
                        claim: claim.clone(),
                    }));
                }
                Held::Deferred(_) | Held::Taken | Held::Kept => {
                    request.reject(rules, conflicts::held_by(holder));
                }
            },
            None if !is_promised => {
                request.step = ClaimStep::TakeOver(claim.clone());
                next.push(request);
            }
            None => request.reject(rules, conflicts::promised()),
        }
    }
    Ok(next)
}

/// The runs of claims, each read once.
#[derive(Default)]
pub(super) struct LiveRuns(HashMap<String, bool>);

impl LiveRuns {
    /// Reads the runs of claims that are not known yet.
    pub(super) async fn look_up(
        &mut self,
        sender: &Sender<'_>,
        context: &RunContext<'_>,
        claims: Vec<&Claim>,
    ) -> Result<(), RunError> {
        let unknown: BTreeSet<&String> = claims
            .into_iter()
            .flat_map(|claim| &claim.runs)
            .filter(|run| !self.0.contains_key(*run))
            .collect();
        let unknown: Vec<&String> = unknown.into_iter().collect();
        for runs in unknown.chunks(MAX_CONCURRENT_RUN_READS) {
            let reads = runs.iter().map(|run| {
                let is_over = is_over(sender.store, context.started_at, run);
                sender.read(is_over)
            });
            let over = try_join_all(reads).await?;
            let runs = runs.iter().map(|run| (*run).clone());
            self.0
                .extend(runs.zip(over).map(|(run, is_over)| (run, !is_over)));
        }
        Ok(())
    }

    /// Returns those runs of a claim that are not over, without `own`.
    pub(super) fn others_of(&self, claim: &Claim, own: &str) -> Vec<String> {
        let mut runs = self.of(claim);
        runs.retain(|run| run != own);
        runs
    }

    /// Returns those runs of a claim that are not over.
    fn of(&self, claim: &Claim) -> Vec<String> {
        let is_live = |run: &&String| self.0.get(*run).copied().unwrap_or(true);
        claim.runs.iter().filter(is_live).cloned().collect()
    }
}

/// Returns true if no statement of a run can be executed any more, so that its claims may be taken
/// over (protocol.md#claims).
pub(crate) async fn is_over(store: &Store, now: Timestamp, run: &str) -> Result<bool, StoreError> {
    let Some(id) = RunId::parse(run) else {
        return Ok(true);
    };
    // The row of a run expires long after its end.
    let run = store.runs().get(&id, now).await?;
    Ok(run.is_none_or(|run| run.is_over(now)))
}
