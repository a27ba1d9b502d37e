//! `muster robot`: the robots of the tenant, which sign in to import users.

use clap::{Args, Subcommand};
use muster_api::{CreateRobotRequest, RobotResponse, Scope, TaskResponse, UpdateRobotRequest};
use reqwest::Method;
use serde_json::json;

use crate::args::{name, scope, scopes, task_id};
use crate::commands::admin::AdminArgs;
use crate::commands::list::ListArgs;
use crate::commands::new_password::{ChangePasswordArgs, PasswordArgs, with_generated};
use crate::commands::token::scope_names;
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::output::cell::{Cell, DetailView, Row, field};
use crate::prompts::Prompts;

/// Manage robots, which sign in to import users
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

/// Show a robot and the tasks that it may run
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot show hr-robot")]
pub struct Show {
    #[command(flatten)]
    robot: RobotArgs,
}

/// Create a robot
///
/// A new robot may not run any task until `muster robot permit` permits it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster robot create hr-robot --generate
  muster robot create hr-robot --scope quant          # prompts for the password
  pass show hr | muster robot create hr-robot --password-stdin")]
pub struct Create {
    /// Dialect that its tokens may use (repeatable) [default: all]
    #[arg(long, value_name = "DIALECT", value_parser = scope())]
    scope: Vec<Scope>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    robot: RobotArgs,
}

/// Change the scopes or the password of a robot
///
/// New scopes take effect immediately, also for tokens that were already issued. A new password
/// ends sign-in tokens; API tokens (`muster token create`) stay valid.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster robot update hr-robot --scope quant --scope qvalon
  muster robot update hr-robot --generate
  muster robot update hr-robot --password             # prompts for it")]
pub struct Update {
    /// Dialect that its tokens may use from now on (repeatable)
    #[arg(long, value_name = "DIALECT", value_parser = scope())]
    scope: Vec<Scope>,
    #[command(flatten)]
    password: ChangePasswordArgs,
    #[command(flatten)]
    robot: RobotArgs,
}

/// Allow a robot to sign in
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot enable hr-robot")]
pub struct Enable {
    #[command(flatten)]
    robot: RobotArgs,
}

/// Prevent a robot from signing in, and reject its tokens
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot disable hr-robot")]
pub struct Disable {
    #[command(flatten)]
    robot: RobotArgs,
}

/// Permit a robot to run a task
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot permit hr-robot --task 206")]
pub struct Permit {
    #[command(flatten)]
    permission: PermissionArgs,
}

/// Forbid a robot to run a task
#[derive(Args)]
#[command(after_help = "Examples:\n  muster robot forbid hr-robot --task 206")]
pub struct Forbid {
    #[command(flatten)]
    permission: PermissionArgs,
}

#[derive(Args)]
struct RobotArgs {
    /// Name of the robot
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Args)]
struct PermissionArgs {
    /// Id of the task
    #[arg(long, value_name = "ID", value_parser = task_id)]
    task: u64,
    #[command(flatten)]
    robot: RobotArgs,
}

impl Row for RobotResponse {
    const COLUMNS: &'static [&'static str] = &["Name", "State", "Scopes", "Last used", "Created"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Text(self.name),
            Cell::enabled(self.enabled),
            Cell::Texts(scope_names(self.scopes)),
            Cell::maybe(self.last_used_at, Cell::Time),
            Cell::Time(self.created_at),
        ]
    }
}

impl DetailView for RobotResponse {
    fn fields(self) -> Vec<(String, Cell)> {
        let tasks = self.tasks.unwrap_or_default();
        let tasks: Vec<String> = tasks.iter().map(u64::to_string).collect();
        vec![
            field("Robot", self.name),
            field("Password", self.password),
            field("State", Cell::enabled(self.enabled)),
            field("Scopes", Cell::text(scope_names(self.scopes).join(", "))),
            field("Tasks", Cell::text(tasks.join(", "))),
            field("Last used", self.last_used_at),
            field("Created", self.created_at),
            field("Changed", self.updated_at),
        ]
    }
}

impl Robot {
    /// Runs the command.
    pub fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        match self {
            Self::List(List { list }) => {
                list.show::<RobotResponse>(&AdminResource::robots(), Vec::new())
            }
            Self::Show(Show { robot }) => {
                let admin = robot.admin.open()?;
                admin.get_and_print::<RobotResponse>(&robot.resource())
            }
            Self::Create(command) => command.run(prompts),
            Self::Update(command) => command.run(prompts),
            Self::Enable(Enable { robot }) => robot.switch(true),
            Self::Disable(Disable { robot }) => robot.switch(false),
            Self::Permit(Permit { permission }) => permission.set(Method::PUT),
            Self::Forbid(Forbid { permission }) => permission.set(Method::DELETE),
        }
    }
}

impl Create {
    fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        let RobotArgs { name, admin } = self.robot;
        let admin = admin.open()?;
        let password = self.password.new_password(&name, prompts)?;
        let body = json!(CreateRobotRequest {
            name,
            password: Some(password.password.clone()),
            scopes: scopes(&self.scope),
        });
        let robots = AdminResource::robots();
        let created = admin.client.call(Method::POST, &robots, Some(body))?;
        let created = with_generated(Some(&password), created)?;
        admin.printer.object::<RobotResponse>(&created)
    }
}

impl Update {
    fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        if !self.password.is_given() && self.scope.is_empty() {
            return Err(Failure::usage("nothing to change")
                .hint("pass --scope, --password, --password-stdin or --generate"));
        }
        let admin = self.robot.admin.open()?;
        let password = self.password.new_password(&self.robot.name, prompts)?;
        let body = json!(UpdateRobotRequest {
            scopes: scopes(&self.scope),
            password: password.as_ref().map(|new| new.password.clone()),
            ..UpdateRobotRequest::default()
        });
        let robot = self.robot.resource();
        let changed = admin.client.call(Method::PATCH, &robot, Some(body))?;
        let changed = with_generated(password.as_ref(), changed)?;
        admin.printer.object::<RobotResponse>(&changed)
    }
}

impl RobotArgs {
    fn resource(&self) -> AdminResource {
        AdminResource::robot(&self.name)
    }

    /// Enables or disables the robot.
    fn switch(&self, enabled: bool) -> Result<Exit, Failure> {
        let body = json!({"enabled": enabled});
        let admin = self.admin.open()?;
        admin.call_and_print::<RobotResponse>(Method::PATCH, &self.resource(), Some(body))
    }
}

impl PermissionArgs {
    /// Grants or withdraws the permission, and prints the task.
    fn set(&self, method: Method) -> Result<Exit, Failure> {
        let admin = self.robot.admin.open()?;
        let permission = AdminResource::permission(self.task, &self.robot.name);
        admin.call_and_print::<TaskResponse>(method, &permission, None)
    }
}
