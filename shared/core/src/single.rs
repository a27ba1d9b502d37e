//! What a request says about one user, for the dialects that write one at a time: a dialect gives
//! its keys and its ways of writing, what comes out is the same for all of them and for an import.

use secrecy::SecretString;

use crate::attribute::{Attribute, CATALOGUE, Spec};
use crate::json::Json;
use crate::login::Login;
use crate::plan::Refusal;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::read_object;
    use crate::value::{Assignment, Flags, Value};

    const SPELLING: Spelling = Spelling {
        key: |spec| spec.qvalon,
        values: || ReadContext::without_task(Flags::Strict, &["ru_RU"]),
        nullable: |attribute| attribute == Attribute::Email,
    };

    fn read(text: &str) -> Result<Request, Vec<String>> {
        let object = read_object(text.as_bytes()).unwrap();
        Request::read(&object, &SPELLING).map_err(|refusals| {
            let refusals = refusals.into_iter();
            let code = |r: Refusal| format!("{}.{}", r.attribute.unwrap(), r.problem.code);
            refusals.map(code).collect()
        })
    }

    #[test]
    fn a_request_holds_what_was_sent_and_nothing_else() {
        let request = read(r#"{"login":"Ann","email":null,"admin":true,"phone":"x","lang":""}"#);
        let request = request.unwrap();
        assert_eq!(request.login.unwrap().shown(), "Ann");
        assert!(request.password.is_none());
        assert_eq!(
            request.changes.assignments,
            [
                (Attribute::Email, Assignment::Clear),
                (Attribute::Language, Assignment::Clear),
                (Attribute::Admin, Assignment::Set(Value::Flag(true))),
            ]
        );
        let nothing = read("{}").unwrap();
        assert!(nothing.login.is_none() && nothing.changes.assignments.is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let sent =
            r#"{"login":"a b","email":"x","admin":1,"active":null,"lang":"en_EN","password":null}"#;
        assert_eq!(
            read(sent).unwrap_err(),
            [
                "username.unauthorised_characters",
                "email.malformed",
                "active.null",
                "language.unknown",
                "admin.wrong_type",
                "password.null",
            ]
        );
    }
}
