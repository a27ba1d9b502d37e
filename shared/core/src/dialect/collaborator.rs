//! LMS Collaborator's single-user import on the wire (CONTRACT §2): the keys of a user, what must
//! be among them, the counts of the answer and the texts of refusals.

mod schema;

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::schema::User;

use crate::attribute::Attribute;
use crate::json::Json;
use crate::plan::Refusal;
use crate::reader::Object;
use crate::single::{Request, Spelling};
use crate::value::{Flags, ReadContext, Value};

/// The path of the import.
pub const IMPORT_PATH: &str = "/api/v2/users-import/single";

/// How users are written.
pub const SPELLING: Spelling = Spelling {
    key: |spec| spec.collaborator,
    values: || ReadContext::without_task(Flags::Digits, LANGUAGES),
    nullable: |_| true,
};

const LANGUAGES: &[&str] = &["EN", "UK", "DE", "ES", "ET", "TR", "RU"];

/// What every request must have, about a known user, too.
const REQUIRED: [Attribute; 5] = [
    Attribute::ExternalId,
    Attribute::Username,
    Attribute::Email,
    Attribute::FirstName,
    Attribute::LastName,
];

/// The refusal of a request without one of the required fields. Clients know the text as it is: it
/// names the position, without which a user is taken all the same.
pub const MISSING: &str = "Required fields: uid, login, email, firstname, secondname, position";

/// What a request asks for.
#[derive(Debug)]
pub struct Import {
    /// Whom it is about.
    pub uid: String,
    /// What the user is to be.
    pub request: Request,
}

impl Import {
    /// Reads a request's object.
    ///
    /// # Errors
    /// What the client is told.
    pub fn read(object: &Object) -> Result<Self, String> {
        let lacks = |attribute: &Attribute| is_blank(object.get(key(*attribute)));
        if REQUIRED.iter().any(lacks) {
            return Err(MISSING.to_owned());
        }
        let request = Request::read(object, &SPELLING).map_err(|refusals| told(&refusals))?;
        match request.changes.value(Attribute::ExternalId) {
            Some(Value::Text(uid)) => Ok(Self {
                uid: uid.clone().into_owned(),
                request,
            }),
            _ => Err(MISSING.to_owned()),
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
        | Json::Fraction
        | Json::BrokenText
        | Json::Array(_)
        | Json::Object => false,
    }
}

/// The key of an attribute; what has none is called by its name.
fn key(attribute: Attribute) -> &'static str {
    (SPELLING.key)(attribute.spec()).unwrap_or(attribute.name())
}

/// The text of a refusal: everything that is wrong, each with its field.
#[must_use]
pub fn told(refusals: &[Refusal]) -> String {
    let told = refusals.iter().map(|Refusal { attribute, problem }| {
        let message = &problem.message;
        attribute.map_or_else(
            || message.clone(),
            |attribute| Cow::Owned(format!("{}: {message}", key(attribute))),
        )
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The answer to a request that was carried out: how many users it made and changed, and how.
/// All zero: the user was so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = CollaboratorCounts, example = json!({"created_count": 1, "updated_count": 0, "blocked_count": 0, "unblocked_count": 0}))]
pub struct Counts {
    /// Users who were made, blocked ones, too.
    created_count: u64,
    /// Known users of whom anything but `is_active` changed.
    updated_count: u64,
    /// Known users who were blocked.
    blocked_count: u64,
    /// Known users who were let in again.
    unblocked_count: u64,
}

impl Counts {
    /// A user was made.
    #[must_use]
    pub fn created() -> Self {
        Self {
            created_count: 1,
            ..Self::default()
        }
    }

    /// These attributes of a known user changed, who now is active or not.
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

/// The answer to a request that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CollaboratorError)]
pub struct Failure {
    /// What is wrong, and what to do.
    #[schema(example = "email: not a valid e-mail address")]
    pub error: String,
}

#[cfg(test)]
mod tests;
