//! Prompts for the settings of a task, with a review at the end.

use std::collections::BTreeMap;

use muster_core::attribute::{Attribute, CATALOGUE};
use muster_core::settings::{Figure, TaskSettings};

use super::flags;
use super::response::{limit_text, separator};
use crate::args;
use crate::failure::Failure;
use crate::output::printer::{OutputFormat, Printer};
use crate::output::stderr;
use crate::prompts::Prompts;

/// The attributes proposed for a new task.
const DEFAULT_ATTRIBUTES: [Attribute; 4] = [
    Attribute::Username,
    Attribute::Name,
    Attribute::Role,
    Attribute::Email,
];

/// Prompts for the settings that nearly every task needs; the others keep their values.
pub fn settings(stored: TaskSettings, prompts: Prompts) -> Result<TaskSettings, Failure> {
    stderr::println("Press Enter to keep the value in brackets. Ctrl-C changes nothing.");
    let mut settings = stored;
    settings.title = prompts.text("Title", &settings.title, anything)?;
    settings.description = prompts.text("Description", &settings.description, anything)?;
    settings.permitted_robots = robots(&settings.permitted_robots, prompts)?;
    settings.attribute_mapping = attributes(&settings.attribute_mapping, prompts)?;
    if settings.attribute_mapping.contains_key(&Attribute::Role) {
        roles(&mut settings.role_mapping, prompts)?;
    }
    let text = prompts.text(
        "Separator of list items (, ; | tab newline)",
        separator(settings.list_item_separator),
        |text| valid(flags::separator(text)),
    )?;
    if let Ok(separator) = flags::separator(&text) {
        settings.list_item_separator = separator;
    }
    for (figure, label) in [
        (Figure::Ignored, "Maximum ignored users of an import"),
        (Figure::Blocked, "Maximum blocked users of an import"),
        (Figure::Cleared, "Maximum cleared values of an import"),
    ] {
        let threshold = settings.safety_threshold.unwrap_or_default();
        let current = threshold.limit(figure).map(limit_text);
        let change = |text: &str| flags::threshold(&format!("{}={text}", figure.name()));
        let text = prompts.text(
            &format!("{label} (100, 5%, 100,5% or none)"),
            current.as_deref().unwrap_or("none"),
            |text| change(text).map(drop),
        )?;
        if let Ok(change) = change(&text) {
            settings.safety_threshold = Some(change.apply(threshold));
        }
    }
    settings.enabled = prompts.confirm("Enable the task?", settings.enabled)?;
    Ok(settings)
}

/// Shows the settings and prompts for a confirmation.
pub fn confirm(settings: &TaskSettings, prompts: Prompts) -> Result<bool, Failure> {
    let details = Printer::new(OutputFormat::Table).details(settings.clone());
    stderr::println(&format!("\n{details}"));
    prompts.confirm("Save these settings?", true)
}

fn robots(current: &[String], prompts: Prompts) -> Result<Vec<String>, Failure> {
    let check = |text: &str| {
        split(text)
            .iter()
            .try_for_each(|robot| valid(args::name(robot)))
    };
    let names = prompts.text(
        "Permitted robots, comma-separated",
        &current.join(", "),
        check,
    )?;
    Ok(split(&names))
}

/// Prompts for the attributes, and then for the key of each.
fn attributes(
    current: &BTreeMap<Attribute, String>,
    prompts: Prompts,
) -> Result<BTreeMap<Attribute, String>, Failure> {
    stderr::println("\nAttributes and their default JSON keys:");
    for spec in CATALOGUE {
        if let Some(key) = spec.quant {
            stderr::println(&format!("  {:<20}{key}", spec.name));
        }
    }
    let proposed: Vec<Attribute> = if current.is_empty() {
        DEFAULT_ATTRIBUTES.to_vec()
    } else {
        current.keys().copied().collect()
    };
    let proposed: Vec<&str> = proposed.iter().map(|attribute| attribute.name()).collect();
    let names = prompts.text(
        "Attributes to import, comma-separated",
        &proposed.join(", "),
        |text| {
            split(text)
                .iter()
                .try_for_each(|name| flags::attribute(name).map(drop))
        },
    )?;
    let mut mapping = BTreeMap::new();
    for attribute in split(&names)
        .iter()
        .filter_map(|name| Attribute::from_name(name))
    {
        let proposed = current
            .get(&attribute)
            .map(String::as_str)
            .or(attribute.spec().quant);
        let key = prompts.text(
            &format!("JSON key of {attribute}"),
            proposed.unwrap_or_default(),
            |key| {
                if key.is_empty() {
                    return Err("expected at least one character".to_owned());
                }
                Ok(())
            },
        )?;
        mapping.insert(attribute, key);
    }
    Ok(mapping)
}

/// Prompts for additions to the role mapping.
fn roles(mapping: &mut BTreeMap<String, String>, prompts: Prompts) -> Result<(), Failure> {
    for (text, role) in &*mapping {
        stderr::println(&format!("  {text} = {role}"));
    }
    loop {
        let text = prompts.text("Text to map to a role (Enter to finish)", "", anything)?;
        if text.is_empty() {
            return Ok(());
        }
        let current = mapping.get(&text).cloned().unwrap_or_default();
        let role = prompts.text(&format!("Role for {text}"), &current, anything)?;
        if !role.is_empty() {
            mapping.insert(text, role);
        }
    }
}

fn split(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn valid<T>(parsed: Result<T, &'static str>) -> Result<(), String> {
    parsed.map(drop).map_err(str::to_owned)
}
