//! What a body says about a user, and what is wrong with the user that it would make.

use std::borrow::Cow;

use super::{LANGUAGES, key};
use crate::attribute::Attribute;
use crate::json::Json;
use crate::plan::{Merged, Refusal};
use crate::reader::Object;
use crate::single::{Request, Spelling};
use crate::value::{Assignment, Flags, Problem, ReadContext, Value};

/// What a new user has where the body says nothing, stored like a value that was sent.
const DEFAULTS: [(Attribute, &str); 2] = [
    (Attribute::AuthType, "LOCAL"),
    (Attribute::Level, "COMPANY"),
];

/// What levels need, besides the whole company's: one of two lists.
const NEEDED_BY_LEVEL: [(&str, Attribute, Attribute); 3] = [
    (
        "DIVISION",
        Attribute::DivisionIds,
        Attribute::DivisionExternalIds,
    ),
    ("REGION", Attribute::RegionIds, Attribute::RegionExternalIds),
    ("SHOP", Attribute::ShopIds, Attribute::IndividualStores),
];

const NEW: Spelling = Spelling {
    key: |spec| spec.qvalon,
    values: || ReadContext::without_task(Flags::Strict, LANGUAGES),
    nullable: is_nullable,
};

/// The external id is the new user's alone.
const CHANGED: Spelling = Spelling {
    key: |spec| spec.qvalon.filter(|_| is_changeable(spec.attribute)),
    ..NEW
};

/// Whether the attribute of a user who is there can be sent.
pub(super) const fn is_changeable(attribute: Attribute) -> bool {
    !matches!(attribute, Attribute::ExternalId)
}

/// Whether `null` can be sent.
pub(super) const fn is_nullable(attribute: Attribute) -> bool {
    matches!(
        attribute,
        Attribute::ExternalId
            | Attribute::LdapLogin
            | Attribute::Email
            | Attribute::FirstName
            | Attribute::LastName
            | Attribute::Position
            | Attribute::TimeZone
            | Attribute::DivisionIds
            | Attribute::RegionIds
            | Attribute::ShopIds
            | Attribute::DivisionExternalIds
            | Attribute::RegionExternalIds
            | Attribute::IndividualStores
            | Attribute::BusinessDirExternalId
    )
}

/// Reads what makes a user.
///
/// # Errors
/// Everything that is wrong with it or missing, in the order of the catalogue.
pub fn create(object: &Object) -> Result<Request, Vec<Refusal>> {
    let mut refusals = missing(object);
    match Request::read(object, &NEW) {
        Ok(request) if refusals.is_empty() => Ok(with_defaults(request)),
        Ok(_) => Err(refusals),
        Err(more) => {
            refusals.extend(more);
            refusals.sort_by_key(|refusal| refusal.attribute);
            Err(refusals)
        }
    }
}

/// Reads what changes a user.
///
/// # Errors
/// Everything that is wrong with it, in the order of the catalogue.
pub fn update(object: &Object) -> Result<Request, Vec<Refusal>> {
    Request::read(object, &CHANGED)
}

/// What a new user needs and the body does not give.
fn missing(object: &Object) -> Vec<Refusal> {
    let is_given = |attribute| {
        let json = object.get(key(attribute));
        !matches!(json, Json::Absent | Json::Text(""))
    };
    let auth_type = object.get(key(Attribute::AuthType));
    let is_local = match auth_type {
        Json::Absent => true,
        Json::Text(text) => matches!(text.trim(), "" | "LOCAL"),
        // What is refused says nothing about the password.
        _ => false,
    };
    let needs = [
        (Attribute::Username, true, "a new user needs one"),
        (
            Attribute::Password,
            is_local,
            "a new user needs one, unless authType is LDAP",
        ),
    ];
    let lacking = needs
        .into_iter()
        .filter(|(attribute, needed, _)| *needed && !is_given(*attribute));
    lacking
        .map(|(attribute, _, message)| Refusal::new(Some(attribute), "missing", message))
        .collect()
}

fn with_defaults(mut request: Request) -> Request {
    let changes = &mut request.changes;
    for (attribute, word) in DEFAULTS {
        if !changes.sets(attribute) {
            changes.keep(attribute);
            let default = Assignment::Set(Value::Text(Cow::Borrowed(word)));
            changes.assignments.push((attribute, default));
        }
    }
    changes.assignments.sort_by_key(|(attribute, _)| *attribute);
    request
}

/// What is wrong with the user that a request would make.
#[must_use]
pub fn judge(user: Merged<'_>) -> Vec<Refusal> {
    let lacks = |attribute| user.get(attribute).is_none();
    let level = user.text(Attribute::Level);
    let needed = NEEDED_BY_LEVEL
        .iter()
        .find(|(name, ids, external)| level == Some(*name) && lacks(*ids) && lacks(*external));
    let lists = needed.map(|(level, ids, external)| Refusal {
        attribute: Some(*ids),
        problem: Problem {
            code: "missing",
            message: Cow::Owned(format!(
                "the level {level} needs {} or {}, not empty",
                key(*ids),
                key(*external)
            )),
        },
    });
    let is_ldap = user.text(Attribute::AuthType) == Some("LDAP");
    let ldap = (is_ldap && lacks(Attribute::LdapLogin)).then_some(Refusal::new(
        Some(Attribute::LdapLogin),
        "missing",
        "the authType LDAP needs one",
    ));
    ldap.into_iter().chain(lists).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::attribute::CATALOGUE;
    use crate::plan::User;
    use crate::reader::read_object;

    fn object(text: &str) -> Object {
        read_object(text.as_bytes()).unwrap()
    }

    /// `key.code` of every refusal.
    fn codes(refusals: &[Refusal]) -> Vec<String> {
        refusals
            .iter()
            .map(|it| format!("{}.{}", it.attribute.map_or("", key), it.problem.code))
            .collect()
    }

    fn refused(text: &str) -> Vec<String> {
        codes(&create(&object(text)).unwrap_err())
    }

    fn text(request: &Request, attribute: Attribute) -> Option<&str> {
        match request.changes.value(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn a_new_user_is_local_and_the_company_s_unless_the_body_says_otherwise() {
        let request = create(&object(r#"{"login":"a","password":" b "}"#)).unwrap();
        assert_eq!(request.login.as_ref().unwrap().shown(), "a");
        assert_eq!(request.password.as_ref().unwrap().expose_secret(), " b ");
        assert_eq!(text(&request, Attribute::AuthType), Some("LOCAL"));
        assert_eq!(text(&request, Attribute::Level), Some("COMPANY"));
        assert_eq!(request.changes.assignments.len(), 2);
        let request = r#"{"login":"a","authType":"LDAP","level":"SHOP","position":"Cook"}"#;
        let request = create(&object(request)).unwrap();
        assert_eq!(text(&request, Attribute::AuthType), Some("LDAP"));
        assert_eq!(text(&request, Attribute::Level), Some("SHOP"));
        assert!(request.password.is_none());
        assert!(
            request
                .changes
                .assignments
                .is_sorted_by_key(|(attribute, _)| *attribute)
        );
        let request = r#"{"login":"a","password":"b","authType":"","level":""}"#;
        let request = create(&object(request)).unwrap();
        assert_eq!(text(&request, Attribute::AuthType), Some("LOCAL"));
        assert_eq!(text(&request, Attribute::Level), Some("COMPANY"));
    }

    #[test]
    fn everything_that_is_missing_or_wrong_is_said_at_once() {
        assert_eq!(refused("{}"), ["login.missing", "password.missing"]);
        assert_eq!(
            refused(r#"{"login":"","password":""}"#),
            ["login.missing", "password.missing"]
        );
        assert_eq!(
            refused(r#"{"email":"x","active":"yes","authType":"LOCAL","login":"a b"}"#),
            [
                "login.unauthorised_characters",
                "email.malformed",
                "active.wrong_type",
                "password.missing",
            ]
        );
        assert_eq!(refused(r#"{"authType":"LDAP"}"#), ["login.missing"]);
        assert_eq!(
            refused(r#"{"login":"a","authType":"KERBEROS"}"#),
            ["authType.unknown"]
        );
    }

    #[test]
    fn null_is_refused_where_the_attribute_must_be() {
        for spec in CATALOGUE {
            let Some(name) = spec.qvalon else { continue };
            let nulled = object(&format!(r#"{{"{name}":null}}"#));
            let result = update(&nulled);
            if is_nullable(spec.attribute) {
                assert!(result.is_ok(), "{name}");
            } else {
                assert_eq!(codes(&result.unwrap_err()), [format!("{name}.null")]);
            }
        }
    }

    #[test]
    fn a_change_ignores_the_external_id_whatever_it_is() {
        for id in [r#""E-1""#, "null", "{}", "true"] {
            let request = update(&object(&format!(r#"{{"externalId":{id},"login":""}}"#)));
            let request = request.unwrap();
            assert!(request.changes.assignments.is_empty());
            assert!(request.login.is_none());
        }
    }

    #[test]
    fn only_the_two_languages_and_real_booleans_are_taken() {
        for (body, code) in [
            (r#"{"lang":"uk_UA"}"#, "lang.unknown"),
            (r#"{"lang":"ru"}"#, "lang.unknown"),
            (r#"{"admin":1}"#, "admin.wrong_type"),
            (r#"{"admin":"true"}"#, "admin.wrong_type"),
            (r#"{"businessDirId":1.5}"#, "businessDirId.wrong_type"),
            (r#"{"shopIds":{}}"#, "shopIds.wrong_type"),
        ] {
            assert_eq!(codes(&update(&object(body)).unwrap_err()), [code]);
        }
        let request = update(&object(r#"{"lang":"en_EN"}"#)).unwrap();
        assert_eq!(text(&request, Attribute::Language), Some("en"));
    }

    #[test]
    fn the_user_that_would_be_is_judged_not_the_body_alone() {
        let judged = |stored: &[(Attribute, Value<'static>)], body: &str| {
            let user = User {
                tenant: "acme".into(),
                id: 1,
                login: "a".into(),
                version: 1,
                values: stored.iter().cloned().collect(),
            };
            let request = update(&object(body)).unwrap();
            codes(&judge(Merged {
                stored: Some(&user),
                changes: &request.changes,
            }))
        };
        let ids = |attribute| (attribute, Value::Integers(vec![1]));
        let texts = |attribute| (attribute, Value::Texts(vec!["x".into()]));
        let none: [String; 0] = [];
        for (level, ids_key, own, external) in [
            (
                "DIVISION",
                "divisionIds",
                Attribute::DivisionIds,
                Attribute::DivisionExternalIds,
            ),
            (
                "REGION",
                "regionIds",
                Attribute::RegionIds,
                Attribute::RegionExternalIds,
            ),
            (
                "SHOP",
                "shopIds",
                Attribute::ShopIds,
                Attribute::IndividualStores,
            ),
        ] {
            let body = format!(r#"{{"level":"{level}"}}"#);
            let missing = [format!("{ids_key}.missing")];
            assert_eq!(judged(&[], &body), missing);
            assert_eq!(judged(&[ids(own)], &body), none);
            assert_eq!(judged(&[texts(external)], &body), none);
            let cleared = format!(r#"{{"level":"{level}","{ids_key}":[]}}"#);
            assert_eq!(judged(&[ids(own)], &cleared), missing);
            let stored = (Attribute::Level, Value::Text(level.into()));
            assert_eq!(judged(&[stored], r#"{"position":"Cook"}"#), missing);
        }
        assert_eq!(judged(&[], r#"{"level":"COMPANY"}"#), none);
        let ldap = r#"{"authType":"LDAP","level":"SHOP"}"#;
        assert_eq!(judged(&[], ldap), ["ldapLogin.missing", "shopIds.missing"]);
        let known = (Attribute::LdapLogin, Value::Text("a".into()));
        assert_eq!(judged(&[known], r#"{"authType":"LDAP"}"#), none);
    }
}
