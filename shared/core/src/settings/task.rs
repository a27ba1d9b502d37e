//! The settings of an import task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::formats::ValueFormats;
use super::null_as_absent;
use super::person::{ExternalIdConflicts, IdentifyBy};
use super::separator::Separator;
use super::threshold::SafetyThreshold;
use super::undo_days::DEFAULT_UNDO_DAYS;
use crate::attribute::Attribute;

/// An import task ("Automatic Task").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// Task number, as in the import's URL. The server assigns it: requests omit it or repeat the
    /// task's number.
    #[serde(deserialize_with = "null_as_absent")]
    #[cfg_attr(feature = "openapi", schema(example = 206))]
    pub id: u64,
    /// True if the task accepts data.
    #[serde(deserialize_with = "null_as_absent")]
    pub enabled: bool,
    /// Name of the task.
    #[cfg_attr(
        feature = "openapi",
        schema(max_length = 200, example = "Staff of all stores")
    )]
    #[serde(deserialize_with = "null_as_absent")]
    pub title: String,
    /// Purpose of the task, in Markdown.
    #[cfg_attr(feature = "openapi", schema(max_length = 10_000))]
    #[serde(deserialize_with = "null_as_absent")]
    pub description: String,
    /// Notes.
    #[cfg_attr(feature = "openapi", schema(max_length = 10_000))]
    #[serde(deserialize_with = "null_as_absent")]
    pub notes: String,
    /// Addresses to notify of runs with errors.
    #[cfg_attr(feature = "openapi", schema(example = json!(["hr@example.com"])))]
    #[serde(deserialize_with = "null_as_absent")]
    pub notification_emails: Vec<String>,
    /// Minimum severity of the runs to notify of.
    #[serde(deserialize_with = "null_as_absent")]
    pub notify_on: NotifyOn,
    /// Names of the robots that may run the task. An enabled task has at least one.
    #[cfg_attr(feature = "openapi", schema(max_items = 500, example = json!(["acme-robot"])))]
    #[serde(deserialize_with = "null_as_absent")]
    pub permitted_robots: Vec<String>,
    /// Separator of list items in a list that is sent as one string.
    #[serde(deserialize_with = "null_as_absent")]
    pub list_item_separator: Separator,
    /// JSON key of each imported attribute.
    #[cfg_attr(feature = "openapi", schema(schema_with = super::schema::attribute_mapping))]
    #[serde(deserialize_with = "null_as_absent")]
    pub attribute_mapping: BTreeMap<Attribute, String>,
    /// Role of each string. Strings are matched exactly.
    #[cfg_attr(feature = "openapi", schema(example = json!({"catman": "Category Manager"})))]
    #[serde(deserialize_with = "null_as_absent")]
    pub role_mapping: BTreeMap<String, String>,
    /// Seconds in the `Retry-After` of an import that is refused because the task is running;
    /// absent: the remaining time of the task lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 1, maximum = 86_400, example = 60)
    )]
    pub retry_after_seconds: Option<u32>,
    /// What says whom a record is about. Absent: a new task gets `username`, a stored task keeps what
    /// it has. With `external_id`, the external id must be mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identify_by: Option<IdentifyBy>,
    /// What happens to a record whose user name and external id belong to two different people, in a
    /// task that identifies people by user name. Absent: a new task gets `ignore`, a stored task keeps
    /// what it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id_conflicts: Option<ExternalIdConflicts>,
    /// Figures above which an import is refused before it writes anything; `{}` is no limit. Absent: a
    /// new task limits blocked users and cleared values, a stored task keeps what it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::threshold::Wire>))]
    pub safety_threshold: Option<SafetyThreshold>,
    /// Days for which the values that a run replaces are kept, so that the run can be undone later; 0
    /// keeps nothing. Absent: a new task gets 30, a stored task keeps what it has; one that was stored
    /// before the setting existed has 30.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::undo_days::whole_days"
    )]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 90, example = 30))]
    pub undo_days: Option<u32>,
    /// Forms of values beside those that are always read.
    #[serde(
        skip_serializing_if = "ValueFormats::is_default",
        deserialize_with = "null_as_absent"
    )]
    pub value_formats: ValueFormats,
    /// URLs to notify of finished runs.
    #[cfg_attr(feature = "openapi", schema(example = json!(["https://hr.example.com/imported"])))]
    #[serde(deserialize_with = "null_as_absent")]
    pub webhooks: Vec<String>,
}

/// Minimum severity of the runs to notify of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum NotifyOn {
    /// Failed runs.
    #[default]
    Errors,
    /// Failed runs and runs with warnings.
    Warnings,
}

impl TaskSettings {
    /// Returns the days for which the values before a run are kept; 0 if they are not.
    #[must_use]
    pub fn undo_days(&self) -> u32 {
        self.undo_days.unwrap_or(DEFAULT_UNDO_DAYS)
    }

    /// Gives the settings that a request left out, and whose defaults changed over time, their value:
    /// that of the task which they replace or are copied from, or that of a new task.
    pub fn complete(&mut self, stored: Option<&Self>) {
        let conflicts = stored.map_or(ExternalIdConflicts::Ignore, |stored| {
            stored.external_id_conflicts.unwrap_or_default()
        });
        self.external_id_conflicts.get_or_insert(conflicts);
        // A client that does not know this setting must not change whom the records are about.
        let stored_identity = stored.and_then(|stored| stored.identify_by);
        self.identify_by = self.identify_by.or(stored_identity);
        self.safety_threshold = self.safety_threshold.or_else(|| match stored {
            None => Some(SafetyThreshold::of_new_task()),
            Some(stored) => Some(stored.safety_threshold.unwrap_or_default()),
        });
        let undo_days = stored.map_or(DEFAULT_UNDO_DAYS, Self::undo_days);
        self.undo_days.get_or_insert(undo_days);
    }

    /// Returns the names of the fields that differ from `other`, in field order, without `id`.
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
            identify_by,
            external_id_conflicts,
            safety_threshold,
            undo_days: _,
            value_formats,
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
                "identify_by",
                self.identify_by.unwrap_or_default() != identify_by.unwrap_or_default(),
            ),
            (
                "external_id_conflicts",
                self.external_id_conflicts.unwrap_or_default()
                    != external_id_conflicts.unwrap_or_default(),
            ),
            (
                "safety_threshold",
                self.safety_threshold.unwrap_or_default() != safety_threshold.unwrap_or_default(),
            ),
            ("undo_days", self.undo_days() != other.undo_days()),
            ("value_formats", self.value_formats != *value_formats),
            ("webhooks", self.webhooks != *webhooks),
        ]
        .into_iter()
        .filter_map(|(field, changed)| changed.then_some(field))
        .collect()
    }
}
