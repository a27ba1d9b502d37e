use serde_json::json;
use utoipa::PartialSchema as _;

use super::*;
use crate::attribute::CATALOGUE;
use crate::plan::LOGIN_TAKEN;
use crate::reader::read_object;
use crate::value::Assignment;

const PAGE: &str = include_str!("../../../../../docs/dialects/collaborator.md");

fn read(user: &serde_json::Value) -> Result<Import, String> {
    Import::read(&read_object(user.to_string().as_bytes()).unwrap())
}

/// What is required, and this on top.
fn with(more: serde_json::Value) -> serde_json::Value {
    let mut user = json!({
        "uid": "cl1", "login": "john", "email": "john@example.com",
        "firstname": "John", "secondname": "Smith"
    });
    user.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    user
}

#[test]
fn the_refusal_names_what_is_required_and_the_position() {
    let keys = REQUIRED.map(key).join(", ");
    assert_eq!(MISSING, format!("Required fields: {keys}, position"));
}

#[test]
fn what_is_required_comes_before_what_is_wrong() {
    assert_eq!(read(&with(json!({}))).unwrap().uid, "cl1");
    assert_eq!(read(&with(json!({"uid": 17}))).unwrap().uid, "17");
    for attribute in REQUIRED {
        for blank in [json!(null), json!(""), json!(" \t ")] {
            let mut user = with(json!({"gender": 7}));
            user[key(attribute)] = blank;
            assert_eq!(read(&user).unwrap_err(), MISSING, "{user}");
            user.as_object_mut().unwrap().remove(key(attribute));
            assert_eq!(read(&user).unwrap_err(), MISSING, "{user}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_told_with_its_field() {
    let told = read(&with(
        json!({"gender": 7, "login": "a b", "language": "FR"}),
    ))
    .unwrap_err();
    assert_eq!(
        told,
        "login: contains unauthorised characters; letters, digits and the characters . _ - @ + are \
         allowed; language: must be one of EN, UK, DE, ES, ET, TR, RU; \
         gender: not a gender: 0 is male, 1 is female"
    );
    let whole = Refusal::new(None, "too_large", "the user is too large");
    assert_eq!(
        super::told(&[LOGIN_TAKEN, whole]),
        "login: this user name is not available; the user is too large"
    );
}

#[test]
fn null_clears_and_is_not_given_for_what_cannot_be_without() {
    let nothing = read(&with(
        json!({"is_active": null, "password": null, "gender": ""}),
    ))
    .unwrap();
    assert_eq!(nothing.request.changes.assignments.len(), 4);
    assert!(nothing.request.password.is_none());
    let cleared = read(&with(json!({"gender": null, "city": null, "phone": ""}))).unwrap();
    let cleared = cleared.request.changes.assignments;
    let clears = |(_, assignment): &&(Attribute, Assignment<'_>)| *assignment == Assignment::Clear;
    let cleared: Vec<_> = cleared.iter().filter(clears).map(|(one, _)| *one).collect();
    assert_eq!(
        cleared,
        [Attribute::Phone, Attribute::City, Attribute::Gender]
    );
}

#[test]
fn counts_tell_blocking_from_other_changes_in_the_documented_order() {
    let counts = |attributes: &[Attribute], is_active| {
        serde_json::to_string(&Counts::changed(attributes, is_active)).unwrap()
    };
    let expected = |created, updated, blocked, unblocked| {
        format!(
            r#"{{"created_count":{created},"updated_count":{updated},"blocked_count":{blocked},"unblocked_count":{unblocked}}}"#
        )
    };
    let created = serde_json::to_string(&Counts::created()).unwrap();
    assert_eq!(created, expected(1, 0, 0, 0));
    assert_eq!(counts(&[], true), expected(0, 0, 0, 0));
    assert_eq!(counts(&[Attribute::City], false), expected(0, 1, 0, 0));
    assert_eq!(counts(&[Attribute::Active], false), expected(0, 0, 1, 0));
    assert_eq!(counts(&[Attribute::Active], true), expected(0, 0, 0, 1));
    let both = [Attribute::Username, Attribute::Active];
    assert_eq!(counts(&both, false), expected(0, 1, 1, 0));
}

#[test]
fn a_user_is_described_by_every_key_of_the_catalogue() {
    let schema = serde_json::to_value(User::schema()).unwrap();
    let keys: Vec<_> = CATALOGUE.iter().filter_map(SPELLING.key).collect();
    let described = schema["properties"].as_object().unwrap();
    assert_eq!(described.len(), keys.len());
    assert!(keys.iter().all(|key| described.contains_key(*key)));
    assert_eq!(schema["required"], json!(REQUIRED.map(key)));
    assert_eq!(described["uid"]["type"], json!(["string", "integer"]));
    assert_eq!(described["password"]["writeOnly"], true);
    let tags = json!(["string", "array", "null"]);
    assert_eq!(described["tags"]["type"], tags);
}

#[test]
fn the_page_has_every_key_of_the_catalogue_with_what_it_takes() {
    let expected: Vec<_> = CATALOGUE
        .iter()
        .filter_map(|spec| {
            let star = if REQUIRED.contains(&spec.attribute) {
                "*"
            } else {
                ""
            };
            let takes = schema::takes(spec.kind);
            let key = (SPELLING.key)(spec)?;
            Some(format!("| `{key}`{star} | `{}` | {takes} |", spec.name))
        })
        .collect();
    let (_, behind) = PAGE
        .split_once("| key | attribute | value |\n|---|---|---|\n")
        .unwrap();
    let (table, _) = behind.split_once("\n\n").unwrap();
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}
