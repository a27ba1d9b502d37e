//! LMS Collaborator's single-user import (contract.md#collaborator): the keys of a user, the
//! required fields, the counts of the response and the error texts.

mod fields;
#[cfg(feature = "openapi")]
mod schema;

use std::borrow::Cow;

use serde::Serialize;

#[cfg(feature = "openapi")]
pub use self::schema::CollaboratorUser;

use self::fields::{REQUIRED, USER_SYNTAX, key};
use crate::attribute::Attribute;
use crate::json::Json;
use crate::plan::Refusal;
use crate::reader::Object;
use crate::user_request::UserRequest;
use crate::value::Value;

/// Path of the import.
pub const IMPORT_PATH: &str = "/api/v2/users-import/single";

/// Error text of a request without one of the required fields. Clients match the text: it names the
/// position, although a user without a position is accepted.
pub const REQUIRED_FIELDS_MESSAGE: &str =
    "Required fields: uid, login, email, firstname, secondname, position";

/// A parsed import request.
#[derive(Debug)]
pub struct UserImport {
    /// External id of the user.
    pub uid: String,
    /// Requested state of the user.
    pub request: UserRequest,
}

impl UserImport {
    /// Parses a request's object.
    ///
    /// # Errors
    /// Returns the error text for the client.
    pub fn read(object: &Object) -> Result<Self, String> {
        let lacks = |attribute: &Attribute| is_blank(object.get(key(*attribute)));
        if REQUIRED.iter().any(lacks) {
            return Err(REQUIRED_FIELDS_MESSAGE.to_owned());
        }
        let request =
            UserRequest::read(object, &USER_SYNTAX).map_err(|refusals| error_message(&refusals))?;
        // A text that nobody sees is blank, too.
        let names = [Attribute::FirstName, Attribute::LastName];
        if !names.into_iter().all(|name| request.changes.sets(name)) {
            return Err(REQUIRED_FIELDS_MESSAGE.to_owned());
        }
        match request.changes.value(Attribute::ExternalId) {
            Some(Value::Text(uid)) => Ok(Self {
                uid: uid.clone().into_owned(),
                request,
            }),
            _ => Err(REQUIRED_FIELDS_MESSAGE.to_owned()),
        }
    }
}

fn is_blank(json: Json<'_>) -> bool {
    match json {
        Json::Absent | Json::Null => true,
        Json::Text(text) => text.trim().is_empty(),
        Json::Bool(_)
        | Json::Integer(_)
        | Json::BigInteger(_)
        | Json::Fraction(_)
        | Json::BrokenText
        | Json::Array(_)
        | Json::Object => false,
    }
}

/// Returns the error text of a refused request: every problem, each with its field.
#[must_use]
pub fn error_message(refusals: &[Refusal]) -> String {
    let messages = refusals.iter().map(|Refusal { attribute, problem }| {
        let message = &problem.message;
        attribute.map_or_else(
            || message.clone(),
            |attribute| Cow::Owned(format!("{}: {message}", key(attribute))),
        )
    });
    messages.collect::<Vec<_>>().join("; ")
}

/// Counts of an accepted request. All are zero if the user already had the requested state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = json!({"created_count": 1, "updated_count": 0, "blocked_count": 0, "unblocked_count": 0})))]
pub struct CollaboratorCounts {
    /// Users created, including blocked ones.
    created_count: u64,
    /// Existing users with changes other than `is_active`.
    updated_count: u64,
    /// Existing users that were blocked.
    blocked_count: u64,
    /// Existing users that were unblocked.
    unblocked_count: u64,
}

impl CollaboratorCounts {
    /// Returns the counts of a created user.
    #[must_use]
    pub fn created() -> Self {
        Self {
            created_count: 1,
            ..Self::default()
        }
    }

    /// Returns the counts of an existing user whose `attributes` changed and who now is active or
    /// not.
    #[must_use]
    pub fn changed(attributes: &[Attribute], is_active: bool) -> Self {
        let switched = attributes.contains(&Attribute::Active);
        let updated = attributes.iter().any(|one| *one != Attribute::Active);
        Self {
            created_count: 0,
            updated_count: updated.into(),
            blocked_count: (switched && !is_active).into(),
            unblocked_count: (switched && is_active).into(),
        }
    }
}

/// Body of an error response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CollaboratorError {
    /// The problem, and how to correct it.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "email: not a valid e-mail address")
    )]
    pub error: String,
}

#[cfg(test)]
mod tests;
