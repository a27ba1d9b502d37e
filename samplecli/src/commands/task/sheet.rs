//! Tasks and their versions, as they are shown.

use jiff::Timestamp;
use muster_core::settings::{NotifyOn, SafetyThreshold, Separator, TaskSettings};
use serde::Deserialize;
use serde_json::Value;

use crate::view::{Cell, Row, Sheet, line};

/// A task as the server shows it.
#[derive(Deserialize)]
pub struct TaskView {
    /// Its number.
    pub id: u64,
    /// The version that a change is based on.
    pub version: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
    created_by: Option<String>,
    updated_by: Option<String>,
    /// Its settings, `id` included.
    pub settings: TaskSettings,
}

/// A version of a task.
#[derive(Deserialize)]
pub struct VersionView {
    version: Value,
    at: Timestamp,
    by: Option<String>,
    changed: Vec<String>,
}

impl Row for TaskView {
    const COLUMNS: &'static [&'static str] =
        &["Id", "Title", "State", "Robots", "Changed", "Changed by"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Id(self.id),
            Cell::Text(self.settings.title),
            state(self.settings.enabled),
            Cell::Texts(self.settings.permitted_robots),
            Cell::Time(self.updated_at),
            Cell::maybe(self.updated_by, Cell::Text),
        ]
    }
}

impl Sheet for TaskView {
    fn lines(self) -> Vec<(String, Cell)> {
        let mut lines = vec![line("Task", Cell::Id(self.id))];
        lines.extend(self.settings.lines());
        lines.extend([
            line("Version", Cell::text(self.version.to_string())),
            line("Created", Cell::Time(self.created_at)),
            line("Created by", Cell::maybe(self.created_by, Cell::Text)),
            line("Changed", Cell::Time(self.updated_at)),
            line("Changed by", Cell::maybe(self.updated_by, Cell::Text)),
        ]);
        lines
    }
}

impl Sheet for TaskSettings {
    fn lines(self) -> Vec<(String, Cell)> {
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
        } = self;
        let attributes = attribute_mapping
            .iter()
            .map(|(attribute, key)| format!("{attribute} = {key}"));
        let roles = role_mapping
            .iter()
            .map(|(text, role)| format!("{text} = {role}"));
        vec![
            line("Title", Cell::Text(title)),
            line("State", state(enabled)),
            line("Description", Cell::Text(description)),
            line("Notes", Cell::Text(notes)),
            line("Robots", Cell::Texts(permitted_robots)),
            line("Attributes", Cell::Texts(attributes.collect())),
            line("Roles", Cell::Texts(roles.collect())),
            line("List separator", Cell::text(separator(list_item_separator))),
            line("Threshold", Cell::maybe(safety_threshold, threshold)),
            line("Retry after", Cell::maybe(retry_after_seconds, seconds)),
            line("Mails to", Cell::Texts(notification_emails)),
            line(
                "Mails about",
                Cell::text(match notify_on {
                    NotifyOn::Errors => "errors",
                    NotifyOn::Warnings => "errors and warnings",
                }),
            ),
            line("Webhooks", Cell::Texts(webhooks)),
        ]
    }
}

impl Row for VersionView {
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

fn state(enabled: bool) -> Cell {
    Cell::either(enabled, "enabled", "disabled")
}

/// The separator as `--separator` takes it.
pub fn separator(separator: Separator) -> &'static str {
    match separator {
        Separator::Comma => ",",
        Separator::Semicolon => ";",
        Separator::Bar => "|",
        Separator::Tab => "tab",
        Separator::Newline => "newline",
    }
}

/// The threshold as `--threshold` takes it.
pub fn threshold_text(threshold: SafetyThreshold) -> String {
    match threshold {
        SafetyThreshold::Records(records) => records.to_string(),
        SafetyThreshold::Percent(percent) => format!("{percent}%"),
    }
}

fn threshold(threshold: SafetyThreshold) -> Cell {
    Cell::text(format!(
        "more than {} ignored users stop an import",
        threshold_text(threshold)
    ))
}

fn seconds(seconds: u32) -> Cell {
    Cell::text(format!("{seconds} s"))
}
