//! Tasks and their versions as they are shown.

use jiff::Timestamp;
use muster_api::TaskResponse;
use muster_core::settings::{
    ExternalIdConflicts, IdentifyBy, Limit, NotifyOn, Replacement, SafetyThreshold, Separator,
    TaskSettings, ValueFormats,
};
use serde::Deserialize;

use crate::output::cell::{Cell, DetailView, Row, field};

impl Row for TaskResponse {
    const COLUMNS: &'static [&'static str] =
        &["Id", "Title", "State", "Robots", "Changed", "Changed by"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Id(self.id),
            Cell::Text(self.settings.title),
            Cell::enabled(self.settings.enabled),
            Cell::Texts(self.settings.permitted_robots),
            Cell::Time(self.updated_at),
            Cell::maybe(self.updated_by, Cell::Text),
        ]
    }
}

impl DetailView for TaskResponse {
    fn fields(self) -> Vec<(String, Cell)> {
        let mut fields = vec![field("Task", Cell::Id(self.id))];
        fields.extend(self.settings.fields());
        fields.extend([
            field("Version", Cell::text(self.version.to_string())),
            field("Created", self.created_at),
            field("Created by", self.created_by),
            field("Changed", self.updated_at),
            field("Changed by", self.updated_by),
        ]);
        fields
    }
}

impl DetailView for TaskSettings {
    fn fields(self) -> Vec<(String, Cell)> {
        let undo_days = self.undo_days();
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
        } = self;
        let attributes = attribute_mapping
            .iter()
            .map(|(attribute, key)| format!("{attribute} = {key}"));
        let roles = role_mapping
            .iter()
            .map(|(text, role)| format!("{text} = {role}"));
        vec![
            field("Title", title),
            field("State", Cell::enabled(enabled)),
            field("Description", description),
            field("Notes", notes),
            field("Robots", permitted_robots),
            field("Attributes", Cell::Texts(attributes.collect())),
            field("Roles", Cell::Texts(roles.collect())),
            field("List separator", Cell::text(separator(list_item_separator))),
            field(
                "External ids",
                Cell::text(external_ids(
                    identify_by.unwrap_or_default(),
                    external_id_conflicts.unwrap_or_default(),
                )),
            ),
            field("Threshold", Cell::Texts(thresholds(safety_threshold))),
            field("Values kept", Cell::text(format!("{undo_days} days"))),
            field("Retry after", Cell::maybe(retry_after_seconds, seconds)),
            field("Mail to", notification_emails),
            field(
                "Mail about",
                Cell::text(match notify_on {
                    NotifyOn::Errors => "errors",
                    NotifyOn::Warnings => "errors and warnings",
                }),
            ),
            field("Formats", Cell::Texts(formats(value_formats))),
            field("Webhooks", webhooks),
        ]
    }
}

/// A version of a task in the history. The settings are left out: those of a newer service may have
/// members that this version refuses.
#[derive(Deserialize)]
pub struct TaskVersion {
    version: u64,
    at: Timestamp,
    by: Option<String>,
    changed: Vec<String>,
}

impl Row for TaskVersion {
    const COLUMNS: &'static [&'static str] = &["Version", "At", "By", "Changed"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::text(self.version.to_string()),
            Cell::Time(self.at),
            Cell::maybe(self.by, Cell::Text),
            Cell::Texts(self.changed),
        ]
    }
}

/// Describes what the external ids of records do.
const fn external_ids(identify_by: IdentifyBy, conflicts: ExternalIdConflicts) -> &'static str {
    match (identify_by, conflicts) {
        (IdentifyBy::ExternalId, _) => "identify people, records rename them",
        (IdentifyBy::Username, ExternalIdConflicts::Ignore) => "conflicting records are ignored",
        (IdentifyBy::Username, ExternalIdConflicts::Apply) => "conflicting records are applied",
    }
}

/// Formats a separator as `--separator` accepts it.
pub fn separator(separator: Separator) -> &'static str {
    match separator {
        Separator::Comma => ",",
        Separator::Semicolon => ";",
        Separator::Bar => "|",
        Separator::Tab => "tab",
        Separator::Newline => "newline",
    }
}

/// Formats a limit as `--threshold` accepts it.
pub fn limit_text(limit: Limit) -> String {
    let records = limit.records.map(|records| records.to_string());
    let percent = limit.percent.map(|percent| format!("{percent}%"));
    let parts: Vec<String> = records.into_iter().chain(percent).collect();
    parts.join(",")
}

/// Returns a line for each limit.
fn thresholds(threshold: Option<SafetyThreshold>) -> Vec<String> {
    let threshold = threshold.unwrap_or_default();
    let lines = threshold
        .limits()
        .map(|(figure, limit)| format!("{}: at most {limit}", figure.name()));
    lines.collect()
}

/// Returns the forms of values that the task adds.
fn formats(formats: ValueFormats) -> Vec<String> {
    let ValueFormats {
        date_patterns,
        empty_words,
        true_words,
        false_words,
        national_phones,
        username_replacements,
    } = formats;
    let list = |name: &str, texts: Vec<String>| {
        (!texts.is_empty()).then(|| format!("{name}: {}", texts.join(", ")))
    };
    let lists = [
        list("dates", date_patterns),
        list("empty", empty_words),
        list("true", true_words),
        list("false", false_words),
        national_phones.map(|phones| format!("phones: +{}", phones.calling_code)),
    ];
    let replacements = username_replacements
        .into_iter()
        .map(|Replacement { find, replace }| format!("user names: {find:?} = {replace:?}"));
    lists.into_iter().flatten().chain(replacements).collect()
}

fn seconds(seconds: u32) -> Cell {
    Cell::text(format!("{seconds} s"))
}
