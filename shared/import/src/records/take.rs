//! Writes that take an external id from its user, in one transaction over both users and the claim
//! (protocol.md#moves).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use muster_aws::Store;
use muster_aws::directory::{ClaimWrite, Executed, LoginSlot, NewUser, Taker, UserSnapshot};

use muster_aws::runs::undo::Entry;

use super::directory::{DirectorySnapshot, external_id};
use super::sender::{RunError, Sender, Transaction, incomplete};
use super::write::{Write, WriteStep};
use crate::run::context::RunContext;

/// Splits off the writes that share no user with each other or with `others`: transactions on one user
/// at the same time would be refused.
pub(super) fn independent(takes: Vec<Write>, others: HashSet<String>) -> (Vec<Write>, Vec<Write>) {
    let mut used = others;
    takes.into_iter().partition(|take| {
        let Some(taking) = &take.record.taking else {
            return false;
        };
        let is_free = !used.contains(take.record.canon()) && !used.contains(&taking.login);
        if is_free {
            used.insert(take.record.canon().to_owned());
            used.insert(taking.login.clone());
        }
        is_free
    })
}

/// A take with all that its transaction needs.
pub(super) struct PendingTake<'r> {
    pub(super) write: Write,
    own: LoginSlot,
    holder: Box<UserSnapshot>,
    store: &'r Store,
    context: &'r RunContext<'r>,
    /// The rows on which it was planned.
    snapshot: &'r DirectorySnapshot,
}

/// Reads the whole rows of takers and holders. Returns the takes that can be sent, and those whose rows
/// have changed since they were planned.
pub(super) async fn read_rows<'r>(
    sender: &Sender<'r>,
    context: &'r RunContext<'r>,
    takes: Vec<Write>,
    snapshot: &'r DirectorySnapshot,
) -> Result<(Vec<PendingTake<'r>>, Vec<Write>), RunError> {
    let store = sender.store;
    let mut logins: Vec<&str> = Vec::with_capacity(takes.len() * 2);
    for take in &takes {
        logins.push(take.record.canon());
        logins.extend(
            take.record
                .taking
                .iter()
                .map(|taking| taking.login.as_str()),
        );
    }
    let mut slots = sender.read(store.directory().login_slots(logins)).await?;
    let (mut pending, mut outdated) = (Vec::new(), Vec::new());
    for write in takes {
        match rows_of(&write, &mut slots) {
            Some((own, holder)) => pending.push(PendingTake {
                write,
                own,
                holder,
                store,
                context,
                snapshot,
            }),
            None => outdated.push(write),
        }
    }
    Ok((pending, outdated))
}

/// Returns the taker's slot and the holder, if they are as they were planned on.
fn rows_of(
    write: &Write,
    slots: &mut HashMap<String, LoginSlot>,
) -> Option<(LoginSlot, Box<UserSnapshot>)> {
    let taking = write.record.taking.as_ref()?;
    let own = slots
        .remove(write.record.canon())
        .unwrap_or(LoginSlot::Free);
    let holder = slots.remove(&taking.login)?.into_user()?;
    let held = &holder.entry.user;
    let is_holder = held.id == taking.holder && external_id(held) == write.record.external_id();
    let is_planned = match (&own, &write.step) {
        (LoginSlot::Taken(user), WriteStep::Update { id, version, .. }) => {
            (user.entry.user.id, user.entry.user.version) == (*id, *version)
        }
        (LoginSlot::Free | LoginSlot::Tombstone(_), WriteStep::Create { onto, .. }) => {
            own.tombstone_version() == *onto
        }
        _ => false,
    };
    (is_holder && is_planned).then_some((own, holder))
}

impl Transaction for PendingTake<'_> {
    fn execute(&self, timeout: Duration) -> BoxFuture<'_, Executed> {
        self.send(timeout).boxed()
    }
}

impl PendingTake<'_> {
    /// Returns what the take replaces, of both users.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let record = self.write.record.change.record;
        let holder = Entry::taken_from(record, &self.holder.entry.user);
        self.write.entry(self.snapshot).into_iter().chain([holder])
    }

    async fn send(&self, timeout: Duration) -> Executed {
        let Write { record, step } = &self.write;
        let (Some(taking), Some(id)) = (&record.taking, record.external_id()) else {
            return incomplete("a take was planned without its holder or external id");
        };
        let runs = [self.context.run_name().to_owned()];
        let claim = ClaimWrite {
            external_id: id,
            seen: Some(&taking.claim),
            runs: &runs,
        };
        let stamps = self.write.stamps(self.context, self.snapshot);
        let directory = self.store.directory();
        let (author, holder) = (&self.context.author, &self.holder);
        let difference;
        let new;
        let taker = match (&self.own, step) {
            (LoginSlot::Taken(user), WriteStep::Update { attributes, .. }) => {
                difference = record.difference(attributes);
                Taker::User(user, &difference)
            }
            (slot, WriteStep::Create { id, .. }) => {
                new = NewUser {
                    tenant: &self.context.run.tenant,
                    id: *id,
                    login: record.change.login.shown(),
                    assignments: &record.change.changes.assignments,
                };
                Taker::New(&new, slot)
            }
            _ => return incomplete("a take was planned on another row than it was read on"),
        };
        let taken = directory.take_once(taker, claim, &stamps, holder, author, timeout);
        taken.await
    }
}
