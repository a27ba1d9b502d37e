//! Parses request bodies, and validates the user that would result.

use std::borrow::Cow;

use super::keys::{LANGUAGES, key};
use crate::attribute::Attribute;
use crate::json::Json;
use crate::plan::{MergedUser, Refusal};
use crate::reader::Object;
use crate::user_request::{UserRequest, UserSyntax};
use crate::value::{Assignment, Flags, Problem, ReadContext, Value};

/// Values that a new user gets if the body has none; stored like a value that was sent.
const NEW_USER_DEFAULTS: [(Attribute, &str); 2] = [
    (Attribute::AuthType, "LOCAL"),
    (Attribute::Level, "COMPANY"),
];

/// Lists of which every level but the company's requires one.
const REQUIRED_BY_LEVEL: [(&str, Attribute, Attribute); 3] = [
    (
        "DIVISION",
        Attribute::DivisionIds,
        Attribute::DivisionExternalIds,
    ),
    ("REGION", Attribute::RegionIds, Attribute::RegionExternalIds),
    ("SHOP", Attribute::ShopIds, Attribute::IndividualStores),
];

const NEW_USER_SYNTAX: UserSyntax = UserSyntax {
    key: |spec| spec.qvalon,
    values: || ReadContext::without_task(Flags::Strict, LANGUAGES),
    nullable: is_nullable,
};

/// The external id cannot be changed.
const USER_CHANGES_SYNTAX: UserSyntax = UserSyntax {
    key: |spec| spec.qvalon.filter(|_| is_changeable(spec.attribute)),
    ..NEW_USER_SYNTAX
};

/// Returns `true` if the attribute of an existing user can be changed.
pub(super) const fn is_changeable(attribute: Attribute) -> bool {
    !matches!(attribute, Attribute::ExternalId)
}

/// Returns `true` if the attribute accepts `null`.
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

/// Parses a body that creates a user.
///
/// # Errors
/// Returns everything that is invalid or missing, in catalogue order.
pub fn create(object: &Object) -> Result<UserRequest, Vec<Refusal>> {
    let mut refusals = missing(object);
    match UserRequest::read(object, &NEW_USER_SYNTAX) {
        Ok(request) if refusals.is_empty() => Ok(with_defaults(request)),
        Ok(_) => Err(refusals),
        Err(more) => {
            refusals.extend(more);
            refusals.sort_by_key(|refusal| refusal.attribute);
            Err(refusals)
        }
    }
}

/// Parses a body that changes a user.
///
/// # Errors
/// Returns every invalid value, in catalogue order.
pub fn update(object: &Object) -> Result<UserRequest, Vec<Refusal>> {
    UserRequest::read(object, &USER_CHANGES_SYNTAX)
}

/// Returns the required attributes that the body does not have.
fn missing(object: &Object) -> Vec<Refusal> {
    let is_present = |attribute| {
        let json = object.get(key(attribute));
        !matches!(json, Json::Absent | Json::Text(""))
    };
    let auth_type = object.get(key(Attribute::AuthType));
    let is_local = match auth_type {
        Json::Absent => true,
        Json::Text(text) => matches!(text.trim(), "" | "LOCAL"),
        // An invalid `authType` is refused by itself; it says nothing about the password.
        _ => false,
    };
    let required = [
        (Attribute::Username, true, "required for a new user"),
        (
            Attribute::Password,
            is_local,
            "required for a new user, unless authType is LDAP",
        ),
    ];
    let missing = required
        .into_iter()
        .filter(|(attribute, is_required, _)| *is_required && !is_present(*attribute));
    missing
        .map(|(attribute, _, message)| Refusal::new(Some(attribute), "missing", message))
        .collect()
}

fn with_defaults(mut request: UserRequest) -> UserRequest {
    let changes = &mut request.changes;
    for (attribute, word) in NEW_USER_DEFAULTS {
        if !changes.sets(attribute) {
            changes.keep(attribute);
            let default = Assignment::Set(Value::Text(Cow::Borrowed(word)));
            changes.assignments.push((attribute, default));
        }
    }
    changes.assignments.sort_by_key(|(attribute, _)| *attribute);
    request
}

/// Validates the user that results from a request, and returns its problems.
#[must_use]
pub fn validate_merged(user: MergedUser<'_>) -> Vec<Refusal> {
    let lacks = |attribute| user.get(attribute).is_none();
    let level = user.text(Attribute::Level);
    let unmet = REQUIRED_BY_LEVEL
        .iter()
        .find(|(name, ids, external)| level == Some(*name) && lacks(*ids) && lacks(*external));
    let lists = unmet.map(|(level, ids, external)| Refusal {
        attribute: Some(*ids),
        problem: Problem {
            code: "missing",
            message: Cow::Owned(format!(
                "level {level} requires a non-empty {} or {}",
                key(*ids),
                key(*external)
            )),
        },
    });
    let is_ldap = user.text(Attribute::AuthType) == Some("LDAP");
    let ldap = (is_ldap && lacks(Attribute::LdapLogin)).then_some(Refusal::new(
        Some(Attribute::LdapLogin),
        "missing",
        "required for authType LDAP",
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

    /// Returns `key.code` of every refusal.
    fn codes(refusals: &[Refusal]) -> Vec<String> {
        refusals
            .iter()
            .map(|it| format!("{}.{}", it.attribute.map_or("", key), it.problem.code))
            .collect()
    }

    fn refused(text: &str) -> Vec<String> {
        codes(&create(&object(text)).unwrap_err())
    }

    fn text(request: &UserRequest, attribute: Attribute) -> Option<&str> {
        match request.changes.value(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn a_new_user_defaults_to_auth_type_local_and_level_company() {
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
    fn every_missing_or_invalid_attribute_is_reported_at_once() {
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
    fn null_is_refused_for_attributes_that_cannot_be_cleared() {
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
    fn a_change_ignores_any_external_id() {
        for id in [r#""E-1""#, "null", "{}", "true"] {
            let request = update(&object(&format!(r#"{{"externalId":{id},"login":""}}"#)));
            let request = request.unwrap();
            assert!(request.changes.assignments.is_empty());
            assert!(request.login.is_none());
        }
    }

    #[test]
    fn only_the_two_languages_and_json_booleans_are_accepted() {
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
    fn the_resulting_user_is_validated_not_only_the_body() {
        let problems_of = |stored: &[(Attribute, Value<'static>)], body: &str| {
            let user = User::sample("a", stored.iter().cloned());
            let request = update(&object(body)).unwrap();
            codes(&validate_merged(MergedUser {
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
            assert_eq!(problems_of(&[], &body), missing);
            assert_eq!(problems_of(&[ids(own)], &body), none);
            assert_eq!(problems_of(&[texts(external)], &body), none);
            let cleared = format!(r#"{{"level":"{level}","{ids_key}":[]}}"#);
            assert_eq!(problems_of(&[ids(own)], &cleared), missing);
            let stored = (Attribute::Level, Value::Text(level.into()));
            assert_eq!(problems_of(&[stored], r#"{"position":"Cook"}"#), missing);
        }
        assert_eq!(problems_of(&[], r#"{"level":"COMPANY"}"#), none);
        let ldap = r#"{"authType":"LDAP","level":"SHOP"}"#;
        assert_eq!(
            problems_of(&[], ldap),
            ["ldapLogin.missing", "shopIds.missing"]
        );
        let known = (Attribute::LdapLogin, Value::Text("a".into()));
        assert_eq!(problems_of(&[known], r#"{"authType":"LDAP"}"#), none);
    }
}
