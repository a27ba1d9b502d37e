//! Claims on external ids, made before the users are written (PROTOCOL §7.2). A claim whose user
//! does not have the id dangles, and may be taken once its runs are long over.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::claims::Claim;
use muster_aws::directory::Statement;
use muster_aws::runs::RunId;
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::rules::Rules;
use muster_core::survey::external_id_taken;

use crate::planning::{external_id, has_external_id, new_external_id};
use crate::sending::{Halt, Sender, Sent};
use crate::work::{Record, RunContext, Standing};

/// How long a run must be over before its dangling claims may be taken.
const REST: Duration = Duration::from_secs(5 * 60);
/// How often a claim that changes under our hands is looked at before it counts as taken.
const LOOKS: usize = 4;

/// A record that needs the claim on `id`.
struct Wanted<'r> {
    record: &'r mut Record,
    id: String,
    step: Step,
}

/// How the claim is to be had.
enum Step {
    Insert,
    /// With the runs of the claim that are not over yet.
    Confirm(Claim, Vec<String>),
    TakeOver(Claim),
}

/// Claims the external ids that records give out. A record that does not get its id keeps what
/// is stored, with a warning.
pub(crate) async fn claim<'r>(
    sender: &mut Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: impl Iterator<Item = &'r mut Record>,
    standing: &Standing,
) -> Result<(), Halt> {
    // A record that comes again, for its write was refused, may have lost its claim: to a user who
    // was given the id alone, and has another login since.
    let (held, mut wanted): (Vec<_>, Vec<_>) =
        wanted(records, standing).partition(|wanted| wanted.record.claimed);
    wanted.extend(look(sender, rules, context, held).await?);
    for _ in 0..LOOKS {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut refused = Vec::new();
        let run = context.run_name();
        let table = sender.store.tables.directory.clone();
        sender
            .send(
                wanted,
                |wanted| wanted.statement(&table, &context.run.tenant, run),
                |wanted, sent| match sent {
                    Sent::Done => wanted.record.claimed = true,
                    Sent::Refused(_) => refused.push(wanted),
                },
            )
            .await?;
        wanted = look(sender, rules, context, refused).await?;
    }
    for wanted in wanted {
        wanted.goes_without(rules);
    }
    Ok(())
}

/// Gives up the claims of records that are ignored in the end, such as those whose logins other
/// tenants have taken since: nobody comes to have those external ids by them. A claim that somebody
/// else counts on stays.
pub(crate) async fn release(
    sender: &mut Sender<'_>,
    context: &RunContext<'_>,
    lost: Vec<Record>,
    standing: &Standing,
) -> Result<(), Halt> {
    let tenant = context.run.tenant.as_str();
    let given_up: Vec<(String, String)> = lost
        .iter()
        .filter(|record| record.claimed)
        .filter_map(|record| {
            let (id, login) = (external_id(record)?, record.canon());
            let held = has_external_id(standing.get(login), tenant, id);
            (!held).then(|| (id.to_owned(), login.to_owned()))
        })
        .collect();
    let table = sender.store.tables.directory.clone();
    let run = context.run_name();
    sender
        .send(
            given_up,
            |(id, login)| Claim::release(&table, tenant, id, login, run),
            |_, _| {},
        )
        .await
}

/// Warns of the external ids that [`claim`] would not get, as far as that can be known without
/// claiming any: nothing is written.
pub(crate) async fn foresee<'r>(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    records: impl Iterator<Item = &'r mut Record>,
    standing: &Standing,
) -> Result<(), Halt> {
    let wanted = wanted(records, standing).collect();
    look(sender, rules, context, wanted).await?;
    Ok(())
}

/// The records that give out an external id.
fn wanted<'r>(
    records: impl Iterator<Item = &'r mut Record>,
    standing: &Standing,
) -> impl Iterator<Item = Wanted<'r>> {
    records.filter_map(|record| {
        let id = new_external_id(record, standing.get(record.canon()))?.to_owned();
        Some(Wanted {
            record,
            id,
            step: Step::Insert,
        })
    })
}

impl Wanted<'_> {
    /// Leaves the external id to whoever has it.
    fn goes_without(self, rules: &Rules) {
        self.record.claimed = false;
        self.record.keep(
            rules,
            Attribute::ExternalId,
            external_id_taken("another user"),
        );
    }

    fn statement(&self, table: &str, tenant: &str, run: &str) -> Statement {
        let (id, login) = (self.id.as_str(), self.record.canon());
        match &self.step {
            Step::Insert => Claim::insert(table, tenant, id, login, run),
            Step::Confirm(claim, live) => claim.confirm(table, tenant, id, live, run),
            Step::TakeOver(claim) => claim.take_over(table, tenant, id, login, run),
        }
    }
}

/// Looks at claims that others hold: settles what is clear, gives back what to try next.
async fn look<'r>(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    refused: Vec<Wanted<'r>>,
) -> Result<Vec<Wanted<'r>>, Halt> {
    if refused.is_empty() {
        return Ok(refused);
    }
    let store = sender.store;
    let tenant = context.run.tenant.as_str();
    let run = context.run_name();
    let ids: Vec<&str> = refused.iter().map(|wanted| wanted.id.as_str()).collect();
    let claims = sender.read(store.claims(tenant, ids)).await?;
    let claimants: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
    let claimants = sender.read(store.users(claimants)).await?;
    let mut resting = Resting::default();
    let mut next = Vec::new();
    for mut wanted in refused {
        let Some(claim) = claims.get(&wanted.id) else {
            wanted.step = Step::Insert;
            next.push(wanted);
            continue;
        };
        if claim.login == wanted.record.canon() {
            if claim.runs.iter().any(|other| other == run) {
                wanted.record.claimed = true;
            } else {
                let live = resting.live(sender, context, &claim.runs).await?;
                wanted.step = Step::Confirm(claim.clone(), live);
                next.push(wanted);
            }
            continue;
        }
        let held = has_external_id(claimants.get(&claim.login), tenant, &wanted.id);
        if !held && resting.live(sender, context, &claim.runs).await?.is_empty() {
            wanted.step = Step::TakeOver(claim.clone());
            next.push(wanted);
        } else {
            wanted.goes_without(rules);
        }
    }
    Ok(next)
}

/// Which runs are over for long enough, asked once each.
#[derive(Default)]
struct Resting(HashMap<String, bool>);

impl Resting {
    /// The runs that are not.
    async fn live(
        &mut self,
        sender: &Sender<'_>,
        context: &RunContext<'_>,
        runs: &[String],
    ) -> Result<Vec<String>, Halt> {
        let mut live = Vec::new();
        for run in runs {
            let known = self.0.get(run).copied();
            let over = match known {
                Some(over) => over,
                None => {
                    let over = is_over(sender.store, context.started_at, run);
                    let over = sender.read(over).await?;
                    self.0.insert(run.clone(), over);
                    over
                }
            };
            if !over {
                live.push(run.clone());
            }
        }
        Ok(live)
    }
}

pub(crate) async fn is_over(store: &Store, now: Timestamp, run: &str) -> Result<bool, StoreError> {
    let Some(id) = RunId::parse(run) else {
        return Ok(true);
    };
    // A run that is not there any more ended long ago.
    let Some(run) = store.get_run(&id, now).await? else {
        return Ok(true);
    };
    Ok(run.state.is_terminal()
        && run
            .ended_at
            .and_then(|ended| ended.checked_add(REST).ok())
            .is_some_and(|rested| rested <= now))
}
