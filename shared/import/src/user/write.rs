//! The write of one user, attempted until no other writer interferes.

use futures::future::BoxFuture;
use muster_aws::StoreError;
use muster_aws::backoff::Backoff;
use muster_aws::directory::{LoginSlot, NewUser, UserEdit, UserEntry, UserKey, UserSnapshot};
use muster_core::attribute::Attribute;
use muster_core::login::{Login, canon};
use muster_core::plan::{self, LOGIN_TAKEN, MergedUser, Plan, Refusal};
use muster_core::scan::external_id_taken;
use muster_core::settings::IdentifyBy;
use muster_core::user_request::UserRequest;
use muster_core::value::Value;

use super::claims::{AvailableClaim, ClaimLookup};
use super::directory::{Directory, RETRY_POLICY, UserCheck, UserSelector, WriteOutcome};
use super::pending::PendingWrite;
use crate::records::conflicts::promised;
use crate::records::managers::{ManagerRefs, Managers};

/// The target of an attempt.
enum WriteTarget {
    New(LoginSlot),
    User(Box<UserSnapshot>),
}

/// The result of an attempt.
enum Attempt {
    /// The request has its outcome.
    Done(Box<WriteOutcome>),
    /// Another writer was faster.
    Retry,
}

impl Attempt {
    fn done(outcome: WriteOutcome) -> Self {
        Self::Done(Box::new(outcome))
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self::done(WriteOutcome::Refused(refusals))
    }
}

/// The claim on an external id, or the result of the attempt without it.
enum ClaimAttempt {
    Available(AvailableClaim),
    Ended(Attempt),
}

impl Directory<'_> {
    /// Applies a request. A new user needs a login, which the caller ensures.
    ///
    /// # Errors
    /// Returns an error if a store request fails, and [`StoreError::Contended`] if other writers
    /// keep changing the same user.
    pub fn write<'a>(
        &'a self,
        selector: UserSelector<'a>,
        request: UserRequest,
        check: UserCheck,
    ) -> BoxFuture<'a, Result<WriteOutcome, StoreError>> {
        Box::pin(self.write_retrying(selector, request, check))
    }

    async fn write_retrying(
        &self,
        selector: UserSelector<'_>,
        request: UserRequest,
        check: UserCheck,
    ) -> Result<WriteOutcome, StoreError> {
        let mut pending = PendingWrite::new(request);
        let mut pauses = Backoff::new(RETRY_POLICY);
        loop {
            let attempt = match self.target(selector, pending.login.as_ref()).await? {
                None => return Ok(WriteOutcome::Missing),
                Some(WriteTarget::New(slot)) => {
                    self.create(selector, &mut pending, &slot, check).await
                }
                Some(WriteTarget::User(seen)) => {
                    self.change(selector, &mut pending, &seen, check).await
                }
            };
            let retry_cause = match attempt {
                Ok(Attempt::Done(outcome)) => return Ok(*outcome),
                Ok(Attempt::Retry) => StoreError::contended("PutItem"),
                Err(error @ (StoreError::Contended(_) | StoreError::Throttled(_))) => error,
                Err(error) => return Err(error),
            };
            if !pauses.before_next().await {
                return Err(retry_cause);
            }
            if let Some(created) = self.created_by_earlier_attempt(&pending).await? {
                return Ok(WriteOutcome::Created(created));
            }
        }
    }

    /// Returns the user that an earlier attempt created, if its response was lost. Other writers
    /// may have changed the user since.
    async fn created_by_earlier_attempt(
        &self,
        pending: &PendingWrite,
    ) -> Result<Option<UserEntry>, StoreError> {
        match pending.id {
            None => Ok(None),
            Some(id) => {
                self.store
                    .directory()
                    .find(self.tenant, UserKey::Id(id))
                    .await
            }
        }
    }

    /// Finds the target of an attempt. Returns `None` if there is no such user and none can be
    /// created.
    async fn target(
        &self,
        selector: UserSelector<'_>,
        login: Option<&Login<'static>>,
    ) -> Result<Option<WriteTarget>, StoreError> {
        let see = async |key| self.store.directory().snapshot(self.tenant, key).await;
        let user = |seen: UserSnapshot| WriteTarget::User(Box::new(seen));
        let external_id = match selector {
            UserSelector::Id(id) => return Ok(see(UserKey::Id(id)).await?.map(user)),
            UserSelector::New => None,
            UserSelector::ExternalId(id) => match see(UserKey::ExternalId(id)).await? {
                Some(seen) => return Ok(Some(user(seen))),
                None => Some(id),
            },
        };
        let Some(login) = login else {
            return Ok(None);
        };
        let slot = self.store.directory().login_slot(login).await?;
        Ok(Some(match slot {
            LoginSlot::Taken(seen)
                if external_id.is_some_and(|id| self.accepts_external_id(&seen.entry, id)) =>
            {
                WriteTarget::User(seen)
            }
            slot => WriteTarget::New(slot),
        }))
    }

    /// Returns true if a user who was found by login alone can be given this external id, or has
    /// just been given it by another writer.
    fn accepts_external_id(&self, entry: &UserEntry, external_id: &str) -> bool {
        let current = entry.user.values.get(&Attribute::ExternalId);
        let is_same = |current: &Value<'_>| matches!(current, Value::Text(id) if id == external_id);
        entry.user.tenant == self.tenant && current.is_none_or(is_same)
    }

    async fn create(
        &self,
        selector: UserSelector<'_>,
        pending: &mut PendingWrite,
        slot: &LoginSlot,
        check: UserCheck,
    ) -> Result<Attempt, StoreError> {
        if matches!(slot, LoginSlot::Taken(_)) {
            return Ok(Attempt::refused(vec![LOGIN_TAKEN]));
        }
        pending.set_password_hash(None).await?;
        let merged = MergedUser {
            stored: None,
            changes: &pending.changes,
        };
        let refusals = self.refusals(merged, check).await?;
        if !refusals.is_empty() {
            return Ok(Attempt::refused(refusals));
        }
        if let Plan::Ignored(refusals) = plan::create(&pending.changes, &[]) {
            return Ok(Attempt::refused(refusals));
        }
        let Some(login) = &pending.login else {
            return Ok(Attempt::done(WriteOutcome::Missing));
        };
        let claim = match merged.text(Attribute::ExternalId) {
            None => None,
            Some(id) => match self.claim_for(selector, None, id, login.canon()).await? {
                ClaimAttempt::Available(claim) => Some(claim),
                ClaimAttempt::Ended(attempt) => return Ok(attempt),
            },
        };
        let id = match pending.id {
            Some(id) => id,
            None => self.store.directory().next_user_ids(1).await?.start,
        };
        pending.id = Some(id);
        let new = NewUser {
            tenant: self.tenant,
            id,
            login: login.shown(),
            assignments: &pending.changes.assignments,
        };
        let claiming = claim.as_ref().map(AvailableClaim::claiming);
        let created = self
            .store
            .directory()
            .create(&new, slot, claiming, &self.author);
        Ok(match created.await? {
            Some(user) => Attempt::done(WriteOutcome::Created(user)),
            None => Attempt::Retry,
        })
    }

    async fn change(
        &self,
        selector: UserSelector<'_>,
        pending: &mut PendingWrite,
        seen: &UserSnapshot,
        check: UserCheck,
    ) -> Result<Attempt, StoreError> {
        let user = &seen.entry.user;
        let stored_hash = match user.values.get(&Attribute::Password) {
            Some(Value::Text(hash)) => Some(hash.as_ref()),
            _ => None,
        };
        pending.set_password_hash(stored_hash).await?;
        let merged = MergedUser {
            stored: Some(user),
            changes: &pending.changes,
        };
        let mut refusals = self.refusals(merged, check).await?;
        if matches!(selector, UserSelector::ExternalId(_)) {
            refusals.extend(plan::another_person(
                &pending.changes,
                user,
                IdentifyBy::Username,
            ));
        }
        if !refusals.is_empty() {
            return Ok(Attempt::refused(refusals));
        }
        let difference = match plan::update(&pending.changes, user) {
            Plan::Update(difference) => difference,
            Plan::Unchanged | Plan::Create => Vec::new(),
            Plan::Ignored(refusals) => return Ok(Attempt::refused(refusals)),
        };
        let login = pending.login.as_ref().filter(|l| l.shown() != user.login);
        if difference.is_empty() && login.is_none() {
            let user = seen.entry.clone();
            let changed = pending.applied_by_earlier_attempt(&user, &self.author)?;
            return Ok(Attempt::done(match changed {
                Some(changed) => WriteOutcome::Updated { user, changed },
                None => WriteOutcome::Unchanged(user),
            }));
        }
        let old_login = canon(&user.login);
        let new_login = login.filter(|login| login.canon() != old_login);
        let slot = match new_login {
            None => None,
            Some(login) => match self.store.directory().login_slot(login).await? {
                // Another writer has just given the user this very login.
                LoginSlot::Taken(other) if other.entry.user.id == user.id => {
                    return Ok(Attempt::Retry);
                }
                LoginSlot::Taken(_) => return Ok(Attempt::refused(vec![LOGIN_TAKEN])),
                slot => Some(slot),
            },
        };
        let sets_external_id = difference.iter().any(|(a, _)| *a == Attribute::ExternalId);
        let claim = match merged.text(Attribute::ExternalId) {
            Some(id) if sets_external_id || new_login.is_some() => {
                match self
                    .claim_for(selector, Some(user.id), id, &old_login)
                    .await?
                {
                    ClaimAttempt::Available(claim) => Some(claim),
                    ClaimAttempt::Ended(attempt) => return Ok(attempt),
                }
            }
            _ => None,
        };
        let edit = UserEdit {
            difference: &difference,
            login: login.map(|login| (login, slot.as_ref())),
            claim: claim.as_ref().map(AvailableClaim::claiming),
            stamps: None,
        };
        let renamed = login.map(|_| Attribute::Username).into_iter();
        let changed = renamed.chain(difference.iter().map(|(attribute, _)| *attribute));
        let changed: Vec<Attribute> = changed.collect();
        Ok(
            match self
                .store
                .directory()
                .change(seen, edit, &self.author)
                .await?
            {
                Some(user) => Attempt::done(WriteOutcome::Updated { user, changed }),
                None => {
                    pending.attempted = changed;
                    Attempt::Retry
                }
            },
        )
    }

    /// Looks up the claim on an external id for the user that is written, or for a new one.
    async fn claim_for(
        &self,
        selector: UserSelector<'_>,
        user: Option<u64>,
        id: &str,
        login: &str,
    ) -> Result<ClaimAttempt, StoreError> {
        Ok(match self.look_up_claim(id, login).await? {
            ClaimLookup::Available(claim) => ClaimAttempt::Available(claim),
            // Another writer has just given this very user another login, or the id to the selected
            // user.
            ClaimLookup::HeldBy(holder)
                if Some(holder) == user || selector.selects_external_id(id) =>
            {
                ClaimAttempt::Ended(Attempt::Retry)
            }
            ClaimLookup::HeldBy(_) => ClaimAttempt::Ended(Attempt::refused(vec![Refusal {
                attribute: Some(Attribute::ExternalId),
                problem: external_id_taken("another user"),
            }])),
            ClaimLookup::Promised => {
                ClaimAttempt::Ended(Attempt::done(WriteOutcome::Promised(Refusal {
                    attribute: Some(Attribute::ExternalId),
                    problem: promised(),
                })))
            }
        })
    }

    /// Returns the refusals of the resulting user by the dialect's check, and those of its
    /// managers.
    async fn refusals(
        &self,
        merged: MergedUser<'_>,
        check: UserCheck,
    ) -> Result<Vec<Refusal>, StoreError> {
        let mut refusals = check(merged);
        let mut refs = ManagerRefs::default();
        refs.add(merged.changes);
        let managers = Managers::read(self.store, self.tenant, refs).await?;
        let problems = managers.problems(merged).into_iter();
        refusals.extend(problems.map(|(attribute, problem)| Refusal {
            attribute: Some(attribute),
            problem,
        }));
        Ok(refusals)
    }
}
