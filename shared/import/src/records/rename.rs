//! Renames by external id: the user's row moves to the record's login, with the claim, in one
//! transaction (protocol.md#renames).

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use muster_aws::Store;
use muster_aws::directory::{ClaimWrite, Executed, LoginSlot, Outcome, UserEdit};
use muster_aws::runs::undo::Entry;
use muster_core::attribute::Attribute;
use muster_core::run::UpdateEffects;

use super::directory::DirectorySnapshot;
use super::record::{Record, RecordOutcomes};
use super::sender::{Transaction, incomplete};
use super::stamped::stamps;
use crate::run::context::RunContext;

/// A rename that is to be sent.
pub(super) struct Rename {
    pub(super) record: Record,
    /// The attributes that change as well.
    pub(super) attributes: Vec<Attribute>,
    pub(super) effects: UpdateEffects,
}

impl Rename {
    /// Returns what the rename replaces; `None` if it cannot be sent.
    pub(super) fn entry(&self, snapshot: &DirectorySnapshot) -> Option<Entry> {
        let (record, canon) = (&self.record.change, self.record.canon());
        let user = self.record.renaming.as_ref()?.user();
        let slot = LoginSlot::not_taken(snapshot.get(canon))?;
        let after = slot.renamed_version(user.version);
        let attributes = &self.attributes;
        Some(Entry::renamed(
            record.record,
            user,
            attributes,
            canon,
            after,
        ))
    }

    pub(super) fn count(self, outcomes: &mut RecordOutcomes) {
        outcomes.updated(self.record, self.effects);
    }
}

/// A rename with all that its transaction needs.
pub(super) struct PendingRename<'r> {
    pub(super) rename: Rename,
    pub(super) store: &'r Store,
    pub(super) context: &'r RunContext<'r>,
    /// The rows of the new logins.
    pub(super) snapshot: &'r DirectorySnapshot,
}

impl Transaction for PendingRename<'_> {
    fn execute(&self, timeout: Duration) -> BoxFuture<'_, Executed> {
        self.send(timeout).boxed()
    }
}

impl PendingRename<'_> {
    /// Makes one attempt, which is refused if the user, the claim or the row of the new login has
    /// changed since it was read.
    async fn send(&self, timeout: Duration) -> Executed {
        let Rename {
            record,
            attributes,
            effects,
        } = &self.rename;
        let stored = self.snapshot.get(record.canon());
        let parts = (
            &record.renaming,
            record.external_id(),
            LoginSlot::not_taken(stored),
        );
        let (Some(renaming), Some(external_id), Some(slot)) = parts else {
            return incomplete(
                "a rename was planned without its user, external id or free user name",
            );
        };
        let before = stored.map(|stored| &stored.stamps);
        let stamps = stamps(record, Outcome::Updated, *effects, before, self.context);
        let difference = record.difference(attributes);
        let edit = UserEdit {
            difference: &difference,
            login: Some((&record.change.login, Some(&slot))),
            claim: Some(ClaimWrite {
                external_id,
                seen: renaming.claim.as_ref(),
                runs: &renaming.runs,
            }),
            stamps: Some(&stamps),
        };
        let directory = self.store.directory();
        let author = &self.context.author;
        directory
            .change_once(&renaming.seen, edit, author, timeout)
            .await
    }
}
