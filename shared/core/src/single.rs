//! What a request says about one user, for the dialects that write one at a time: a dialect gives
//! its keys and its ways of writing, what comes out is the same for all of them and for an import.

use secrecy::SecretString;

use crate::attribute::{Attribute, CATALOGUE, Spec};
use crate::json::Json;
use crate::login::Login;
use crate::plan::{Merged, Refusal};
use crate::reader::Object;
use crate::validate::{Changes, Element, Identity, identify};
use crate::value::{Problem, ReadContext, password, read};

/// How a dialect writes users.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    /// The key of an attribute in a request; `None`: it cannot be sent.
    pub key: fn(&Spec) -> Option<&'static str>,
    /// What values may look like.
    pub values: fn() -> ReadContext<'static>,
    /// Whether `null` may be sent.
    pub nullable: fn(Attribute) -> bool,
    /// What is wrong with the user that a request would make, if anything.
    pub judge: fn(Merged<'_>) -> Vec<Refusal>,
}

/// What a request says about one user. What it does not say stays as it is stored.
#[derive(Debug, Default)]
pub struct Request {
    /// The user name.
    pub login: Option<Login<'static>>,
    /// The password, to be hashed.
    pub password: Option<SecretString>,
    /// The other attributes.
    pub changes: Changes<'static>,
}

impl Request {
    /// Reads a request's object.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the catalogue.
    pub fn read(object: &Object, spelling: &Spelling) -> Result<Self, Vec<Refusal>> {
        let context = (spelling.values)();
        let mut request = Self::default();
        let mut refusals = Vec::new();
        for spec in CATALOGUE {
            let Some(key) = (spelling.key)(spec) else {
                continue;
            };
            let json = object.get(key);
            let taken = if matches!(json, Json::Null) && !(spelling.nullable)(spec.attribute) {
                Err(Problem::new("null", "must not be null"))
            } else {
                request.take(spec, json, context)
            };
            if let Err(problem) = taken {
                request.changes.refused.insert(spec.attribute);
                refusals.push(Refusal {
                    attribute: Some(spec.attribute),
                    problem,
                });
            }
        }
        if refusals.is_empty() {
            Ok(request)
        } else {
            Err(refusals)
        }
    }

    fn take(
        &mut self,
        spec: &Spec,
        json: Json<'_>,
        context: ReadContext<'static>,
    ) -> Result<(), Problem> {
        match spec.attribute {
            Attribute::Username => self.login = login(json)?,
            Attribute::Password => self.password = password(json)?,
            attribute => {
                if let Some(assignment) = read(spec.kind, json, context)? {
                    let assignment = assignment.into_owned();
                    self.changes.assignments.push((attribute, assignment));
                }
            }
        }
        Ok(())
    }
}

/// The user name, if there is one.
fn login(json: Json<'_>) -> Result<Option<Login<'static>>, Problem> {
    match identify(&Element::Object(&[json])) {
        Identity::User(login) => Ok(Some(login.into_owned())),
        Identity::Empty(_) => Ok(None),
        Identity::NotAnObject(problem)
        | Identity::WrongType(problem)
        | Identity::Unusable { problem, .. } => Err(problem),
    }
}
