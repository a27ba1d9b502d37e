//! Statements that write users, and their inputs.

use aws_sdk_dynamodb::types::AttributeValue;
use muster_core::attribute::Attribute;
use muster_core::value::Assignment;

use super::attributes::{login_attribute, shard, to_attribute, user_key};
use super::author::Author;
use super::history::{ChangeHistory, encode};
use super::row::LoginRow;
use super::stamps::{Stamps, stamps_attribute};
use super::statement::Statement;
use crate::dynamodb::row::{EXPIRES_AT, number, text};

impl Statement {
    /// Creates a user under a free login; refused if the login has a row.
    #[must_use]
    pub fn create(
        table: &str,
        canon: &str,
        user: &NewUser<'_>,
        stamps: &Stamps,
        author: &Author,
    ) -> Self {
        let mut fields = user.fields(canon, author);
        fields.push(("stamps", stamps_attribute(stamps)));
        fields.push(("version", number(1)));
        fields.push(("pk", AttributeValue::S(user_key(canon))));
        Self::insert(table, fields)
    }

    /// Creates a user on the tombstone that a rename left; refused unless it has this version.
    #[must_use]
    pub fn create_on_tombstone(
        table: &str,
        canon: &str,
        version: u64,
        user: &NewUser<'_>,
        stamps: &Stamps,
        author: &Author,
    ) -> Self {
        let mut fields = user.fields(canon, author);
        fields.push(("stamps", stamps_attribute(stamps)));
        fields.push(("version", number(version + 1)));
        let mut statement = Self::update(table, fields, ["expires_at"]);
        statement.condition(&[
            ("pk", AttributeValue::S(user_key(canon))),
            ("version", number(version)),
        ]);
        statement.absent("id");
        statement
    }

    /// Writes only the stamps and the next version of a login's row, so that no write that was
    /// planned on the row as it was read can take effect any more (protocol.md#stopping). Refused
    /// unless the row is still as it was read. If there was no row, writes a tombstone that expires
    /// at `until`, in epoch seconds.
    #[must_use]
    pub fn fence(
        table: &str,
        canon: &str,
        stored: Option<&LoginRow>,
        stamps: &Stamps,
        until: i64,
    ) -> Self {
        let pk = ("pk", AttributeValue::S(user_key(canon)));
        let stamps = ("stamps", stamps_attribute(stamps));
        let Some(stored) = stored else {
            let expires_at = (EXPIRES_AT, number(until));
            return Self::insert(table, vec![stamps, ("version", number(1)), expires_at, pk]);
        };
        let version = ("version", number(stored.version + 1));
        let mut statement = Self::update(table, vec![stamps, version], []);
        statement.condition(&[pk, ("version", number(stored.version))]);
        match &stored.user {
            Some(user) => statement.equal("id", number(user.id)),
            None => statement.absent("id"),
        }
        statement
    }

    /// Changes attributes of a user; refused unless the user is still as it was read.
    #[must_use]
    pub fn change(
        table: &str,
        canon: &str,
        seen: &UserVersion<'_>,
        difference: &[(Attribute, &Assignment<'_>)],
        stamps: &Stamps,
        author: &Author,
    ) -> Self {
        let UserVersion {
            id,
            version,
            changes,
        } = seen;
        let changed = difference.iter().map(|(attribute, _)| *attribute);
        let mut fields = Vec::with_capacity(difference.len() + 3);
        let mut cleared = Vec::new();
        for (attribute, assignment) in difference {
            match assignment {
                Assignment::Set(value) => fields.push((attribute.name(), to_attribute(value))),
                Assignment::Clear => cleared.push(attribute.name()),
            }
        }
        fields.push(("stamps", stamps_attribute(stamps)));
        fields.push(("version", number(version + 1)));
        fields.push(("changes", changes.with(author, changed)));
        let mut statement = Self::update(table, fields, cleared);
        statement.condition(&[
            ("pk", AttributeValue::S(user_key(canon))),
            ("version", number(version)),
            ("id", number(id)),
        ]);
        statement
    }
}

/// A user as it was read when its change was planned.
#[derive(Debug, Clone, Copy)]
pub struct UserVersion<'u> {
    /// The id.
    pub id: u64,
    /// The version.
    pub version: u64,
    /// The earlier changes.
    pub changes: &'u ChangeHistory,
}

/// A user to create.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'u> {
    /// The tenant.
    pub tenant: &'u str,
    /// The new id.
    pub id: u64,
    /// The user name in its displayed form.
    pub login: &'u str,
    /// The assignments of the record; those that clear an attribute have no effect.
    pub assignments: &'u [(Attribute, Assignment<'u>)],
}

impl NewUser<'_> {
    pub(super) fn fields(
        &self,
        canon: &str,
        author: &Author,
    ) -> Vec<(&'static str, AttributeValue)> {
        let mut fields = Vec::with_capacity(self.assignments.len() + 8);
        let mut set = Vec::with_capacity(self.assignments.len());
        for (attribute, assignment) in self.assignments {
            match assignment {
                Assignment::Set(value) => {
                    fields.push((attribute.name(), to_attribute(value)));
                    set.push(*attribute);
                }
                Assignment::Clear => {}
            }
        }
        fields.extend([
            ("tenant", text(self.tenant)),
            ("shard", text(shard(self.tenant, self.id))),
            ("id", number(self.id)),
            ("created", text(encode(author, set))),
        ]);
        fields.extend(login_attribute(self.login, canon).map(|login| ("login", login)));
        fields
    }
}
