//! Validation of settings, and their JSON form.

use super::*;
use crate::attribute::Attribute;

fn settings(json: &str) -> TaskSettings {
    serde_json::from_str(json).unwrap()
}

fn fields(result: Result<(), Vec<FieldProblem>>) -> Vec<String> {
    result
        .err()
        .into_iter()
        .flatten()
        .map(|p| p.field)
        .collect()
}

#[test]
fn only_a_disabled_task_may_be_incomplete() {
    assert_eq!(settings(r#"{"enabled":false}"#).check(), Ok(()));
    assert_eq!(
        fields(settings(r#"{"enabled":true}"#).check()),
        ["attribute_mapping.username", "permitted_robots"]
    );
}

#[test]
fn duplicate_keys_and_a_mapped_password_are_refused() {
    let task = settings(
        r#"{"attribute_mapping":{"username":"Login","name":"Login","password":"Password"}}"#,
    );
    assert_eq!(
        fields(task.check()),
        ["attribute_mapping.name", "attribute_mapping.password"]
    );
}

#[test]
fn the_key_of_rejection_errors_cannot_be_mapped() {
    let task = settings(r#"{"attribute_mapping":{"username":"Login","name":"_errors"}}"#);
    assert_eq!(fields(task.check()), ["attribute_mapping.name"]);
    assert_eq!(fields(task.check_import()), ["attribute_mapping.name"]);
}

#[test]
fn the_key_of_rejected_elements_cannot_be_mapped_any_more() {
    let task = settings(r#"{"attribute_mapping":{"username":"Login","name":"_element"}}"#);
    assert_eq!(fields(task.check()), ["attribute_mapping.name"]);
    // A task that maps it already goes on.
    assert!(task.check_import().is_ok());
}

#[test]
fn the_role_robot_is_refused() {
    let task = settings(r#"{"role_mapping":{"bot":"Robot"}}"#);
    assert_eq!(fields(task.check()), ["role_mapping.bot"]);
}

#[test]
fn a_task_permits_at_most_500_robots() {
    let mut task = TaskSettings {
        permitted_robots: (0..500).map(|n| format!("robot {n}")).collect(),
        ..TaskSettings::default()
    };
    assert_eq!(task.check(), Ok(()));
    task.permitted_robots.push("one more".to_owned());
    assert_eq!(fields(task.check()), ["permitted_robots"]);
}

#[test]
fn every_field_but_the_id_counts_as_a_change() {
    let task = settings(
        r#"{"id":206,"enabled":true,"title":"a","description":"a","notes":"a",
            "notification_emails":["a@example.com"],"notify_on":"warnings",
            "permitted_robots":["r"],"list_item_separator":";",
            "attribute_mapping":{"username":"Username"},"role_mapping":{"a":"A"},
            "retry_after_seconds":1,"external_id_conflicts":"ignore","safety_threshold":{"records":1},"undo_days":7,"webhooks":["a"]}"#,
    );
    let all = serde_json::to_value(&task).unwrap();
    let mut names: Vec<_> = all.as_object().unwrap().keys().cloned().collect();
    names.retain(|name| name != "id");
    let mut changed = task.changed_from(&TaskSettings::default());
    changed.sort_unstable();
    assert_eq!(changed, names, "both sorted");
    assert!(
        task.changed_from(&TaskSettings {
            id: 1,
            ..task.clone()
        })
        .is_empty()
    );
}

#[test]
fn settings_survive_a_json_round_trip() {
    let task = settings(
        r#"{"id":206,"enabled":true,"list_item_separator":"\t","safety_threshold":{"percent":5},
            "attribute_mapping":{"username":"Username"},"permitted_robots":["r"]}"#,
    );
    let json = serde_json::to_string(&task).unwrap();
    assert_eq!(settings(&json), task);
}

#[test]
fn an_unknown_field_is_refused() {
    let wrong = serde_json::from_str::<TaskSettings>(r#"{"atribute_mapping":{}}"#);
    assert!(wrong.unwrap_err().to_string().contains("atribute_mapping"));
}

#[test]
fn one_string_in_two_normal_forms_has_one_role() {
    let mapping = |roles: [&str; 2]| {
        let strings = ["cafe\u{301}", "caf\u{e9}"].map(str::to_owned);
        let settings = TaskSettings {
            attribute_mapping: [(Attribute::Username, "u".to_owned())].into(),
            role_mapping: strings.into_iter().zip(roles.map(str::to_owned)).collect(),
            ..TaskSettings::default()
        };
        settings.check_import()
    };
    assert_eq!(mapping(["Waiter", "Waiter"]), Ok(()));
    let problems = mapping(["Waiter", "Cook"]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].field, "role_mapping.caf\u{e9}");
}

#[test]
fn a_new_task_ignores_conflicts_of_external_ids_and_a_stored_one_keeps_what_it_has() {
    use ExternalIdConflicts::{Apply, Ignore};

    let none = TaskSettings::default();
    let with = |conflicts| TaskSettings {
        external_id_conflicts: Some(conflicts),
        ..TaskSettings::default()
    };
    for (sent, stored, expected) in [
        (&none, None, Ignore),
        (&with(Apply), None, Apply),
        (&none, Some(&none), Apply),
        (&none, Some(&with(Ignore)), Ignore),
        (&with(Ignore), Some(&none), Ignore),
    ] {
        let mut settings = sent.clone();
        settings.complete(stored);
        assert_eq!(settings.external_id_conflicts, Some(expected));
    }
    assert_eq!(none.changed_from(&with(Apply)), [""; 0]);
}

#[test]
fn a_threshold_that_is_left_out_stays_and_a_new_task_limits_blocked_and_cleared() {
    let with = |threshold: &str| settings(&format!(r#"{{"safety_threshold":{threshold}}}"#));
    let none = TaskSettings::default();
    for (sent, stored, expected) in [
        (
            &none,
            None,
            with(r#"{"blocked":{"records":5,"percent":5},"cleared":{"records":5,"percent":5}}"#),
        ),
        (&with("{}"), None, with("{}")),
        (&none, Some(&none), with("{}")),
        (
            &none,
            Some(&with(r#"{"records":7}"#)),
            with(r#"{"records":7}"#),
        ),
        (&with("{}"), Some(&with(r#"{"records":7}"#)), with("{}")),
    ] {
        let mut settings = sent.clone();
        settings.complete(stored);
        assert_eq!(settings.safety_threshold, expected.safety_threshold);
    }
    assert_eq!(none.changed_from(&with("{}")), [""; 0]);
}

#[test]
fn null_is_absent_in_every_setting() {
    let absent = serde_json::to_value(TaskSettings::default()).unwrap();
    let mut nulls = absent.clone();
    for value in nulls.as_object_mut().unwrap().values_mut() {
        *value = serde_json::Value::Null;
    }
    for name in [
        "retry_after_seconds",
        "external_id_conflicts",
        "safety_threshold",
        "undo_days",
        "value_formats",
    ] {
        nulls[name] = serde_json::Value::Null;
    }
    let read: TaskSettings = serde_json::from_value(nulls).unwrap();
    assert_eq!(read, TaskSettings::default());
    let formats = [
        "date_patterns",
        "empty_words",
        "true_words",
        "false_words",
        "national_phones",
        "username_replacements",
    ];
    let nulls = formats.map(|name| (name.to_owned(), serde_json::Value::Null));
    let nulls: serde_json::Map<_, _> = nulls.into_iter().collect();
    let read: ValueFormats = serde_json::from_value(nulls.into()).unwrap();
    assert!(read.is_default());
}

#[test]
fn values_are_kept_for_30_days_unless_the_task_says_otherwise() {
    let with = |days| TaskSettings {
        undo_days: Some(days),
        ..TaskSettings::default()
    };
    let none = TaskSettings::default();
    for (sent, stored, expected) in [
        (&none, None, 30),
        (&with(0), None, 0),
        (&none, Some(&none), 30),
        (&none, Some(&with(7)), 7),
        (&with(90), Some(&with(7)), 90),
    ] {
        let mut settings = sent.clone();
        settings.complete(stored);
        assert_eq!(settings.undo_days, Some(expected));
    }
    assert_eq!(none.undo_days(), 30);
    assert_eq!(none.changed_from(&with(30)), [""; 0]);
    assert_eq!(none.changed_from(&with(0)), ["undo_days"]);
}

#[test]
fn days_out_of_range_are_refused_with_what_is_expected() {
    let with = |days: &str| format!(r#"{{"undo_days":{days}}}"#);
    assert_eq!(settings(&with("90")).check(), Ok(()));
    let problems = settings(&with("91")).check().unwrap_err();
    let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        ["undo_days: expected 0 to 90 days, found 91: send 0 to keep nothing"]
    );
    for days in ["-1", "7.5", "\"30\"", "5000000000", "true"] {
        let refused = serde_json::from_str::<TaskSettings>(&with(days)).unwrap_err();
        let message = refused.to_string();
        assert!(
            message.contains("expected a whole number of days, 0 to 90"),
            "{message}"
        );
    }
}
