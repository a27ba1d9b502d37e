//! One user at a time: find whom a request means, plan as an import does, write under conditions,
//! and look again where somebody was faster (PROTOCOL §7). No two requests lose each other's
//! changes: each is planned on what the other left.

mod claims;
mod work;

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::directory::{Author, Entry, NewUser, Seat, Seen, UserEdit, UserKey, Writer};
use muster_aws::pauses::{Patience, Pauses};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::login::{Login, canon};
use muster_core::plan::{self, LOGIN_TAKEN, Merged, Plan, Refusal};
use muster_core::single::Request;
use muster_core::survey::external_id_taken;
use muster_core::value::Value;

use self::claims::{Held, Sought};
use self::work::Work;
use crate::managers::{Managers, Named};

/// For a client that waits: under contention somebody gets through in each round.
const PATIENCE: Patience = Patience {
    tries: 40,
    total: Duration::from_secs(10),
    longest: Duration::from_millis(250),
};

/// What is wrong with the user that a request would make.
pub type Judge = fn(Merged<'_>) -> Vec<Refusal>;

/// The users of a tenant, for one who writes them singly.
#[derive(Debug, Clone)]
pub struct Directory<'s> {
    store: &'s Store,
    tenant: &'s str,
    author: Author,
}

/// Whom a request is about.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'w> {
    /// A user who is to be made.
    New,
    /// The user with this id.
    Id(u64),
    /// The user with this external id, or with the request's login and no external id; if there is
    /// neither, a new one.
    ExternalId(&'w str),
}

impl Whom<'_> {
    /// Whether whoever has this external id is the one.
    fn has(self, external_id: &str) -> bool {
        match self {
            Self::ExternalId(id) => id == external_id,
            Self::New | Self::Id(_) => false,
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// The user was made.
    Created(Entry),
    /// The user was changed.
    Updated {
        /// As the user is now.
        user: Entry,
        /// What changed; a new login or another spelling of it is `username`.
        changed: Vec<Attribute>,
    },
    /// The user was so already; nothing was written.
    Unchanged(Entry),
    /// Nothing was written; why.
    Refused(Vec<Refusal>),
    /// There is no such user.
    Missing,
}

/// Where a request is to be applied.
enum Target {
    New(Seat),
    User(Box<Seen>),
}

/// The step of an attempt: done, or somebody was faster.
type Attempt = Option<Written>;

impl<'s> Directory<'s> {
    /// For this writer, at this time.
    #[must_use]
    pub const fn new(store: &'s Store, tenant: &'s str, writer: Writer, now: Timestamp) -> Self {
        Self {
            store,
            tenant,
            author: Author { writer, at: now },
        }
    }

    /// Applies a request. A new user needs a login; who asks sees to that.
    ///
    /// # Errors
    /// The store's; `Contended`, where others write the same user all the time.
    pub async fn write(
        &self,
        whom: Whom<'_>,
        request: Request,
        judge: Judge,
    ) -> Result<Written, StoreError> {
        let mut work = Work::new(request);
        let mut pauses = Pauses::new(PATIENCE);
        loop {
            let attempt = match self.target(whom, work.login.as_ref()).await? {
                None => return Ok(Written::Missing),
                Some(Target::New(seat)) => self.create(whom, &mut work, &seat, judge).await,
                Some(Target::User(seen)) => self.change(whom, &mut work, &seen, judge).await,
            };
            let trouble = match attempt {
                Ok(Some(written)) => return Ok(written),
                Ok(None) => StoreError::contended("PutItem"),
                Err(error @ (StoreError::Contended(_) | StoreError::Throttled(_))) => error,
                Err(error) => return Err(error),
            };
            if !pauses.before_next().await {
                return Err(trouble);
            }
            if let Some(made) = self.made(&work).await? {
                return Ok(Written::Created(made));
            }
        }
    }

    /// The user whom an attempt has made whose answer was lost, though others have changed it since.
    async fn made(&self, work: &Work) -> Result<Option<Entry>, StoreError> {
        match work.id {
            None => Ok(None),
            Some(id) => self.store.find_user(self.tenant, UserKey::Id(id)).await,
        }
    }

    async fn target(
        &self,
        whom: Whom<'_>,
        login: Option<&Login<'static>>,
    ) -> Result<Option<Target>, StoreError> {
        let see = async |key| self.store.see_user(self.tenant, key).await;
        let user = |seen: Seen| Target::User(Box::new(seen));
        let external_id = match whom {
            Whom::Id(id) => return Ok(see(UserKey::Id(id)).await?.map(user)),
            Whom::New => None,
            Whom::ExternalId(id) => match see(UserKey::ExternalId(id)).await? {
                Some(seen) => return Ok(Some(user(seen))),
                None => Some(id),
            },
        };
        let Some(login) = login else {
            return Ok(None);
        };
        let seat = self.store.seat(login).await?;
        Ok(Some(match seat {
            Seat::Taken(seen) if external_id.is_some_and(|id| self.is_meant(&seen.entry, id)) => {
                Target::User(seen)
            }
            seat => Target::New(seat),
        }))
    }

    /// Whether a user who was found by the login alone can be given this external id, or has just
    /// been given it by somebody else.
    fn is_meant(&self, entry: &Entry, external_id: &str) -> bool {
        let theirs = entry.user.values.get(&Attribute::ExternalId);
        let is_it = |theirs: &Value<'_>| matches!(theirs, Value::Text(id) if id == external_id);
        entry.user.tenant == self.tenant && theirs.is_none_or(is_it)
    }

    async fn create(
        &self,
        whom: Whom<'_>,
        work: &mut Work,
        seat: &Seat,
        judge: Judge,
    ) -> Result<Attempt, StoreError> {
        if matches!(seat, Seat::Taken(_)) {
            return Ok(Some(Written::Refused(vec![LOGIN_TAKEN])));
        }
        work.hash_for(None).await?;
        let merged = Merged {
            stored: None,
            changes: &work.changes,
        };
        if let Some(refused) = self.judged(merged, judge).await? {
            return Ok(Some(refused));
        }
        if let Plan::Ignored(refusals) = plan::create(&work.changes, &[]) {
            return Ok(Some(Written::Refused(refusals)));
        }
        let Some(login) = &work.login else {
            return Ok(Some(Written::Missing));
        };
        let held = match merged.text(Attribute::ExternalId) {
            None => None,
            Some(id) => match self.claim_for(whom, None, id, login.canon()).await? {
                Ok(held) => Some(held),
                Err(without) => return Ok(without),
            },
        };
        let id = match work.id {
            Some(id) => id,
            None => self.store.next_user_ids(1).await?.start,
        };
        work.id = Some(id);
        let new = NewUser {
            tenant: self.tenant,
            id,
            login: login.shown(),
            assignments: &work.changes.assignments,
        };
        let claim = held.as_ref().map(Held::claiming);
        let made = self.store.create_user(&new, seat, claim, &self.author);
        Ok(made.await?.map(Written::Created))
    }

    async fn change(
        &self,
        whom: Whom<'_>,
        work: &mut Work,
        seen: &Seen,
        judge: Judge,
    ) -> Result<Attempt, StoreError> {
        let user = &seen.entry.user;
        let stored = match user.values.get(&Attribute::Password) {
            Some(Value::Text(hash)) => Some(hash.as_ref()),
            _ => None,
        };
        work.hash_for(stored).await?;
        let merged = Merged {
            stored: Some(user),
            changes: &work.changes,
        };
        if let Some(refused) = self.judged(merged, judge).await? {
            return Ok(Some(refused));
        }
        let difference = match plan::update(&work.changes, user) {
            Plan::Update(difference) => difference,
            Plan::Unchanged | Plan::Create => Vec::new(),
            Plan::Ignored(refusals) => return Ok(Some(Written::Refused(refusals))),
        };
        let login = work.login.as_ref().filter(|l| l.shown() != user.login);
        if difference.is_empty() && login.is_none() {
            let user = seen.entry.clone();
            let changed = work.has_changed(&user, &self.author)?;
            return Ok(Some(match changed {
                Some(changed) => Written::Updated { user, changed },
                None => Written::Unchanged(user),
            }));
        }
        let before = canon(&user.login);
        let moved = login.filter(|login| login.canon() != before);
        let seat = match moved {
            None => None,
            Some(login) => match self.store.seat(login).await? {
                // Somebody has just given them this very login.
                Seat::Taken(other) if other.entry.user.id == user.id => return Ok(None),
                Seat::Taken(_) => return Ok(Some(Written::Refused(vec![LOGIN_TAKEN]))),
                seat => Some(seat),
            },
        };
        let claims_anew = difference.iter().any(|(a, _)| *a == Attribute::ExternalId);
        let held = match merged.text(Attribute::ExternalId) {
            Some(id) if claims_anew || moved.is_some() => {
                match self.claim_for(whom, Some(user.id), id, &before).await? {
                    Ok(held) => Some(held),
                    Err(without) => return Ok(without),
                }
            }
            _ => None,
        };
        let edit = UserEdit {
            difference: &difference,
            login: login.map(|login| (login, seat.as_ref())),
            claim: held.as_ref().map(Held::claiming),
        };
        let renamed = login.map(|_| Attribute::Username).into_iter();
        let changed = renamed.chain(difference.iter().map(|(attribute, _)| *attribute));
        let changed: Vec<Attribute> = changed.collect();
        let user = self.store.change_user(seen, edit, &self.author).await?;
        if user.is_none() {
            work.tried = changed.clone();
        }
        Ok(user.map(|user| Written::Updated { user, changed }))
    }

    /// The claim on an external id for the user who is written; where it is not to be had, what
    /// becomes of the attempt.
    async fn claim_for(
        &self,
        whom: Whom<'_>,
        user: Option<u64>,
        id: &str,
        login: &str,
    ) -> Result<Result<Held, Attempt>, StoreError> {
        Ok(match self.claim(id, login).await? {
            Sought::Free(held) => Ok(held),
            // Somebody has just given this very user another login, or the id to whoever has it.
            Sought::Held(holder) if Some(holder) == user || whom.has(id) => Err(None),
            Sought::Held(_) | Sought::Promised => Err(Some(taken())),
        })
    }

    /// Refuses what the dialect or the directory has against the user as a whole.
    async fn judged(
        &self,
        merged: Merged<'_>,
        judge: Judge,
    ) -> Result<Option<Written>, StoreError> {
        let mut refusals = judge(merged);
        let mut named = Named::default();
        named.add(merged.changes);
        let managers = Managers::look(self.store, self.tenant, named).await?;
        let problems = managers.problems(merged).into_iter();
        refusals.extend(problems.map(|(attribute, problem)| Refusal {
            attribute: Some(attribute),
            problem,
        }));
        Ok((!refusals.is_empty()).then_some(Written::Refused(refusals)))
    }
}

fn taken() -> Written {
    Written::Refused(vec![Refusal {
        attribute: Some(Attribute::ExternalId),
        problem: external_id_taken("another user"),
    }])
}
