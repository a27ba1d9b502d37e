//! `muster task`: import tasks and their settings.

mod flags;
mod questions;
mod response;
mod settings;

use clap::{Args, Subcommand};
use muster_api::{CopyTaskRequest, TaskResponse};
use muster_core::settings::TaskSettings;
use reqwest::Method;
use serde_json::{Value, json};

use self::response::TaskVersion;
use self::settings::SettingsArgs;
use crate::args::{switch, task_id};
use crate::commands::admin::AdminArgs;
use crate::commands::list::{Limit, ListArgs, Listing, filters};
use crate::commands::settings_file;
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::output::{stderr, stdout};
use crate::prompts::Prompts;

/// Manage import tasks
///
/// A task maps the JSON keys of a file to attributes and texts to roles, and permits robots to
/// import. Its id is part of the URL of an import.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  muster task list
  muster task create --title 'HR' --map username --map email=Mail --robot hr-robot --enabled
  muster task update 206 --threshold 5%")]
pub enum Task {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Enable(Enable),
    Disable(Disable),
    Copy(Copy),
    History(History),
}

/// List the tasks by id
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task list
  muster task list --enabled --text hr
  muster task list --output json | jq -r '.[].settings.title'")]
pub struct List {
    /// Only enabled tasks
    #[arg(long, conflicts_with = "disabled", help_heading = "Filters")]
    enabled: bool,
    /// Only disabled tasks
    #[arg(long, help_heading = "Filters")]
    disabled: bool,
    /// Only tasks with this text in title, description, notes or id
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    text: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Show a task with all its settings
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task show 206
  muster task show 206 --output json | jq .settings > task.json")]
pub struct Show {
    #[command(flatten)]
    task: TaskArgs,
}

/// Create a task from flags, a file or prompts
///
/// Without settings, prompts for them on a terminal. A task is disabled unless --enabled is given;
/// a disabled task may be incomplete.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task create
  muster task create --title 'HR' --map username --map name --map email=Mail --map role \\
      --role 'shop manager=Store Manager' --robot hr-robot --enabled
  muster task create --file task.json --title 'HR, second shop'
  muster task create --map username --dry-run > task.json")]
pub struct Create {
    /// Print the settings without sending them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Change settings of a task
///
/// Settings that are not given keep their values. If the task is changed concurrently, nothing is
/// written and the other changes are listed; it is safe to run the command again. Without settings,
/// prompts for them on a terminal.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task update 206
  muster task update 206 --map phone --unmap birth_date --threshold 5%
  muster task update 206 --role 'cashier=Cashier' --no-role catman
  muster task update 206 --title 'HR, nightly' --dry-run
  muster task update 206 --file task.json")]
pub struct Update {
    /// Print the settings without sending them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    task: TaskArgs,
}

/// Enable a task; its settings must be complete
#[derive(Args)]
#[command(after_help = "Examples:\n  muster task enable 206")]
pub struct Enable {
    #[command(flatten)]
    task: TaskArgs,
}

/// Disable a task, so that imports are refused
#[derive(Args)]
#[command(after_help = "Examples:\n  muster task disable 206")]
pub struct Disable {
    #[command(flatten)]
    task: TaskArgs,
}

/// Copy a task; the copy is disabled
#[derive(Args)]
#[command(after_help = "Examples:\n  muster task copy 206 --title 'HR, trial'")]
pub struct Copy {
    /// Title of the copy [default: `Copy of` and the title of the task]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    task: TaskArgs,
}

/// Show the versions of a task, newest first, with author and changed settings
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task history 206
  muster task history 206 --output json | jq '.[1].settings'    # the previous version")]
pub struct History {
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    task: TaskArgs,
}

#[derive(Args)]
struct TaskArgs {
    /// Id of the task
    #[arg(value_name = "ID", value_parser = task_id)]
    id: u64,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Task {
    /// Runs the command.
    pub fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(),
            Self::Show(Show { task }) => {
                let admin = task.admin.open()?;
                admin.get_and_print::<TaskResponse>(&AdminResource::task(task.id))
            }
            Self::Create(command) => command.run(prompts),
            Self::Update(command) => command.run(prompts),
            Self::Enable(Enable { task }) => {
                task.post(&AdminResource::task_switch(task.id, true), None)
            }
            Self::Disable(Disable { task }) => {
                task.post(&AdminResource::task_switch(task.id, false), None)
            }
            Self::Copy(Copy { title, task }) => {
                let body = json!(CopyTaskRequest { title });
                task.post(&AdminResource::task_copy(task.id), Some(body))
            }
            Self::History(History { limit, task }) => Listing {
                resource: &AdminResource::task_history(task.id),
                query: Vec::new(),
                limit: &limit,
            }
            .show::<TaskVersion>(&task.admin.open()?),
        }
    }
}

impl List {
    fn run(self) -> Result<Exit, Failure> {
        let enabled = switch(self.enabled, self.disabled);
        let query = filters([
            ("enabled", enabled.map(|enabled| enabled.to_string())),
            ("text", self.text),
        ]);
        self.list
            .show::<TaskResponse>(&AdminResource::tasks(), query)
    }
}

impl TaskArgs {
    /// Sends a POST about the task and prints the task in the response.
    fn post(&self, resource: &AdminResource, body: Option<Value>) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        admin.call_and_print::<TaskResponse>(Method::POST, resource, body)
    }
}

impl Create {
    fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        // A dry run needs no server.
        let admin = if self.dry_run {
            None
        } else {
            Some(self.admin.open()?)
        };
        let is_interactive = self.settings.is_interactive(prompts);
        let mut new = TaskSettings::default();
        new.complete(None);
        let settings = self.settings.apply(new, prompts)?;
        let Some(settings) = checked(settings, prompts, is_interactive)? else {
            return Ok(Exit::Ok);
        };
        let body = json!({"settings": without_id(&settings)});
        let Some(admin) = admin else {
            return print(&settings);
        };
        let tasks = AdminResource::tasks();
        let created = admin.client.call(Method::POST, &tasks, Some(body))?;
        let exit = admin.printer.object::<TaskResponse>(&created)?;
        if !settings.enabled {
            let id = created.read::<TaskResponse>()?.id;
            stderr::println(&format!(
                "the task is disabled: enable it with `muster task enable {id}`"
            ));
        }
        Ok(exit)
    }
}

impl Update {
    fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        let id = self.task.id;
        let is_interactive = self.settings.is_interactive(prompts);
        self.settings.require_change(is_interactive)?;
        let admin = self.task.admin.open()?;
        let task = AdminResource::task(id)
            .on_conflict("it is safe to run this again: it changes only the settings given");
        let stored = admin.client.get(&task)?.read::<TaskResponse>()?;
        let settings = self.settings.apply(stored.settings, prompts)?;
        if settings.id != id {
            return Err(Failure::usage(format!(
                "the file contains the settings of task {}, not of task {id}",
                settings.id
            ))
            .hint("remove `id` from the file to apply them anyway"));
        }
        let Some(settings) = checked(settings, prompts, is_interactive)? else {
            return Ok(Exit::Ok);
        };
        if self.dry_run {
            return print(&settings);
        }
        let body = json!({"version": stored.version, "settings": without_id(&settings)});
        admin.call_and_print::<TaskResponse>(Method::PUT, &task, Some(body))
    }
}

/// Returns the settings if they are valid and, in a terminal dialogue, confirmed.
fn checked(
    settings: TaskSettings,
    prompts: Prompts,
    is_interactive: bool,
) -> Result<Option<TaskSettings>, Failure> {
    settings.check().map_err(|problems| {
        settings_file::refused("invalid settings", &problems)
            .hint("nothing was changed: correct them and run it again")
    })?;
    if is_interactive && !questions::confirm(&settings, prompts)? {
        stderr::println("nothing was changed");
        return Ok(None);
    }
    Ok(Some(settings))
}

/// Returns the settings as JSON without the id, which the server assigns.
fn without_id(settings: &TaskSettings) -> Value {
    let mut json = json!(settings);
    if let Some(members) = json.as_object_mut() {
        members.remove("id");
    }
    json
}

fn print(settings: &TaskSettings) -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(&without_id(settings))
        .map_err(|error| Failure::failed(format!("cannot write the settings: {error}")))?;
    stdout::print_data(text.as_bytes())?;
    Ok(Exit::Ok)
}
