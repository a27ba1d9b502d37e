//! Taking an external id from its user, in one transaction with the write of the user who gets it
//! (protocol.md#moves).

use std::time::Duration;

use muster_core::attribute::Attribute;
use muster_core::value::Assignment;

use super::author::Author;
use super::edit::{ClaimWrite, LoginSlot, UserEdit, UserSnapshot};
use super::execute::Executed;
use super::handle::Directory;
use super::puts::{created, edited};
use super::stamps::Stamps;
use super::users::NewUser;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::number;

/// The user who gets the external id.
#[derive(Debug)]
pub enum Taker<'t> {
    /// A stored user, and the attributes to set and clear, the external id among them.
    User(&'t UserSnapshot, &'t [(Attribute, &'t Assignment<'t>)]),
    /// A new user, whose values have the external id, and the slot of the login.
    New(&'t NewUser<'t>, &'t LoginSlot),
}

impl Directory<'_> {
    /// Makes one attempt, which takes at most `timeout`, to write the taker, with these stamps and this
    /// claim, and to remove the external id of `holder`. It is refused if one of them or the claim has
    /// changed since it was read.
    pub async fn take_once(
        self,
        taker: Taker<'_>,
        claim: ClaimWrite<'_>,
        stamps: &Stamps,
        holder: &UserSnapshot,
        author: &Author,
        timeout: Duration,
    ) -> Executed {
        let (row, mut puts) = match taker {
            Taker::New(new, slot) => created(new, slot, Some(claim), Some(stamps), author),
            Taker::User(seen, difference) => {
                let edit = UserEdit {
                    difference,
                    login: None,
                    claim: Some(claim),
                    stamps: Some(stamps),
                };
                edited(seen, edit, author)
            }
        };
        let UserSnapshot { entry, row: before } = holder;
        let mut without_id = before.clone();
        without_id.remove(Attribute::ExternalId.name());
        let changes = entry.changes.with(author, [Attribute::ExternalId]);
        without_id.insert("changes".to_owned(), changes);
        let version = entry.user.version;
        without_id.insert("version".to_owned(), number(version + 1));
        let unchanged = Condition::equals("id", number(entry.user.id))
            .and(Condition::equals("version", number(version)));
        puts.push((without_id, Some(unchanged)));
        self.put_once(row, puts, timeout).await
    }
}
