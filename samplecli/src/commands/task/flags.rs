//! One flag for each setting, and what it does to the settings.

use clap::Args;
use muster_core::attribute::Attribute;
use muster_core::settings::{NotifyOn, SafetyThreshold, Separator, TaskSettings};

use crate::commands::name;
use crate::failure::Failure;

/// The flags that set something.
#[derive(Args, Default, PartialEq, Eq)]
pub struct Flags {
    /// Its name
    #[arg(long, value_name = "TEXT", help_heading = "Settings")]
    title: Option<String>,
    /// What it is for, in Markdown
    #[arg(long, value_name = "TEXT", help_heading = "Settings")]
    description: Option<String>,
    /// Notes
    #[arg(long, value_name = "TEXT", help_heading = "Settings")]
    notes: Option<String>,
    /// Open the task for imports; its settings must be complete
    #[arg(long, conflicts_with = "disabled", help_heading = "Settings")]
    enabled: bool,
    /// Close the task
    #[arg(long, help_heading = "Settings")]
    disabled: bool,
    /// Permit a robot
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = "Settings")]
    robot: Vec<String>,
    /// Forbid a robot
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = "Settings")]
    no_robot: Vec<String>,
    /// Separates the items of a list that comes as one text: , ; | tab or newline
    #[arg(long, value_name = "SIGN", value_parser = separator, help_heading = "Settings")]
    separator: Option<Separator>,
    /// Seconds that a second import is told to wait, or `none`: what is left of the first
    #[arg(long, value_name = "SECONDS", value_parser = or_none::<u32>, help_heading = "Settings")]
    retry_after: Option<NoneOr<u32>>,
    /// Ignored users that stop an import before it writes: more than 100, or than 5%, or `none`
    #[arg(long, value_name = "5%|100", value_parser = threshold, help_heading = "Settings")]
    threshold: Option<NoneOr<SafetyThreshold>>,

    /// Import an attribute from a JSON key; without =KEY from the key the catalogue proposes
    #[arg(long, value_name = "ATTRIBUTE=KEY", value_parser = mapped, help_heading = "Mapping")]
    map: Vec<(Attribute, String)>,
    /// Import an attribute no more
    #[arg(long, value_name = "ATTRIBUTE", value_parser = attribute, help_heading = "Mapping")]
    unmap: Vec<Attribute>,
    /// The role that a text in the file stands for
    #[arg(long, value_name = "TEXT=ROLE", value_parser = role, help_heading = "Mapping")]
    role: Vec<(String, String)>,
    /// A text that stands for a role no more
    #[arg(long, value_name = "TEXT", help_heading = "Mapping")]
    no_role: Vec<String>,

    /// Mail this address about runs
    #[arg(long, value_name = "ADDRESS", help_heading = "Notifications")]
    email: Vec<String>,
    /// Mail this address no more
    #[arg(long, value_name = "ADDRESS", help_heading = "Notifications")]
    no_email: Vec<String>,
    /// Mail about runs with errors, or also about those with warnings
    #[arg(long, value_name = "WHICH", value_parser = notify_on, help_heading = "Notifications")]
    notify_on: Option<NotifyOn>,
    /// Tell this URL about finished runs
    #[arg(long, value_name = "URL", help_heading = "Notifications")]
    webhook: Vec<String>,
    /// Tell this URL no more
    #[arg(long, value_name = "URL", help_heading = "Notifications")]
    no_webhook: Vec<String>,
}

/// What a flag sets that can also be unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoneOr<T> {
    /// `none`
    None,
    /// A value.
    Some(T),
}

impl<T> NoneOr<T> {
    /// The value, if there is one.
    pub fn option(self) -> Option<T> {
        match self {
            Self::None => None,
            Self::Some(value) => Some(value),
        }
    }
}

impl Flags {
    /// Does to the settings what the flags say.
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
            threshold,
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
        if *enabled || *disabled {
            settings.enabled = *enabled;
        }
        set(&mut settings.list_item_separator, separator);
        set(&mut settings.notify_on, notify_on);
        set(
            &mut settings.retry_after_seconds,
            &retry_after.map(NoneOr::option),
        );
        set(
            &mut settings.safety_threshold,
            &threshold.map(NoneOr::option),
        );
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

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn set<T: Clone>(setting: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        setting.clone_from(given);
    }
}

/// Adds to a list what is not in it, and takes out of it what is.
fn edit(
    list: &mut Vec<String>,
    added: &[String],
    removed: &[String],
    flag: &str,
) -> Result<(), Failure> {
    for gone in removed {
        let before = list.len();
        list.retain(|other| other != gone);
        if list.len() == before {
            return Err(absent(&format!("no-{flag}"), gone));
        }
    }
    for new in added {
        if !list.contains(new) {
            list.push(new.clone());
        }
    }
    Ok(())
}

/// A misspelt removal must not look like one that was done.
fn absent(flag: &str, value: &str) -> Failure {
    Failure::usage(format!(
        "--{flag} {value}: the task has no such thing, so it cannot be taken away"
    ))
    .next("`muster task show ID` shows what it has; nothing was changed")
}

/// An attribute by its catalogue name.
pub fn attribute(text: &str) -> Result<Attribute, String> {
    Attribute::from_name(text).ok_or_else(|| {
        format!(
            "there is no attribute named '{text}'; there are {}",
            muster_core::attribute::CATALOGUE
                .iter()
                .map(|spec| spec.name)
                .collect::<Vec<_>>()
                .join(", ")
        )
    })
}

fn mapped(text: &str) -> Result<(Attribute, String), String> {
    if let Some((name, key)) = text.split_once('=') {
        return Ok((attribute(name)?, key.to_owned()));
    }
    let attribute = attribute(text)?;
    let key = attribute
        .spec()
        .quant
        .ok_or_else(|| format!("the catalogue proposes no key for '{text}': write {text}=KEY"))?;
    Ok((attribute, key.to_owned()))
}

fn role(text: &str) -> Result<(String, String), &'static str> {
    let (text, role) = text
        .split_once('=')
        .ok_or("write TEXT=ROLE, such as 'catman=Category Manager'")?;
    Ok((text.to_owned(), role.to_owned()))
}

/// A separator by its sign or name.
pub fn separator(text: &str) -> Result<Separator, &'static str> {
    match text {
        "," | "comma" => Ok(Separator::Comma),
        ";" | "semicolon" => Ok(Separator::Semicolon),
        "|" | "bar" => Ok(Separator::Bar),
        "\t" | "tab" => Ok(Separator::Tab),
        "\n" | "newline" => Ok(Separator::Newline),
        _ => Err("a separator is one of , ; | tab newline"),
    }
}

fn notify_on(text: &str) -> Result<NotifyOn, &'static str> {
    match text {
        "errors" => Ok(NotifyOn::Errors),
        "warnings" => Ok(NotifyOn::Warnings),
        _ => Err("write errors or warnings"),
    }
}

fn or_none<T: std::str::FromStr>(text: &str) -> Result<NoneOr<T>, &'static str> {
    if text == "none" {
        return Ok(NoneOr::None);
    }
    text.parse()
        .map(NoneOr::Some)
        .map_err(|_| "write a whole number, or none")
}

/// `5%`, `100` or `none`.
pub fn threshold(text: &str) -> Result<NoneOr<SafetyThreshold>, &'static str> {
    if text == "none" {
        return Ok(NoneOr::None);
    }
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(SafetyThreshold::Percent),
        None => text.parse().map(SafetyThreshold::Records),
    }
    .map(NoneOr::Some)
    .map_err(|_| "write a share such as 5%, a number such as 100, or none")
}
