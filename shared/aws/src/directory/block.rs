//! Blocking users and letting them in again: the one thing that an operator changes of a user.

use std::time::Duration;

use muster_core::attribute::Attribute;
use muster_core::login::canon;
use muster_core::value::{Assignment, Value};

use super::author::{Author, Writer};
use super::entry::{Entry, UserKey};
use super::statement::{Executed, SeenUser, Statement};
use crate::Store;
use crate::error::StoreError;
use crate::pauses::{Patience, Pauses};

/// For a caller that can be told to come back.
const PATIENCE: Patience = Patience {
    tries: 8,
    total: Duration::from_secs(10),
    longest: Duration::from_millis(500),
};
/// How long one write may take.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Blocks the user of `tenant` with this id, or lets it in again, in an operator's name; a user
    /// who is so already is not written. The answer is the user as it is then; `None`: there is no
    /// such user.
    ///
    /// # Errors
    /// The store's; `Contended`, where others write the user all the time. Both may be tried again.
    pub async fn set_active(
        &self,
        tenant: &str,
        id: u64,
        active: bool,
        operator: &str,
        now: jiff::Timestamp,
    ) -> Result<Option<Entry>, StoreError> {
        let author = Author {
            writer: Writer::Operator(operator.to_owned()),
            at: now,
        };
        let mut pauses = Pauses::new(PATIENCE);
        loop {
            let Some(seen) = self.find_user(tenant, UserKey::Id(id)).await? else {
                return Ok(None);
            };
            if seen.is_active() == active {
                return Ok(Some(seen));
            }
            let statement = self.activation(&seen, active, &author);
            let trouble = match self.execute(vec![statement], TIMEOUT).await.pop() {
                Some(Executed::Done) => return self.find_user(tenant, UserKey::Id(id)).await,
                Some(Executed::Failed(error)) => return Err(error),
                Some(Executed::Again(error)) => error,
                // Somebody else was faster: what is to be done is judged by what they left.
                Some(Executed::Refused(_)) | None => StoreError::from_code(
                    "BatchExecuteStatement",
                    "TransactionConflict",
                    Some("others wrote this user again and again"),
                ),
            };
            if !pauses.before_next().await {
                return Err(trouble);
            }
        }
    }

    /// The write that makes a user active or not. The runs' stamps stay as they are (PROTOCOL §6).
    fn activation(&self, seen: &Entry, active: bool, author: &Author) -> Statement {
        let flag = Assignment::Set(Value::Flag(active));
        let user = SeenUser {
            id: seen.user.id,
            version: seen.user.version,
            changes: &seen.changes,
        };
        Statement::change(
            &self.tables.directory,
            &canon(&seen.user.login),
            &user,
            &[(Attribute::Active, &flag)],
            &seen.stamps,
            author,
        )
    }
}
