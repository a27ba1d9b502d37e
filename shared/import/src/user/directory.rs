//! Requests to write a user, and their outcomes.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::Store;
use muster_aws::backoff::RetryPolicy;
use muster_aws::directory::{Author, UserEntry, Writer};
use muster_core::attribute::Attribute;
use muster_core::plan::{MergedUser, Refusal};

/// Retry policy for a client that waits. Under contention, one writer succeeds in each round.
pub(super) const RETRY_POLICY: RetryPolicy = RetryPolicy {
    attempts: 40,
    total: Duration::from_secs(10),
    longest: Duration::from_millis(250),
};

/// Seconds that a client waits while an import is giving the external id to another user.
pub const PROMISED_RETRY_AFTER_SECONDS: u64 = 10;

/// A dialect's check of the user that a request would result in.
pub type UserCheck = fn(MergedUser<'_>) -> Vec<Refusal>;

/// The users of a tenant, as one author writes them.
#[derive(Debug, Clone)]
pub struct Directory<'s> {
    pub(super) store: &'s Store,
    pub(super) tenant: &'s str,
    pub(super) author: Author,
}

impl<'s> Directory<'s> {
    /// Creates the directory of a tenant for this writer and the time of its changes.
    #[must_use]
    pub const fn new(store: &'s Store, tenant: &'s str, writer: Writer, now: Timestamp) -> Self {
        Self {
            store,
            tenant,
            author: Author { writer, at: now },
        }
    }
}

/// Selects the user that a request is about.
#[derive(Debug, Clone, Copy)]
pub enum UserSelector<'w> {
    /// A new user.
    New,
    /// The user with this id.
    Id(u64),
    /// The user with this external id; else the user with the request's login and no external id;
    /// else a new user.
    ExternalId(&'w str),
}

impl UserSelector<'_> {
    /// Returns true if the user with this external id is selected.
    pub(super) fn selects_external_id(self, external_id: &str) -> bool {
        match self {
            Self::ExternalId(id) => id == external_id,
            Self::New | Self::Id(_) => false,
        }
    }
}

/// The outcome of a request to write a user.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteOutcome {
    /// The user was created.
    Created(UserEntry),
    /// The user was changed.
    Updated {
        /// The user after the change.
        user: UserEntry,
        /// The changed attributes; a new login or another spelling of it is `username`.
        changed: Vec<Attribute>,
    },
    /// The user had these values already; nothing was written.
    Unchanged(UserEntry),
    /// Nothing was written, for these reasons.
    Refused(Vec<Refusal>),
    /// Nothing was written: an import is giving the external id to another user at this moment.
    Promised(Refusal),
    /// There is no such user.
    Missing,
}
