//! The settings of a task by questions, one after the other, and a review at the end. Enter alone
//! keeps what is there.

use std::collections::BTreeMap;

use muster_core::attribute::{Attribute, CATALOGUE};
use muster_core::settings::TaskSettings;

use super::flags;
use super::sheet::{separator, threshold_text};
use crate::asking::Asking;
use crate::failure::Failure;
use crate::terminal;
use crate::view::{Output, View};

/// What a task imports at least, to create users.
const USUAL: [Attribute; 4] = [
    Attribute::Username,
    Attribute::Name,
    Attribute::Role,
    Attribute::Email,
];

/// Asks for the settings that nearly every task needs; the others stay as they are.
pub fn settings(stored: TaskSettings, asking: Asking) -> Result<TaskSettings, Failure> {
    terminal::say("Enter alone keeps what is in brackets; Ctrl-C changes nothing.");
    let mut settings = stored;
    settings.title = asking.text("Title", &settings.title, anything)?;
    settings.description = asking.text("Description", &settings.description, anything)?;
    settings.permitted_robots = robots(&settings.permitted_robots, asking)?;
    settings.attribute_mapping = attributes(&settings.attribute_mapping, asking)?;
    if settings.attribute_mapping.contains_key(&Attribute::Role) {
        roles(&mut settings.role_mapping, asking)?;
    }
    let sign = asking.text(
        "Separator of list items: , ; | tab newline",
        separator(settings.list_item_separator),
        |text| valid(flags::separator(text)),
    )?;
    if let Ok(separator) = flags::separator(&sign) {
        settings.list_item_separator = separator;
    }
    let already = settings
        .safety_threshold
        .map_or("none".to_owned(), threshold_text);
    let limit = asking.text(
        "Ignored users that stop an import: 5%, 100 or none",
        &already,
        |text| valid(flags::threshold(text)),
    )?;
    if let Ok(threshold) = flags::threshold(&limit) {
        settings.safety_threshold = threshold.option();
    }
    settings.enabled = asking.agreed("Open the task for imports now?", settings.enabled)?;
    Ok(settings)
}

/// Shows the settings and asks whether they are right.
pub fn agreed(settings: &TaskSettings, asking: Asking) -> Result<bool, Failure> {
    let sheet = View::new(Output::Human).sheet_text(settings.clone());
    terminal::say(&format!("\n{sheet}"));
    asking.agreed("Store this?", true)
}

fn robots(already: &[String], asking: Asking) -> Result<Vec<String>, Failure> {
    let check = |text: &str| {
        listed(text)
            .iter()
            .try_for_each(|robot| valid(crate::commands::name(robot)))
    };
    let names = asking.text(
        "Robots that may run it, between commas",
        &already.join(", "),
        check,
    )?;
    Ok(listed(&names))
}

/// First which attributes, then the key of each.
fn attributes(
    already: &BTreeMap<Attribute, String>,
    asking: Asking,
) -> Result<BTreeMap<Attribute, String>, Failure> {
    terminal::say("\nAttributes, and the JSON keys that the catalogue proposes:");
    for spec in CATALOGUE {
        if let Some(key) = spec.quant {
            terminal::say(&format!("  {:<20}{key}", spec.name));
        }
    }
    let proposed: Vec<Attribute> = if already.is_empty() {
        USUAL.to_vec()
    } else {
        already.keys().copied().collect()
    };
    let proposed: Vec<&str> = proposed.iter().map(|attribute| attribute.name()).collect();
    let names = asking.text(
        "Attributes to import, between commas",
        &proposed.join(", "),
        |text| {
            listed(text)
                .iter()
                .try_for_each(|name| flags::attribute(name).map(drop))
        },
    )?;
    let mut mapping = BTreeMap::new();
    for attribute in listed(&names)
        .iter()
        .filter_map(|name| Attribute::from_name(name))
    {
        let proposed = already
            .get(&attribute)
            .map(String::as_str)
            .or(attribute.spec().quant);
        let key = asking.text(
            &format!("JSON key of {attribute}"),
            proposed.unwrap_or_default(),
            |key| {
                if key.is_empty() {
                    return Err("a key has at least one character".to_owned());
                }
                Ok(())
            },
        )?;
        mapping.insert(attribute, key);
    }
    Ok(mapping)
}

/// Adds to the role mapping until there is no more.
fn roles(mapping: &mut BTreeMap<String, String>, asking: Asking) -> Result<(), Failure> {
    for (text, role) in &*mapping {
        terminal::say(&format!("  {text} = {role}"));
    }
    loop {
        let text = asking.text(
            "A text that stands for a role (Enter: no more)",
            "",
            anything,
        )?;
        if text.is_empty() {
            return Ok(());
        }
        let already = mapping.get(&text).cloned().unwrap_or_default();
        let role = asking.text(
            &format!("The role that {text} stands for"),
            &already,
            anything,
        )?;
        if !role.is_empty() {
            mapping.insert(text, role);
        }
    }
}

fn listed(text: &str) -> Vec<String> {
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
