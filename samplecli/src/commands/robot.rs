//! `muster robot`: the robots of the tenant, which sign in to import.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::{Admin, AdminArgs, Place, members};
use crate::asking::Asking;
use crate::commands::import::task_id;
use crate::commands::name;
use crate::commands::secret::{PasswordArgs, Secret, beside};
use crate::commands::task::TaskView;
use crate::failure::{Exit, Failure};
use crate::view::{Cell, ListArgs, Row, Sheet, line};

/// The dialects that a token can open.
pub const SCOPES: [&str; 3] = ["quant", "collaborator", "qvalon"];

/// Look after robots, which sign in to import
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  muster robot create hr-robot --generate
  muster robot permit hr-robot --task 206")]
pub enum Robot {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Enable(Enable),
    Disable(Disable),
    Permit(Permit),
    Forbid(Forbid),
}

/// List the robots
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster robot list
  muster robot list --output json | jq -r '.[] | select(.enabled) | .name'")]
pub struct List {
    #[command(flatten)]
    list: ListArgs,
}

/// Show a robot and the tasks that permit it
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot show hr-robot")]
pub struct Show {
    #[command(flatten)]
    robot: Named,
}

/// Create a robot
///
/// A new robot may run no task until one permits it: `muster robot permit`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster robot create hr-robot --generate
  muster robot create hr-robot --scope quant          # asks for the password
  pass show hr | muster robot create hr-robot --password-stdin")]
pub struct Create {
    /// What its tokens open; may be given several times; without it everything
    #[arg(long, value_name = "DIALECT", value_parser = SCOPES)]
    scope: Vec<String>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    robot: Named,
}

/// Change a robot's scopes or password
///
/// Scopes limit the tokens that the robot holds at once. A new password ends the tokens that it
/// signed in for; those that `muster token create` issued stay.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster robot update hr-robot --scope quant --scope qvalon
  muster robot update hr-robot --generate
  muster robot update hr-robot --password             # asks for it")]
pub struct Update {
    /// What its tokens open from now on; may be given several times
    #[arg(long, value_name = "DIALECT", value_parser = SCOPES)]
    scope: Vec<String>,
    /// Ask for a new password
    #[arg(long, help_heading = "Password", conflicts_with_all = ["generate", "password_stdin"])]
    password: bool,
    #[command(flatten)]
    secret: PasswordArgs,
    #[command(flatten)]
    robot: Named,
}

/// Let a robot sign in again
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot enable hr-robot")]
pub struct Enable {
    #[command(flatten)]
    robot: Named,
}

/// Keep a robot from signing in; its tokens open nothing from now on
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot disable hr-robot")]
pub struct Disable {
    #[command(flatten)]
    robot: Named,
}

/// Permit a robot to run a task
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot permit hr-robot --task 206")]
pub struct Permit {
    #[command(flatten)]
    on: Permission,
}

/// Forbid a robot to run a task
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot forbid hr-robot --task 206")]
pub struct Forbid {
    #[command(flatten)]
    on: Permission,
}

/// The robot that is meant.
#[derive(Args)]
struct Named {
    /// The robot
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Args)]
struct Permission {
    /// The task
    #[arg(long, value_name = "ID", value_parser = task_id)]
    task: u64,
    #[command(flatten)]
    robot: Named,
}

#[derive(Deserialize)]
struct RobotView {
    name: String,
    enabled: bool,
    scopes: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_used_at: Option<Timestamp>,
    #[serde(default)]
    tasks: Vec<u64>,
    password: Option<String>,
}

impl RobotView {
    fn state(&self) -> Cell {
        Cell::either(self.enabled, "enabled", "disabled")
    }
}

impl Row for RobotView {
    const COLUMNS: &'static [&'static str] = &["Name", "State", "Scopes", "Last used", "Created"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::text(&self.name),
            self.state(),
            Cell::Texts(self.scopes),
            Cell::maybe(self.last_used_at, Cell::Time),
            Cell::Time(self.created_at),
        ]
    }
}

impl Sheet for RobotView {
    fn lines(self) -> Vec<(String, Cell)> {
        let tasks: Vec<String> = self.tasks.iter().map(u64::to_string).collect();
        vec![
            line("Robot", Cell::text(&self.name)),
            line("Password", Cell::maybe(self.password.clone(), Cell::Text)),
            line("State", self.state()),
            line("Scopes", Cell::text(self.scopes.join(", "))),
            line("Tasks", Cell::text(tasks.join(", "))),
            line("Last used", Cell::maybe(self.last_used_at, Cell::Time)),
            line("Created", Cell::Time(self.created_at)),
            line("Changed", Cell::Time(self.updated_at)),
        ]
    }
}

impl Robot {
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        match self {
            Self::List(List { list }) => list.show::<RobotView>(&Place::robots(), Vec::new()),
            Self::Show(Show { robot }) => {
                let (admin, place) = robot.open()?;
                admin.show::<RobotView>(&admin.get(&place)?)
            }
            Self::Create(command) => command.run(asking),
            Self::Update(command) => command.run(asking),
            Self::Enable(Enable { robot }) => robot.patch(json!({"enabled": true})),
            Self::Disable(Disable { robot }) => robot.patch(json!({"enabled": false})),
            Self::Permit(Permit { on }) => on.set(Method::PUT),
            Self::Forbid(Forbid { on }) => on.set(Method::DELETE),
        }
    }
}

impl Create {
    fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let (admin, _) = self.robot.open()?;
        let secret = self.password.new_password(&self.robot.name, asking)?;
        let body = members([
            ("name", json!(self.robot.name)),
            ("password", json!(secret.expose())),
            ("scopes", scopes(&self.scope)),
        ]);
        let made = admin.call(Method::POST, &Place::robots(), Some(body))?;
        admin.show::<RobotView>(&beside(Some(&secret), made)?)
    }
}

impl Update {
    fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let renews = self.password || self.secret.is_given();
        if !renews && self.scope.is_empty() {
            return Err(Failure::usage("there is nothing to change")
                .next("give --scope, --password, --password-stdin or --generate"));
        }
        let (admin, place) = self.robot.open()?;
        let secret = self
            .secret
            .renewed(self.password, &self.robot.name, asking)?;
        let change = members([
            ("scopes", scopes(&self.scope)),
            ("password", json!(secret.as_ref().map(Secret::expose))),
        ]);
        let changed = admin.call(Method::PATCH, &place, Some(change))?;
        admin.show::<RobotView>(&beside(secret.as_ref(), changed)?)
    }
}

/// Scopes, if any were named.
pub fn scopes(named: &[String]) -> Value {
    json!((!named.is_empty()).then_some(named))
}

impl Named {
    fn open(&self) -> Result<(Admin, Place), Failure> {
        Ok((self.admin.open()?, Place::robot(&self.name)))
    }

    fn patch(&self, change: Value) -> Result<Exit, Failure> {
        let (admin, place) = self.open()?;
        admin.show::<RobotView>(&admin.call(Method::PATCH, &place, Some(change))?)
    }
}

impl Permission {
    /// Grants or withdraws the permission; the answer is the task.
    fn set(&self, method: Method) -> Result<Exit, Failure> {
        let admin = self.robot.admin.open()?;
        let place = Place::permission(self.task, &self.robot.name);
        admin.show::<TaskView>(&admin.call(method, &place, None)?)
    }
}
