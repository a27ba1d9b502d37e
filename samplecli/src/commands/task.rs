//! `muster task`: import tasks and their settings.

mod change;
mod flags;
mod interview;
mod sheet;

use clap::{Args, Subcommand};
use muster_core::settings::TaskSettings;
use reqwest::Method;
use serde_json::{Value, json};

pub use sheet::TaskView;

use crate::admin::{Admin, AdminArgs, Place};
use crate::asking::Asking;
use crate::commands::import::task_id;
use crate::failure::{Exit, Failure};
use crate::terminal;
use crate::view::{Limit, ListArgs, Listing, given};

use change::Settings;
use sheet::VersionView;

/// Look after import tasks
///
/// A task says what an import means: which JSON key holds which attribute, which text stands for
/// which role, which robots may run it. Its number stands in the import's URL.
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

/// List the tasks, in the order of their numbers
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
    /// Only tasks with this text in title, description, notes or number
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
    task: Numbered,
}

/// Create a task, from flags, from a file, or by questions
///
/// Without any flag that sets something, on a terminal, it asks. A task is created disabled
/// unless --enabled is given; a disabled one may be incomplete.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task create
  muster task create --title 'HR' --map username --map name --map email=Mail --map role \\
      --role 'shop manager=Store Manager' --robot hr-robot --enabled
  muster task create --file task.json --title 'HR, second shop'
  muster task create --map username --dry-run > task.json")]
pub struct Create {
    /// Print the settings that would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Change settings of a task; what is not named stays as it is
///
/// If somebody changes the task at the same time, nothing is written and the answer says what
/// they changed; running the command again is safe. Without any flag that sets something, on a
/// terminal, it asks.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task update 206
  muster task update 206 --map phone --unmap birth_date --threshold 5%
  muster task update 206 --role 'cashier=Cashier' --no-role catman
  muster task update 206 --title 'HR, nightly' --dry-run
  muster task update 206 --file task.json")]
pub struct Update {
    /// Print the settings that would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    task: Numbered,
}

/// Enable a task, if its settings are complete
#[derive(Args)]
#[command(after_help = "Examples:\n  muster task enable 206")]
pub struct Enable {
    #[command(flatten)]
    task: Numbered,
}

/// Disable a task: imports into it are refused
#[derive(Args)]
#[command(after_help = "Examples:\n  muster task disable 206")]
pub struct Disable {
    #[command(flatten)]
    task: Numbered,
}

/// Copy a task; the copy is disabled
#[derive(Args)]
#[command(after_help = "Examples:\n  muster task copy 206 --title 'HR, trial'")]
pub struct Copy {
    /// The title of the copy; without it `Copy of` and the task's title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    task: Numbered,
}

/// Show who changed which settings, newest first
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster task history 206
  muster task history 206 --output json | jq '.[1].settings'    # as it was before")]
pub struct History {
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    task: Numbered,
}

/// The task that is meant.
#[derive(Args)]
struct Numbered {
    /// The number of the task
    #[arg(value_name = "ID", value_parser = task_id)]
    id: u64,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Task {
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(),
            Self::Show(Show { task }) => {
                let admin = task.admin.open()?;
                admin.show::<TaskView>(&admin.get(&Place::task(task.id))?)
            }
            Self::Create(command) => command.run(asking),
            Self::Update(command) => command.run(asking),
            Self::Enable(Enable { task }) => {
                task.call(Method::POST, &Place::task_switch(task.id, true), None)
            }
            Self::Disable(Disable { task }) => {
                task.call(Method::POST, &Place::task_switch(task.id, false), None)
            }
            Self::Copy(Copy { title, task }) => {
                let body = title.map_or_else(|| json!({}), |title| json!({"title": title}));
                task.call(Method::POST, &Place::task_copy(task.id), Some(body))
            }
            Self::History(History { limit, task }) => Listing {
                place: &Place::task_history(task.id),
                query: Vec::new(),
                limit: &limit,
            }
            .show::<VersionView>(&task.admin.open()?),
        }
    }
}

impl List {
    fn run(self) -> Result<Exit, Failure> {
        let enabled = (self.enabled || self.disabled).then_some(self.enabled);
        let query = given([
            ("enabled", enabled.map(|enabled| enabled.to_string())),
            ("text", self.text),
        ]);
        self.list.show::<TaskView>(&Place::tasks(), query)
    }
}

impl Numbered {
    /// Makes one request about the task and shows the task that is answered.
    fn call(&self, method: Method, place: &Place, body: Option<Value>) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        admin.show::<TaskView>(&admin.call(method, place, body)?)
    }
}

impl Create {
    fn run(self, asking: Asking) -> Result<Exit, Failure> {
        // A trial on paper needs no server.
        let admin = if self.dry_run {
            None
        } else {
            Some(self.admin.open()?)
        };
        let settings = self.settings.of(TaskSettings::default(), asking)?;
        let Some(settings) = checked(settings, asking, self.settings.asks(asking))? else {
            return Ok(Exit::Ok);
        };
        let body = json!({"settings": without_id(&settings)});
        let Some(admin) = admin else {
            return print(&settings);
        };
        let made = admin.call(Method::POST, &Place::tasks(), Some(body))?;
        let exit = admin.show::<TaskView>(&made)?;
        if !settings.enabled {
            let id = made.read::<TaskView>()?.id;
            terminal::say(&format!(
                "the task is disabled; `muster task enable {id}` opens it"
            ));
        }
        Ok(exit)
    }
}

impl Update {
    fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let id = self.task.id;
        let asks = self.settings.asks(asking);
        self.settings.must_change(asks)?;
        let admin: Admin = self.task.admin.open()?;
        let place = Place::task(id).on_conflict(
            "running it again is safe: it reads the task anew and changes only what it names",
        );
        let stored = admin.get(&place)?.read::<TaskView>()?;
        let settings = self.settings.of(stored.settings, asking)?;
        if settings.id != id {
            return Err(Failure::usage(format!(
                "the file holds the settings of task {}, not of task {id}",
                settings.id
            ))
            .next("take its `id` out if they are meant for this one"));
        }
        let Some(settings) = checked(settings, asking, asks)? else {
            return Ok(Exit::Ok);
        };
        if self.dry_run {
            return print(&settings);
        }
        let body = json!({"version": stored.version, "settings": without_id(&settings)});
        admin.show::<TaskView>(&admin.call(Method::PUT, &place, Some(body))?)
    }
}

/// The settings, if nothing is wrong with them and whoever was asked agrees.
fn checked(
    settings: TaskSettings,
    asking: Asking,
    asked: bool,
) -> Result<Option<TaskSettings>, Failure> {
    settings.check().map_err(|problems| {
        crate::commands::settings::refused("the settings cannot be stored", &problems)
            .next("nothing was changed: put them right and run it again")
    })?;
    if asked && !interview::agreed(&settings, asking)? {
        terminal::say("nothing was changed");
        return Ok(None);
    }
    Ok(Some(settings))
}

/// The number is the server's to give.
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
    terminal::print_data(text.as_bytes())?;
    Ok(Exit::Ok)
}
