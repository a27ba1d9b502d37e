//! The settings of an import task, as they travel in JSON and are stored (CONTRACT §1, *Task
//! settings*), and their checks. What an import needs of them, ready to use, is
//! [`crate::rules::Rules`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::attribute::Attribute;
use crate::roles::role_problem;
use crate::value::email_problem;

mod schema;

/// Characters of `title`.
pub const TITLE: usize = 200;
/// Characters of `description`, `notes`.
const LONG_TEXT: usize = 10_000;
/// Characters of a JSON key.
const KEY: usize = 256;
/// The key under which a rejected record says what is wrong with it; no record has data there.
pub(crate) const ERRORS: &str = "_errors";
/// Robots that one task permits.
const ROBOTS: usize = 500;
/// Seconds that a client may be told to wait.
const RETRY_AFTER: u32 = 86_400;

/// An import task ("Automatic Task").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// The number in the import's URL. It is assigned: where settings are sent, it is left out or
    /// is the task's.
    #[schema(example = 206)]
    pub id: u64,
    /// Whether data can be sent through the task.
    pub enabled: bool,
    /// Its name.
    #[schema(max_length = 200, example = "Staff of all stores")]
    pub title: String,
    /// What it is for, in Markdown.
    #[schema(max_length = 10_000)]
    pub description: String,
    /// Notes.
    #[schema(max_length = 10_000)]
    pub notes: String,
    /// Who is mailed about runs with errors.
    #[schema(example = json!(["hr@example.com"]))]
    pub notification_emails: Vec<String>,
    /// From what severity on a run is mailed.
    pub notify_on: NotifyOn,
    /// The robots that may run the task, by name. An enabled task has at least one.
    #[schema(max_items = 500, example = json!(["acme-robot"]))]
    pub permitted_robots: Vec<String>,
    /// What separates the items of a list that comes as one string.
    pub list_item_separator: Separator,
    /// The JSON key of each attribute that is imported.
    #[schema(schema_with = schema::attribute_mapping)]
    pub attribute_mapping: BTreeMap<Attribute, String>,
    /// The role that each string stands for. Strings are matched exactly.
    #[schema(example = json!({"catman": "Category Manager"}))]
    pub role_mapping: BTreeMap<String, String>,
    /// What a refused second import is told to wait; absent: what is left of the first one's hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400, example = 60)]
    pub retry_after_seconds: Option<u32>,
    /// How many ignored users stop an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_threshold: Option<SafetyThreshold>,
    /// URLs that are told about finished runs.
    #[schema(example = json!(["https://hr.example.com/imported"]))]
    pub webhooks: Vec<String>,
}

/// From what severity on a run is mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotifyOn {
    /// Failed runs.
    #[default]
    Errors,
    /// Runs with warnings, too.
    Warnings,
}

/// What separates list items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Separator {
    /// `,`
    #[default]
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// `|`
    #[serde(rename = "|")]
    Bar,
    /// Tab.
    #[serde(rename = "\t")]
    Tab,
    /// Newline.
    #[serde(rename = "\n")]
    Newline,
}

impl Separator {
    const ALL: [Self; 5] = [
        Self::Comma,
        Self::Semicolon,
        Self::Bar,
        Self::Tab,
        Self::Newline,
    ];

    /// The character itself.
    #[must_use]
    pub const fn char(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Bar => '|',
            Self::Tab => '\t',
            Self::Newline => '\n',
        }
    }
}

/// How many ignored users stop an import before it writes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = json!({"percent": 5}))]
pub enum SafetyThreshold {
    /// More than this many.
    Records(u64),
    /// More than this share of all records, in percent: 0 to 100.
    Percent(u8),
}

/// What is wrong with one field of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Where, such as `attribute_mapping.username`.
    pub field: String,
    /// A sentence that says what is wrong and what is right.
    pub message: String,
}

impl FieldProblem {
    /// One field and what is wrong with it.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl std::fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl TaskSettings {
    /// Checks what is stored: of an enabled task everything, of a disabled one only that nothing
    /// in it is wrong in itself; it may be incomplete.
    ///
    /// # Errors
    /// Every problem, with its field.
    pub fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = self.mapping_problems();
        self.check_texts(&mut problems);
        if self.enabled {
            problems.extend(self.username_problem());
            if self.permitted_robots.is_empty() {
                problems.push(FieldProblem::new(
                    "permitted_robots",
                    "an enabled task needs at least one robot that may run it",
                ));
            }
        }
        none_or_all(problems)
    }

    /// Checks what an import needs: the mapping of attributes and roles.
    ///
    /// # Errors
    /// Every problem, with its field.
    pub fn check_import(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = self.mapping_problems();
        problems.extend(self.username_problem());
        none_or_all(problems)
    }

    /// The fields in which these settings differ from others, by name, in the order of the fields;
    /// `id` is none.
    #[must_use]
    pub fn changed_from(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            id: _,
            enabled,
            title,
            description,
            notes,
            notification_emails,
            notify_on,
            permitted_robots,
            list_item_separator,
            attribute_mapping,
            role_mapping,
            retry_after_seconds,
            safety_threshold,
            webhooks,
        } = other;
        [
            ("enabled", self.enabled != *enabled),
            ("title", self.title != *title),
            ("description", self.description != *description),
            ("notes", self.notes != *notes),
            (
                "notification_emails",
                self.notification_emails != *notification_emails,
            ),
            ("notify_on", self.notify_on != *notify_on),
            (
                "permitted_robots",
                self.permitted_robots != *permitted_robots,
            ),
            (
                "list_item_separator",
                self.list_item_separator != *list_item_separator,
            ),
            (
                "attribute_mapping",
                self.attribute_mapping != *attribute_mapping,
            ),
            ("role_mapping", self.role_mapping != *role_mapping),
            (
                "retry_after_seconds",
                self.retry_after_seconds != *retry_after_seconds,
            ),
            (
                "safety_threshold",
                self.safety_threshold != *safety_threshold,
            ),
            ("webhooks", self.webhooks != *webhooks),
        ]
        .into_iter()
        .filter_map(|(field, changed)| changed.then_some(field))
        .collect()
    }

    fn username_problem(&self) -> Option<FieldProblem> {
        (!self.attribute_mapping.contains_key(&Attribute::Username)).then(|| {
            FieldProblem::new(
                "attribute_mapping.username",
                "the user name must be mapped to a JSON key",
            )
        })
    }

    fn mapping_problems(&self) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        let mut seen = BTreeMap::new();
        for (attribute, key) in &self.attribute_mapping {
            let field = format!("attribute_mapping.{attribute}");
            if *attribute == Attribute::Password {
                problems.push(FieldProblem::new(&field, "a password cannot be imported"));
            }
            if key.is_empty() || key.chars().count() > KEY {
                problems.push(FieldProblem::new(
                    &field,
                    format!("a JSON key has 1 to {KEY} characters"),
                ));
            }
            if key == ERRORS {
                problems.push(FieldProblem::new(
                    &field,
                    format!("the key {ERRORS:?} is where a rejected record says what is wrong with it; map another"),
                ));
            }
            if let Some(other) = seen.insert(key, attribute) {
                problems.push(FieldProblem::new(
                    &field,
                    format!("the key {key:?} is already used for `{other}`; keys must differ"),
                ));
            }
        }
        for (text, role) in &self.role_mapping {
            let field = format!("role_mapping.{text}");
            if text.trim() != text || text.is_empty() {
                problems.push(FieldProblem::new(
                    &field,
                    "no record can match this: texts are trimmed, and an empty one is no role",
                ));
            }
            problems.extend(role_problem(role).map(|why| FieldProblem::new(&field, why)));
        }
        problems
    }

    fn check_texts(&self, problems: &mut Vec<FieldProblem>) {
        for (field, text, limit) in [
            ("title", &self.title, TITLE),
            ("description", &self.description, LONG_TEXT),
            ("notes", &self.notes, LONG_TEXT),
        ] {
            let length = text.chars().count();
            if length > limit {
                problems.push(FieldProblem::new(
                    field,
                    format!("{length} characters are too many; {limit} fit"),
                ));
            }
        }
        let robots = self.permitted_robots.len();
        if robots > ROBOTS {
            problems.push(FieldProblem::new(
                "permitted_robots",
                format!("{robots} robots are too many; {ROBOTS} can be permitted"),
            ));
        }
        for (index, email) in self.notification_emails.iter().enumerate() {
            if email_problem(email).is_some() {
                problems.push(FieldProblem::new(
                    format!("notification_emails.{index}"),
                    "not a valid e-mail address",
                ));
            }
        }
        if let Some(SafetyThreshold::Percent(percent @ 101..)) = self.safety_threshold {
            problems.push(FieldProblem::new(
                "safety_threshold.percent",
                format!("{percent} is more than 100 percent"),
            ));
        }
        if let Some(seconds) = self.retry_after_seconds
            && !(1..=RETRY_AFTER).contains(&seconds)
        {
            problems.push(FieldProblem::new(
                "retry_after_seconds",
                format!("must be 1 to {RETRY_AFTER} seconds"),
            ));
        }
    }
}

fn none_or_all(problems: Vec<FieldProblem>) -> Result<(), Vec<FieldProblem>> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_disabled_task_may_be_incomplete_and_an_enabled_one_may_not() {
        assert_eq!(settings(r#"{"enabled":false}"#).check(), Ok(()));
        assert_eq!(
            fields(settings(r#"{"enabled":true}"#).check()),
            ["attribute_mapping.username", "permitted_robots"]
        );
    }

    #[test]
    fn keys_must_differ_and_a_password_is_refused() {
        let task = settings(
            r#"{"attribute_mapping":{"username":"Login","name":"Login","password":"Password"}}"#,
        );
        assert_eq!(
            fields(task.check()),
            ["attribute_mapping.name", "attribute_mapping.password"]
        );
    }

    #[test]
    fn the_key_of_a_rejected_records_errors_cannot_be_mapped() {
        let task = settings(r#"{"attribute_mapping":{"username":"Login","name":"_errors"}}"#);
        assert_eq!(fields(task.check()), ["attribute_mapping.name"]);
        assert_eq!(fields(task.check_import()), ["attribute_mapping.name"]);
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
                "retry_after_seconds":1,"safety_threshold":{"records":1},"webhooks":["a"]}"#,
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
    fn settings_come_back_from_json_as_they_went() {
        let task = settings(
            r#"{"id":206,"enabled":true,"list_item_separator":"\t","safety_threshold":{"percent":5},
                "attribute_mapping":{"username":"Username"},"permitted_robots":["r"]}"#,
        );
        let json = serde_json::to_string(&task).unwrap();
        assert_eq!(settings(&json), task);
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let wrong = serde_json::from_str::<TaskSettings>(r#"{"atribute_mapping":{}}"#);
        assert!(wrong.unwrap_err().to_string().contains("atribute_mapping"));
    }
}
