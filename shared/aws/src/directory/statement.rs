//! Conditional writes, 25 in a request: PartiQL statements in BatchExecuteStatement, each with a
//! condition and an answer of its own (ADR 0002). Every identifier is quoted, because many of
//! the catalogue's names are reserved words.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementRequest, BatchStatementResponse,
    ReturnValuesOnConditionCheckFailure,
};
use muster_core::attribute::Attribute;
use muster_core::value::Assignment;

use super::author::Author;
use super::changes::{Changes, stored};
use super::row::{Stored, login_attribute, shard, to_attribute, user_key};
use super::stamps::{Stamps, stamps_attribute};
use crate::Store;
use crate::error::{StoreError, Trouble};
use crate::row::{Attributes, EXPIRES_AT, number, text};

/// Statements of one request. With 26 the whole request fails.
pub const BATCH: usize = 25;

/// One conditional write.
#[derive(Debug, Clone)]
pub struct Statement {
    text: String,
    parameters: Vec<AttributeValue>,
}

/// What became of a statement.
#[derive(Debug)]
pub enum Executed {
    /// It was written.
    Done,
    /// Its condition did not hold. What stands there now, where DynamoDB gave it.
    Refused(Option<Box<Attributes>>),
    /// It was not written, or that is unknown; a condition makes sending it again safe.
    Again(StoreError),
    /// It can never be written.
    Failed(StoreError),
}

impl Executed {
    /// What a refused write found in the user's row, where DynamoDB gave it.
    ///
    /// # Errors
    /// The row is not what this version writes.
    pub fn found(self) -> Result<Option<Stored>, StoreError> {
        match self {
            Self::Refused(Some(row)) => Stored::read(*row).map(Some),
            Self::Refused(None) | Self::Done | Self::Again(_) | Self::Failed(_) => Ok(None),
        }
    }
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
                push(&mut statement.text, format_args!(" AND \"id\"=?"));
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
        let mut text = format!("INSERT INTO \"{table}\" VALUE {{");
        let mut parameters = Vec::with_capacity(fields.len());
        for (index, (name, value)) in fields.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            push(&mut text, format_args!("{comma}'{name}':?"));
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
        let mut text = format!("UPDATE \"{table}\"");
        let mut parameters = Vec::with_capacity(set.len() + 3);
        for (name, value) in set {
            push(&mut text, format_args!(" SET \"{name}\"=?"));
            parameters.push(value);
        }
        for name in removed {
            push(&mut text, format_args!(" REMOVE \"{name}\""));
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
            push(&mut self.text, format_args!(" {word} \"{name}\"=?"));
            self.parameters.push(value.clone());
        }
    }

    fn request(self) -> Result<BatchStatementRequest, StoreError> {
        Ok(BatchStatementRequest::builder()
            .statement(self.text)
            .set_parameters(Some(self.parameters))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?)
    }
}

fn push(text: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    if text.write_fmt(piece).is_err() {
        text.clear();
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

impl Store {
    /// Executes up to [`BATCH`] statements, each for another row, in one request that takes at
    /// most `timeout`. The answers are in the order of the statements. The SDK does not try again:
    /// the caller does, who knows how much time is left and slows down.
    pub async fn execute(&self, statements: Vec<Statement>, timeout: Duration) -> Vec<Executed> {
        let count = statements.len();
        self.directory_writes
            .fetch_add(count as u64, Ordering::Relaxed);
        let requests: Result<Vec<_>, _> = statements.into_iter().map(Statement::request).collect();
        let requests = match requests {
            Ok(requests) => requests,
            Err(error) => return failed(count, &error),
        };
        let timeouts = TimeoutConfig::builder().operation_timeout(timeout).build();
        let answer = self
            .client
            .batch_execute_statement()
            .set_statements(Some(requests))
            .customize()
            .config_override(
                aws_sdk_dynamodb::Config::builder()
                    .timeout_config(timeouts)
                    .retry_config(RetryConfig::disabled()),
            )
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let mut executed: Vec<_> = answer
                    .responses
                    .unwrap_or_default()
                    .into_iter()
                    .map(executed)
                    .collect();
                // One answer is owed for every statement.
                executed.truncate(count);
                while executed.len() < count {
                    executed.push(Executed::Again(StoreError::from_code(
                        OPERATION,
                        "InternalServerError",
                        Some("the answer has too few entries"),
                    )));
                }
                executed
            }
            Err(error) => failed(count, &StoreError::from_sdk(OPERATION, &error)),
        }
    }
}

const OPERATION: &str = "BatchExecuteStatement";

/// The whole request went wrong.
fn failed(count: usize, error: &StoreError) -> Vec<Executed> {
    let retryable = error.retryable();
    let each = || {
        let error = error.clone();
        if retryable {
            Executed::Again(error)
        } else {
            Executed::Failed(error)
        }
    };
    std::iter::repeat_with(each).take(count).collect()
}

fn executed(response: BatchStatementResponse) -> Executed {
    let Some(error) = response.error else {
        return Executed::Done;
    };
    let code = error.code.as_ref().map_or("", |code| code.as_str());
    match code {
        "DuplicateItem" => Executed::Refused(None),
        "ConditionalCheckFailed" => Executed::Refused(
            error
                .item
                .filter(|row: &HashMap<_, _>| !row.is_empty())
                .map(Box::new),
        ),
        _ => {
            let cause = StoreError::from_code(OPERATION, code, error.message.as_deref());
            match Trouble::of(code) {
                Trouble::Throttled | Trouble::Contended | Trouble::Server => Executed::Again(cause),
                Trouble::Other => Executed::Failed(cause),
            }
        }
    }
}
