use serde_json::json;
use utoipa::PartialSchema as _;

use super::*;
use crate::attribute::CATALOGUE;
use crate::plan::LOGIN_TAKEN;
use crate::reader::read_object;
use crate::value::Assignment;

const PAGE: &str = include_str!("../../../../../docs/dialects/collaborator.md");

fn read(user: &serde_json::Value) -> Result<UserImport, String> {
    UserImport::read(&read_object(user.to_string().as_bytes()).unwrap())
}

/// The required fields, and `more`.
fn with_required(more: serde_json::Value) -> serde_json::Value {
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
fn the_error_text_names_the_required_fields_and_the_position() {
    let keys = REQUIRED.map(key).join(", ");
    assert_eq!(
        REQUIRED_FIELDS_MESSAGE,
        format!("Required fields: {keys}, position")
    );
}

#[test]
fn missing_required_fields_are_reported_before_other_problems() {
    assert_eq!(read(&with_required(json!({}))).unwrap().uid, "cl1");
    assert_eq!(read(&with_required(json!({"uid": 17}))).unwrap().uid, "17");
    for name in ["firstname", "secondname"] {
        let unseen = read(&with_required(json!({name: "\u{200b}"})));
        let error = unseen.unwrap_err();
        let start = format!("{name}: expected a value, found nothing but invisible");
        assert!(error.starts_with(&start), "{error}");
    }
    for attribute in REQUIRED {
        for blank in [json!(null), json!(""), json!(" \t ")] {
            let mut user = with_required(json!({"gender": 7}));
            user[key(attribute)] = blank;
            assert_eq!(read(&user).unwrap_err(), REQUIRED_FIELDS_MESSAGE, "{user}");
            user.as_object_mut().unwrap().remove(key(attribute));
            assert_eq!(read(&user).unwrap_err(), REQUIRED_FIELDS_MESSAGE, "{user}");
        }
    }
}

#[test]
fn every_problem_is_reported_with_its_field() {
    let error = read(&with_required(
        json!({"gender": 7, "login": "a b", "language": "FR"}),
    ))
    .unwrap_err();
    assert_eq!(
        error,
        "login: contains unauthorised characters: U+0020 after \"a\"; letters, digits and the \
         characters . _ - @ + ' # are allowed; language: must be one of EN, UK, DE, ES, ET, TR, RU; \
         gender: must be 0 (male) or 1 (female)"
    );
    let whole = Refusal::new(None, "too_large", "the user is too large");
    assert_eq!(
        super::error_message(&[LOGIN_TAKEN, whole]),
        "login: this user name is not available; the user is too large"
    );
}

#[test]
fn null_clears_optional_attributes_and_keeps_the_others() {
    let nothing = read(&with_required(
        json!({"is_active": null, "password": null, "gender": ""}),
    ))
    .unwrap();
    assert_eq!(nothing.request.changes.assignments.len(), 4);
    assert!(nothing.request.password.is_none());
    let cleared = read(&with_required(
        json!({"gender": null, "city": null, "phone": ""}),
    ))
    .unwrap();
    let cleared = cleared.request.changes.assignments;
    let clears = |(_, assignment): &&(Attribute, Assignment<'_>)| *assignment == Assignment::Clear;
    let cleared: Vec<_> = cleared.iter().filter(clears).map(|(one, _)| *one).collect();
    assert_eq!(
        cleared,
        [Attribute::Phone, Attribute::City, Attribute::Gender]
    );
}

#[test]
fn counts_separate_blocking_from_other_changes() {
    let counts = |attributes: &[Attribute], is_active| {
        serde_json::to_string(&CollaboratorCounts::changed(attributes, is_active)).unwrap()
    };
    let expected = |created, updated, blocked, unblocked| {
        format!(
            r#"{{"created_count":{created},"updated_count":{updated},"blocked_count":{blocked},"unblocked_count":{unblocked}}}"#
        )
    };
    let created = serde_json::to_string(&CollaboratorCounts::created()).unwrap();
    assert_eq!(created, expected(1, 0, 0, 0));
    assert_eq!(counts(&[], true), expected(0, 0, 0, 0));
    assert_eq!(counts(&[Attribute::City], false), expected(0, 1, 0, 0));
    assert_eq!(counts(&[Attribute::Active], false), expected(0, 0, 1, 0));
    assert_eq!(counts(&[Attribute::Active], true), expected(0, 0, 0, 1));
    let both = [Attribute::Username, Attribute::Active];
    assert_eq!(counts(&both, false), expected(0, 1, 1, 0));
}

#[test]
fn the_schema_has_every_key_of_the_catalogue() {
    let schema = serde_json::to_value(CollaboratorUser::schema()).unwrap();
    let keys: Vec<_> = CATALOGUE.iter().filter_map(USER_SYNTAX.key).collect();
    let described = schema["properties"].as_object().unwrap();
    assert_eq!(described.len(), keys.len());
    assert!(keys.iter().all(|key| described.contains_key(*key)));
    assert_eq!(schema["required"], json!(REQUIRED.map(key)));
    assert_eq!(described["uid"]["type"], json!(["string", "integer"]));
    assert_eq!(described["password"]["writeOnly"], true);
    let tags = json!(["string", "integer", "array", "null"]);
    assert_eq!(described["tags"]["type"], tags);
}

#[test]
fn the_page_lists_every_key_with_its_accepted_values() {
    let expected: Vec<_> = CATALOGUE
        .iter()
        .filter_map(|spec| {
            let star = if REQUIRED.contains(&spec.attribute) {
                "*"
            } else {
                ""
            };
            let accepted = schema::value_description(spec.kind);
            let key = (USER_SYNTAX.key)(spec)?;
            Some(format!("| `{key}`{star} | `{}` | {accepted} |", spec.name))
        })
        .collect();
    let (_, after) = PAGE
        .split_once("| key | attribute | value |\n|---|---|---|\n")
        .unwrap();
    let (table, _) = after.split_once("\n\n").unwrap();
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}
