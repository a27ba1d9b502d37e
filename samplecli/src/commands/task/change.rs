//! Where new settings come from: a file, flags, or questions.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use muster_core::settings::TaskSettings;
use serde_json::{Map, Value, json};

use super::flags::Flags;
use super::interview;
use crate::asking::Asking;
use crate::failure::Failure;

/// Settings of a task hold a few texts; more is another file.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What is to be set.
#[derive(Args)]
pub struct Settings {
    /// Take settings from a JSON file, in the names of the API; - for standard input. Flags come
    /// after it
    #[arg(long, value_name = "SETTINGS.json", help_heading = "Settings")]
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

impl Settings {
    /// Whether questions are asked: nothing is said, and somebody is there to ask.
    pub fn asks(&self, asking: Asking) -> bool {
        asking.is_allowed() && self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.file.is_none() && self.flags.is_empty()
    }

    /// Refuses a change that changes nothing, unless somebody is asked.
    pub fn must_change(&self, asks: bool) -> Result<(), Failure> {
        if self.is_empty() && !asks {
            return Err(Failure::usage("there is nothing to change").next(
                "give --file or a flag such as --title; `muster help task update` lists them",
            ));
        }
        Ok(())
    }

    /// The settings that come of these.
    pub fn of(&self, stored: TaskSettings, asking: Asking) -> Result<TaskSettings, Failure> {
        if self.asks(asking) {
            return interview::settings(stored, asking);
        }
        let mut settings = match &self.file {
            Some(path) => overlaid(stored, path)?,
            None => stored,
        };
        self.flags.apply(&mut settings)?;
        Ok(settings)
    }
}

/// The stored settings, with the members of the file in their places.
fn overlaid(stored: TaskSettings, path: &Path) -> Result<TaskSettings, Failure> {
    let text = read(path)?;
    let wrong = |error: serde_json::Error| {
        Failure::failed(format!(
            "{} does not hold the settings of a task: {error}",
            path.display()
        ))
        .next("`muster task show ID --output json | jq .settings` shows how they look")
    };
    // Read as settings first, for an error that says the line.
    serde_json::from_slice::<TaskSettings>(&text).map_err(wrong)?;
    let members: Map<String, Value> = serde_json::from_slice(&text).map_err(wrong)?;
    let mut merged = json!(stored);
    if let Some(merged) = merged.as_object_mut() {
        merged.extend(members);
    }
    let mut settings: TaskSettings = serde_json::from_value(merged).map_err(wrong)?;
    if stored.id == 0 {
        // A new task has no number yet, whatever task the file was taken from.
        settings.id = 0;
    }
    Ok(settings)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE).read_to_end(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut text))
    };
    read.map_err(|error| {
        Failure::failed(format!(
            "cannot read the settings {}: {error}",
            path.display()
        ))
    })?;
    Ok(text)
}
