//! One flag per setting.

use clap::Args;
use muster_core::attribute::Attribute;
use muster_core::limits::MAX_UNDO_DAYS;
use muster_core::settings::{
    ExternalIdConflicts, Figure, IdentifyBy, Limit, NotifyOn, SafetyThreshold, Separator,
    TaskSettings,
};

use crate::args::{name, switch};
use crate::failure::Failure;

/// The flags that change settings.
#[derive(Args, Default, PartialEq, Eq)]
pub struct SettingFlags {
    /// Title of the task
    #[arg(long, value_name = "TEXT", help_heading = "Settings")]
    title: Option<String>,
    /// Description in Markdown
    #[arg(long, value_name = "TEXT", help_heading = "Settings")]
    description: Option<String>,
    /// Internal notes
    #[arg(long, value_name = "TEXT", help_heading = "Settings")]
    notes: Option<String>,
    /// Enable imports into the task; its settings must be complete
    #[arg(long, conflicts_with = "disabled", help_heading = "Settings")]
    enabled: bool,
    /// Disable imports into the task
    #[arg(long, help_heading = "Settings")]
    disabled: bool,
    /// Permit a robot (repeatable)
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = "Settings")]
    robot: Vec<String>,
    /// Forbid a robot (repeatable)
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = "Settings")]
    no_robot: Vec<String>,
    /// Separator of list items within one text: , ; | tab or newline
    #[arg(long, value_name = "SIGN", value_parser = separator, help_heading = "Settings")]
    separator: Option<Separator>,
    /// Retry-After of refused concurrent imports in seconds, or `none` to estimate it
    #[arg(long, value_name = "SECONDS", value_parser = or_none::<u32>, help_heading = "Settings")]
    retry_after: Option<NoneOr<u32>>,
    /// Identify people by user name, or by external id: then records rename people whose user name
    /// has changed
    #[arg(long, value_name = "username|external_id", value_parser = identify_by, help_heading = "Settings")]
    identify_by: Option<IdentifyBy>,
    /// Ignore records whose user name and external id belong to two people, or apply them
    #[arg(long, value_name = "ignore|apply", value_parser = conflicts, help_heading = "Settings")]
    external_id_conflicts: Option<ExternalIdConflicts>,
    /// Refuse imports with more than this: a number, a percentage, the greater of both or `none`, of
    /// ignored, empty, duplicated, created, updated, renamed or blocked users, of moved ids or of
    /// cleared values; without FIGURE=, of ignored users, and `none` for all (repeatable)
    #[arg(long, value_name = "[FIGURE=]100,5%", value_parser = threshold, help_heading = "Settings")]
    threshold: Vec<ThresholdChange>,
    /// Keep the values that imports replace for this many days, 0 to 90, for the undo that a later
    /// version brings; 0 keeps nothing
    #[arg(long, value_name = "DAYS", value_parser = undo_days, help_heading = "Settings")]
    undo_days: Option<u32>,

    /// Import an attribute from a JSON key; without =KEY, from its default key (repeatable)
    #[arg(long, value_name = "ATTRIBUTE=KEY", value_parser = mapping, help_heading = "Mapping")]
    map: Vec<(Attribute, String)>,
    /// Stop importing an attribute (repeatable)
    #[arg(long, value_name = "ATTRIBUTE", value_parser = attribute, help_heading = "Mapping")]
    unmap: Vec<Attribute>,
    /// Map a text in the file to a role (repeatable)
    #[arg(long, value_name = "TEXT=ROLE", value_parser = role, help_heading = "Mapping")]
    role: Vec<(String, String)>,
    /// Remove a text from the role mapping (repeatable)
    #[arg(long, value_name = "TEXT", help_heading = "Mapping")]
    no_role: Vec<String>,

    /// Send mail about runs to this address (repeatable)
    #[arg(long, value_name = "ADDRESS", help_heading = "Notifications")]
    email: Vec<String>,
    /// Stop sending mail to this address (repeatable)
    #[arg(long, value_name = "ADDRESS", help_heading = "Notifications")]
    no_email: Vec<String>,
    /// Send mail about runs with errors, or also about runs with warnings
    #[arg(long, value_name = "WHICH", value_parser = notify_on, help_heading = "Notifications")]
    notify_on: Option<NotifyOn>,
    /// Notify this URL of finished runs (repeatable)
    #[arg(long, value_name = "URL", help_heading = "Notifications")]
    webhook: Vec<String>,
    /// Stop notifying this URL (repeatable)
    #[arg(long, value_name = "URL", help_heading = "Notifications")]
    no_webhook: Vec<String>,
}

/// A change of the safety threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdChange {
    /// Removes all limits.
    NoLimit,
    /// Sets or removes the limit of a figure.
    Limit(Figure, Option<Limit>),
}

impl ThresholdChange {
    /// Returns the threshold with this change.
    pub fn apply(self, threshold: SafetyThreshold) -> SafetyThreshold {
        match self {
            Self::NoLimit => SafetyThreshold::default(),
            Self::Limit(figure, limit) => threshold.with(figure, limit),
        }
    }
}

/// The value of a flag that can also unset a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoneOr<T> {
    /// `none`
    None,
    /// A value.
    Some(T),
}

impl<T> NoneOr<T> {
    /// Returns the value, if there is one.
    pub fn option(self) -> Option<T> {
        match self {
            Self::None => None,
            Self::Some(value) => Some(value),
        }
    }
}

impl SettingFlags {
    /// Applies the flags to settings.
    pub fn apply(&self, settings: &mut TaskSettings) -> Result<(), Failure> {
        let Self {
            title,
            description,
            notes,
            enabled,
            disabled,
            robot,
            no_robot,
            separator,
            retry_after,
            identify_by,
            external_id_conflicts,
            threshold,
            undo_days,
            map,
            unmap,
            role,
            no_role,
            email,
            no_email,
            notify_on,
            webhook,
            no_webhook,
        } = self;
        set(&mut settings.title, title);
        set(&mut settings.description, description);
        set(&mut settings.notes, notes);
        set(&mut settings.enabled, &switch(*enabled, *disabled));
        set(&mut settings.list_item_separator, separator);
        set(&mut settings.notify_on, notify_on);
        set(
            &mut settings.retry_after_seconds,
            &retry_after.map(NoneOr::option),
        );
        if identify_by.is_some() {
            settings.identify_by = *identify_by;
        }
        if external_id_conflicts.is_some() {
            settings.external_id_conflicts = *external_id_conflicts;
        }
        if undo_days.is_some() {
            settings.undo_days = *undo_days;
        }
        for change in threshold {
            let current = settings.safety_threshold.unwrap_or_default();
            settings.safety_threshold = Some(change.apply(current));
        }
        edit(&mut settings.permitted_robots, robot, no_robot, "robot")?;
        edit(&mut settings.notification_emails, email, no_email, "email")?;
        edit(&mut settings.webhooks, webhook, no_webhook, "webhook")?;
        for attribute in unmap {
            settings
                .attribute_mapping
                .remove(attribute)
                .ok_or_else(|| absent("unmap", attribute.name()))?;
        }
        settings.attribute_mapping.extend(map.iter().cloned());
        for text in no_role {
            settings
                .role_mapping
                .remove(text)
                .ok_or_else(|| absent("no-role", text))?;
        }
        settings.role_mapping.extend(role.iter().cloned());
        Ok(())
    }

    /// Returns true if no flag is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn set<T: Clone>(setting: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        setting.clone_from(given);
    }
}

/// Removes values from a list, and adds those that it lacks.
fn edit(
    list: &mut Vec<String>,
    added: &[String],
    removed: &[String],
    flag: &str,
) -> Result<(), Failure> {
    for value in removed {
        let before = list.len();
        list.retain(|other| other != value);
        if list.len() == before {
            return Err(absent(&format!("no-{flag}"), value));
        }
    }
    for value in added {
        if !list.contains(value) {
            list.push(value.clone());
        }
    }
    Ok(())
}

/// Returns the failure for removing a missing value: a typo must not look like success.
fn absent(flag: &str, value: &str) -> Failure {
    Failure::usage(format!(
        "invalid value '{value}' for --{flag}: the task does not have it"
    ))
    .hint("see `muster task show ID`; nothing was changed")
}

/// Parses the name of an attribute in the catalogue.
pub fn attribute(text: &str) -> Result<Attribute, String> {
    Attribute::from_name(text).ok_or_else(|| {
        format!(
            "unknown attribute '{text}': expected one of {}",
            muster_core::attribute::CATALOGUE
                .iter()
                .map(|spec| spec.name)
                .collect::<Vec<_>>()
                .join(", ")
        )
    })
}

/// Parses `ATTRIBUTE=KEY`, or an attribute with a default key.
fn mapping(text: &str) -> Result<(Attribute, String), String> {
    if let Some((name, key)) = text.split_once('=') {
        return Ok((attribute(name)?, key.to_owned()));
    }
    let attribute = attribute(text)?;
    let key = attribute
        .spec()
        .quant
        .ok_or_else(|| format!("'{text}' has no default key: expected {text}=KEY"))?;
    Ok((attribute, key.to_owned()))
}

fn role(text: &str) -> Result<(String, String), &'static str> {
    let (text, role) = text
        .split_once('=')
        .ok_or("expected TEXT=ROLE, such as 'catman=Category Manager'")?;
    Ok((text.to_owned(), role.to_owned()))
}

/// Parses a separator, by its character or name.
pub fn separator(text: &str) -> Result<Separator, &'static str> {
    match text {
        "," | "comma" => Ok(Separator::Comma),
        ";" | "semicolon" => Ok(Separator::Semicolon),
        "|" | "bar" => Ok(Separator::Bar),
        "\t" | "tab" => Ok(Separator::Tab),
        "\n" | "newline" => Ok(Separator::Newline),
        _ => Err("expected one of , ; | tab newline"),
    }
}

fn notify_on(text: &str) -> Result<NotifyOn, &'static str> {
    match text {
        "errors" => Ok(NotifyOn::Errors),
        "warnings" => Ok(NotifyOn::Warnings),
        _ => Err("expected errors or warnings"),
    }
}

fn undo_days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok();
    let days = days.filter(|days| *days <= MAX_UNDO_DAYS);
    days.ok_or_else(|| format!("expected a whole number of days, 0 to {MAX_UNDO_DAYS}"))
}

fn identify_by(text: &str) -> Result<IdentifyBy, &'static str> {
    match text {
        "username" => Ok(IdentifyBy::Username),
        "external_id" => Ok(IdentifyBy::ExternalId),
        _ => Err("expected username or external_id"),
    }
}

fn conflicts(text: &str) -> Result<ExternalIdConflicts, &'static str> {
    match text {
        "ignore" => Ok(ExternalIdConflicts::Ignore),
        "apply" => Ok(ExternalIdConflicts::Apply),
        _ => Err("expected ignore or apply"),
    }
}

fn or_none<T: std::str::FromStr>(text: &str) -> Result<NoneOr<T>, &'static str> {
    if text == "none" {
        return Ok(NoneOr::None);
    }
    text.parse()
        .map(NoneOr::Some)
        .map_err(|_| "expected a whole number or none")
}

/// Parses `[FIGURE=]LIMIT`; a limit is `100`, `5%`, `100,5%` or `none`.
pub fn threshold(text: &str) -> Result<ThresholdChange, String> {
    let (figure, limit) = match text.split_once('=') {
        None if text == "none" => return Ok(ThresholdChange::NoLimit),
        None => (Figure::Ignored, text),
        Some((name, limit)) => {
            let names = Figure::ALL.map(Figure::name).join(", ");
            let unknown = || format!("unknown figure '{name}': expected one of {names}");
            (Figure::from_name(name).ok_or_else(unknown)?, limit)
        }
    };
    if limit == "none" {
        return Ok(ThresholdChange::Limit(figure, None));
    }
    let mut parsed = Limit {
        records: None,
        percent: None,
    };
    for part in limit.split(',') {
        let read = match part.strip_suffix('%') {
            Some(percent) if parsed.percent.is_none() => percent
                .parse()
                .map(|percent| parsed.percent = Some(percent)),
            None if parsed.records.is_none() => {
                part.parse().map(|records| parsed.records = Some(records))
            }
            _ => return Err(INVALID_LIMIT.to_owned()),
        };
        read.map_err(|_| INVALID_LIMIT)?;
    }
    Ok(ThresholdChange::Limit(figure, Some(parsed)))
}

const INVALID_LIMIT: &str =
    "expected a percentage such as 5%, a number such as 100, both (100,5%), or none";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_limit_of_a_figure() {
        let limit = |records, percent| Some(Limit { records, percent });
        for (text, figure, expected) in [
            ("100", Figure::Ignored, limit(Some(100), None)),
            ("5%", Figure::Ignored, limit(None, Some(5))),
            ("blocked=5,5%", Figure::Blocked, limit(Some(5), Some(5))),
            ("cleared=5%,9", Figure::Cleared, limit(Some(9), Some(5))),
            ("created=none", Figure::Created, None),
        ] {
            let change = ThresholdChange::Limit(figure, expected);
            assert_eq!(threshold(text), Ok(change), "{text}");
        }
        assert_eq!(threshold("none"), Ok(ThresholdChange::NoLimit));
        for wrong in [
            "",
            "many",
            "5,6",
            "5%,6%",
            "1,2%,3",
            "blokced=5",
            "blocked=",
            "-1",
            "5.5%",
        ] {
            assert!(threshold(wrong).is_err(), "{wrong}");
        }
    }
}
