//! A request between its attempts: what it says, and what they have found out and left behind.

use muster_aws::directory::{Author, Change, Entry};
use muster_aws::{StoreError, passwords};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::single::Request;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use secrecy::SecretString;

/// A request on its way.
pub(super) struct Work {
    pub(super) login: Option<Login<'static>>,
    pub(super) changes: Changes<'static>,
    password: Option<SecretString>,
    /// The id of the user who is to be made, the same in all attempts.
    pub(super) id: Option<u64>,
    /// The stored hash that the password was compared with last.
    compared: Option<Option<String>>,
    /// What the last attempt was to change, where nobody knows whether it did.
    pub(super) tried: Vec<Attribute>,
}

impl Work {
    pub(super) fn new(request: Request) -> Self {
        let Request {
            login,
            password,
            changes,
        } = request;
        Self {
            login,
            changes,
            password,
            id: None,
            compared: None,
            tried: Vec::new(),
        }
    }

    /// Sets the password's hash, unless it is the password that is stored.
    pub(super) async fn hash_for(&mut self, stored: Option<&str>) -> Result<(), StoreError> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        let stored = stored.map(str::to_owned);
        if self.compared.as_ref() == Some(&stored) {
            return Ok(());
        }
        self.changes.keep(Attribute::Password);
        let known = match &stored {
            None => false,
            Some(hash) => passwords::verify(password.clone(), Some(hash.clone())).await?,
        };
        if !known {
            let hash = passwords::hash(password.clone()).await?;
            let hash = Assignment::Set(Value::Text(hash.into()));
            self.changes.assignments.push((Attribute::Password, hash));
        }
        self.compared = Some(stored);
        Ok(())
    }

    /// What an attempt has changed whose answer was lost: others have written the user since, and
    /// left word of it.
    pub(super) fn has_changed(
        &self,
        user: &Entry,
        author: &Author,
    ) -> Result<Option<Vec<Attribute>>, StoreError> {
        if self.tried.is_empty() {
            return Ok(None);
        }
        let mut tried = self.tried.clone();
        tried.sort_unstable();
        let is_own = |change: &Change| change.author == *author && change.attributes == tried;
        let own = user.changes()?.iter().any(is_own);
        Ok(own.then(|| self.tried.clone()))
    }
}
