//! A request between its attempts: its content, and the state that attempts leave behind.

use muster_aws::directory::{Author, RecordedChange, UserEntry};
use muster_aws::{StoreError, passwords};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::user_request::UserRequest;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use secrecy::SecretString;

/// A request that has no outcome yet.
pub(super) struct PendingWrite {
    pub(super) login: Option<Login<'static>>,
    pub(super) changes: Changes<'static>,
    password: Option<SecretString>,
    /// Id of the user to create, the same in all attempts.
    pub(super) id: Option<u64>,
    compared: ComparedHash,
    /// The attributes that the last attempt changed, if its outcome is unknown.
    pub(super) attempted: Vec<Attribute>,
}

/// The stored hash that the password was last compared with.
enum ComparedHash {
    NotCompared,
    With(Option<String>),
}

impl PendingWrite {
    pub(super) fn new(request: UserRequest) -> Self {
        let UserRequest {
            login,
            password,
            changes,
        } = request;
        Self {
            login,
            changes,
            password,
            id: None,
            compared: ComparedHash::NotCompared,
            attempted: Vec::new(),
        }
    }

    /// Sets the password's hash, unless the stored hash is of the same password.
    pub(super) async fn set_password_hash(
        &mut self,
        stored: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        if matches!(&self.compared, ComparedHash::With(hash) if hash.as_deref() == stored) {
            return Ok(());
        }
        self.changes.keep(Attribute::Password);
        let is_same = match stored {
            None => false,
            Some(hash) => passwords::verify(password.clone(), Some(hash.to_owned())).await?,
        };
        if !is_same {
            let hash = passwords::hash(password.clone()).await?;
            let hash = Assignment::Set(Value::Text(hash.into()));
            self.changes.assignments.push((Attribute::Password, hash));
        }
        self.compared = ComparedHash::With(stored.map(str::to_owned));
        Ok(())
    }

    /// Returns the attributes that an earlier attempt changed, if it was applied and its response
    /// was lost. Other writers may have changed the user since; the user's history still shows ours.
    pub(super) fn applied_by_earlier_attempt(
        &self,
        user: &UserEntry,
        author: &Author,
    ) -> Result<Option<Vec<Attribute>>, StoreError> {
        if self.attempted.is_empty() {
            return Ok(None);
        }
        let mut attempted = self.attempted.clone();
        attempted.sort_unstable();
        let is_own =
            |change: &RecordedChange| change.author == *author && change.attributes == attempted;
        let own = user.changes()?.iter().any(is_own);
        Ok(own.then(|| self.attempted.clone()))
    }
}
