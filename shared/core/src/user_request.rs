//! A request that writes one user, for the dialects without batches. A dialect contributes its keys
//! and accepted formats; the resulting changes have the same meaning as those of an import.

use secrecy::SecretString;

use crate::attribute::{Attribute, AttributeSpec, CATALOGUE};
use crate::json::Json;
use crate::login::Login;
use crate::plan::Refusal;
use crate::reader::Object;
use crate::validate::{Changes, Element, Identity, identify};
use crate::value::{NO_FORMATS, Problem, ReadContext, Reading, password, read};

/// Format of users in a dialect.
#[derive(Debug, Clone, Copy)]
pub struct UserSyntax {
    /// Key of an attribute in a request; `None` if it cannot be sent.
    pub key: fn(&AttributeSpec) -> Option<&'static str>,
    /// Context for reading values.
    pub values: fn() -> ReadContext<'static>,
    /// Returns `true` if the attribute accepts `null`.
    pub nullable: fn(Attribute) -> bool,
}

/// A parsed request to write one user. Absent attributes keep the stored value.
#[derive(Debug, Default)]
pub struct UserRequest {
    /// The user name.
    pub login: Option<Login<'static>>,
    /// The password, in plain text.
    pub password: Option<SecretString>,
    /// The other attributes.
    pub changes: Changes<'static>,
}

impl UserRequest {
    /// Parses a request's object.
    ///
    /// # Errors
    /// Returns every invalid value, in catalogue order.
    pub fn read(object: &Object, syntax: &UserSyntax) -> Result<Self, Vec<Refusal>> {
        let context = (syntax.values)();
        let mut request = Self::default();
        let mut refusals = Vec::new();
        for spec in CATALOGUE {
            let Some(key) = (syntax.key)(spec) else {
                continue;
            };
            let json = object.get(key);
            let result = if matches!(json, Json::Null) && !(syntax.nullable)(spec.attribute) {
                Err(Problem::new("null", "must not be null"))
            } else {
                request.read_attribute(spec, json, context)
            };
            if let Err(problem) = result {
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

    fn read_attribute(
        &mut self,
        spec: &AttributeSpec,
        json: Json<'_>,
        context: ReadContext<'static>,
    ) -> Result<(), Problem> {
        match spec.attribute {
            Attribute::Username => self.login = login(json)?,
            Attribute::Password => self.password = password(json)?,
            attribute => {
                // The dialects have no warnings: what was removed shows in the stored value.
                let Reading { assignment, .. } = read(spec.kind, json, context)?;
                if let Some(assignment) = assignment {
                    let assignment = assignment.into_owned();
                    self.changes.assignments.push((attribute, assignment));
                }
            }
        }
        Ok(())
    }
}

/// Reads the user name, if there is one.
fn login(json: Json<'_>) -> Result<Option<Login<'static>>, Problem> {
    match identify(&Element::Object(&[json]), &NO_FORMATS) {
        Identity::User(login) => Ok(Some(login.into_owned())),
        Identity::Empty(_) => Ok(None),
        Identity::NotAnObject(problem)
        | Identity::TooLarge { problem, .. }
        | Identity::WrongType(problem)
        | Identity::InvalidLogin { problem, .. } => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::read_object;
    use crate::value::{Assignment, Flags, Value};

    const USER_SYNTAX: UserSyntax = UserSyntax {
        key: |spec| spec.qvalon,
        values: || ReadContext::without_task(Flags::Strict, &["ru_RU"]),
        nullable: |attribute| attribute == Attribute::Email,
    };

    fn read(text: &str) -> Result<UserRequest, Vec<String>> {
        let object = read_object(text.as_bytes()).unwrap();
        UserRequest::read(&object, &USER_SYNTAX).map_err(|refusals| {
            let refusals = refusals.into_iter();
            let code = |r: Refusal| format!("{}.{}", r.attribute.unwrap(), r.problem.code);
            refusals.map(code).collect()
        })
    }

    #[test]
    fn a_request_contains_exactly_the_sent_attributes() {
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
    fn every_invalid_value_is_reported_at_once() {
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
