//! Conditional writes as PartiQL statements (ADR 0002). Every identifier is quoted, because many of
//! the catalogue's names are reserved words. Millions of them are made, so their texts are put
//! together piece by piece, without formatting.

use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementRequest, ReturnValuesOnConditionCheckFailure,
};
use muster_core::attribute::Attribute;
use muster_core::value::Assignment;

use super::author::Author;
use super::changes::{Changes, stored};
use super::row::{Stored, login_attribute, shard, to_attribute, user_key};
use super::stamps::{Stamps, stamps_attribute};
use crate::error::StoreError;
use crate::row::{EXPIRES_AT, number, text};

/// One conditional write.
#[derive(Debug, Clone)]
pub struct Statement {
    text: String,
    parameters: Vec<AttributeValue>,
}

impl Statement {
    /// Makes a user where the login is free; refused if anything stands there.
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

    /// Makes a user on the tombstone that a rename left; refused unless it has this version.
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
        statement.text.push_str(" AND \"id\" IS MISSING");
        statement
    }

    /// Leaves stamps on what stands under a login, and changes nothing else: no write that was
    /// planned on what stands there now can take effect any more (PROTOCOL §9). Refused unless that
    /// is still so. Where nothing stands, a tombstone is left until `until`, in seconds since 1970.
    #[must_use]
    pub fn fence(
        table: &str,
        canon: &str,
        stored: Option<&Stored>,
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
            Some(user) => {
                statement.text.push_str(" AND \"id\"=?");
                statement.parameters.push(number(user.id));
            }
            None => statement.text.push_str(" AND \"id\" IS MISSING"),
        }
        statement
    }

    /// Changes attributes of a user; refused unless it is still the one that was seen.
    #[must_use]
    pub fn change(
        table: &str,
        canon: &str,
        seen: &SeenUser<'_>,
        difference: &[(Attribute, &Assignment<'_>)],
        stamps: &Stamps,
        author: &Author,
    ) -> Self {
        let SeenUser {
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
        fields.push(("changes", changes.and(author, changed)));
        let mut statement = Self::update(table, fields, cleared);
        statement.condition(&[
            ("pk", AttributeValue::S(user_key(canon))),
            ("version", number(version)),
            ("id", number(id)),
        ]);
        statement
    }

    /// `INSERT`, which fails if the key exists.
    pub(crate) fn insert(table: &str, fields: Vec<(&'static str, AttributeValue)>) -> Self {
        let names = fields.iter().map(|(name, _)| *name);
        let mut text = with_room(table, names);
        push(&mut text, ["INSERT INTO \"", table, "\" VALUE {"]);
        let mut parameters = Vec::with_capacity(fields.len());
        for (index, (name, value)) in fields.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            push(&mut text, [comma, "'", name, "':?"]);
            parameters.push(value);
        }
        text.push('}');
        Self { text, parameters }
    }

    /// `UPDATE` without its condition; see [`Self::condition`].
    pub(crate) fn update(
        table: &str,
        set: Vec<(&'static str, AttributeValue)>,
        removed: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let mut text = with_room(table, set.iter().map(|(name, _)| *name));
        push(&mut text, ["UPDATE \"", table, "\""]);
        let mut parameters = Vec::with_capacity(set.len() + 3);
        for (name, value) in set {
            push(&mut text, [" SET \"", name, "\"=?"]);
            parameters.push(value);
        }
        for name in removed {
            push(&mut text, [" REMOVE \"", name, "\""]);
        }
        Self { text, parameters }
    }

    /// `DELETE` without its condition; see [`Self::condition`].
    pub(crate) fn delete(table: &str) -> Self {
        Self {
            text: format!("DELETE FROM \"{table}\""),
            parameters: Vec::with_capacity(3),
        }
    }

    pub(crate) fn condition(&mut self, equal: &[(&'static str, AttributeValue)]) {
        for (index, (name, value)) in equal.iter().enumerate() {
            let word = if index == 0 { "WHERE" } else { "AND" };
            push(&mut self.text, [" ", word, " \"", name, "\"=?"]);
            self.parameters.push(value.clone());
        }
    }

    pub(super) fn request(self) -> Result<BatchStatementRequest, StoreError> {
        Ok(BatchStatementRequest::builder()
            .statement(self.text)
            .set_parameters(Some(self.parameters))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?)
    }
}

/// An empty text that takes a statement with these names, and an ordinary condition.
fn with_room<'n>(table: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: usize = names.map(|name| name.len() + 10).sum();
    String::with_capacity(table.len() + names + 64)
}

fn push<const N: usize>(text: &mut String, pieces: [&str; N]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

/// A user as it was when its change was planned.
#[derive(Debug, Clone, Copy)]
pub struct SeenUser<'u> {
    /// The id.
    pub id: u64,
    /// The version.
    pub version: u64,
    /// What was changed before.
    pub changes: &'u Changes,
}

/// A user to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'u> {
    /// The owner.
    pub tenant: &'u str,
    /// The new id.
    pub id: u64,
    /// The user name as it is shown.
    pub login: &'u str,
    /// What the record says; what it clears is not there anyway.
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
            ("created", text(stored(author, set))),
        ]);
        fields.extend(login_attribute(self.login, canon).map(|login| ("login", login)));
        fields
    }
}
