//! The source of new settings: a file, flags or prompts.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use muster_core::settings::TaskSettings;
use serde_json::{Map, Value, json};

use super::flags::SettingFlags;
use super::questions;
use crate::commands::settings_file;
use crate::failure::Failure;
use crate::prompts::Prompts;

/// Settings are a few texts: a larger file is a mistake.
const MAX_SETTINGS_BYTES: u64 = 4 * 1024 * 1024;

/// The source of new settings.
#[derive(Args)]
pub struct SettingsArgs {
    /// JSON file with settings, as in the API; - for standard input. Flags override the file
    #[arg(long, value_name = "SETTINGS.json", help_heading = "Settings")]
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: SettingFlags,
}

impl SettingsArgs {
    /// Returns true if the settings are prompted for: no setting is given, and prompts are allowed.
    pub fn is_interactive(&self, prompts: Prompts) -> bool {
        prompts.is_allowed() && self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.file.is_none() && self.flags.is_empty()
    }

    /// Returns an error if no setting is given, unless they are prompted for.
    pub fn require_change(&self, is_interactive: bool) -> Result<(), Failure> {
        if self.is_empty() && !is_interactive {
            return Err(Failure::usage("nothing to change")
                .hint("pass --file or a flag such as --title: see `muster help task update`"));
        }
        Ok(())
    }

    /// Returns the stored settings with the changes applied.
    pub fn apply(&self, stored: TaskSettings, prompts: Prompts) -> Result<TaskSettings, Failure> {
        if self.is_interactive(prompts) {
            return questions::settings(stored, prompts);
        }
        let mut settings = match &self.file {
            Some(path) => merged(stored, path)?,
            None => stored,
        };
        self.flags.apply(&mut settings)?;
        Ok(settings)
    }
}

/// Returns the stored settings, overridden by those in a file.
fn merged(stored: TaskSettings, path: &Path) -> Result<TaskSettings, Failure> {
    let text = read(path)?;
    let invalid = |error: serde_json::Error| settings_file::invalid(path, &error);
    // Parsed as settings first, for an error with the line.
    serde_json::from_slice::<TaskSettings>(&text).map_err(invalid)?;
    let members: Map<String, Value> = serde_json::from_slice(&text).map_err(invalid)?;
    let mut merged = json!(stored);
    if let Some(merged) = merged.as_object_mut() {
        merged.extend(members);
    }
    let mut settings: TaskSettings = serde_json::from_value(merged).map_err(invalid)?;
    if stored.id == 0 {
        // A new task has no id yet, even if the file was copied from another task.
        settings.id = 0;
    }
    Ok(settings)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_SETTINGS_BYTES)
            .read_to_end(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_SETTINGS_BYTES).read_to_end(&mut text))
    };
    read.map_err(|error| settings_file::unreadable(path, &error))?;
    Ok(text)
}
