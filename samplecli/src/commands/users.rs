//! `muster users`: the users of the tenant, viewed and blocked by operators, created and changed by
//! robots.

mod client;
mod flags;
mod response;
mod selector;
mod write;

use clap::{Args, Subcommand};
use reqwest::Method;

use self::response::UserDetails;
use self::selector::UserSelector;
use crate::commands::admin::{Admin, AdminArgs};
use crate::commands::list::{ListArgs, filters};
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::prompts::Prompts;

/// Manage users: list, show, create, update, block and unblock them
///
/// Robots create and update users one at a time, as `muster import` does in bulk; operators use the
/// other commands.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  muster users list --text woo
  muster users show jack.woo
  muster users create kim --email kim@example.com --generate
  muster users update kim --position 'Shift lead'
  muster users block jack.woo")]
pub enum Users {
    List(List),
    Show(Show),
    Create(write::Create),
    Update(write::Update),
    Block(Block),
    Unblock(Unblock),
}

/// List users by id
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users list --text woo
  muster users list --active false --all
  muster users list --role 'Store Manager' --output json | jq -r '.[].login'")]
pub struct List {
    /// Only the user with this id
    #[arg(long, value_name = "ID", help_heading = "Filters")]
    id: Option<u64>,
    /// Only the user with this login, in any spelling
    #[arg(long, value_name = "LOGIN", help_heading = "Filters")]
    login: Option<String>,
    /// Only the user with this external id
    #[arg(long, value_name = "ID", help_heading = "Filters")]
    external_id: Option<String>,
    /// Only users with this text in login, name, e-mail or external id
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    text: Option<String>,
    /// Only active or only blocked users
    #[arg(long, value_name = "true|false", help_heading = "Filters")]
    active: Option<bool>,
    /// Only users with this role
    #[arg(long, value_name = "ROLE", help_heading = "Filters")]
    role: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Show a user with all attributes and the last changes
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users show 4711
  muster users show jack.woo
  muster users show --login 4711           # a login of digits")]
pub struct Show {
    #[command(flatten)]
    user: UserArgs,
}

/// Block a user: set `active` to false
#[derive(Args)]
#[command(after_help = "Examples:\n  muster users block jack.woo")]
pub struct Block {
    #[command(flatten)]
    user: UserArgs,
}

/// Unblock a user: set `active` to true
#[derive(Args)]
#[command(after_help = "Examples:\n  muster users unblock jack.woo")]
pub struct Unblock {
    #[command(flatten)]
    user: UserArgs,
}

#[derive(Args)]
struct UserArgs {
    #[command(flatten)]
    selector: UserSelector,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Users {
    /// Runs the command.
    pub fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(),
            Self::Create(command) => command.run(prompts),
            Self::Update(command) => command.run(prompts),
            Self::Show(Show { user }) => {
                let admin = user.admin.open()?;
                let user = AdminResource::user(user.id(&admin)?);
                admin.get_and_print::<UserDetails>(&user)
            }
            Self::Block(Block { user }) => user.switch(false),
            Self::Unblock(Unblock { user }) => user.switch(true),
        }
    }
}

impl List {
    fn run(self) -> Result<Exit, Failure> {
        let query = filters([
            ("id", self.id.map(|id| id.to_string())),
            ("login", self.login),
            ("external_id", self.external_id),
            ("text", self.text),
            ("active", self.active.map(|active| active.to_string())),
            ("role", self.role),
        ]);
        self.list
            .show::<UserDetails>(&AdminResource::users(), query)
    }
}

impl UserArgs {
    /// Unblocks or blocks the user.
    fn switch(&self, active: bool) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let action = AdminResource::user_switch(self.id(&admin)?, active);
        admin.call_and_print::<UserDetails>(Method::POST, &action, None)
    }

    /// Returns the id of the user.
    fn id(&self, admin: &Admin) -> Result<u64, Failure> {
        if let Some(id) = self.selector.id() {
            return Ok(id);
        }
        let login = &self.selector.user;
        let query = vec![("login", login.clone())];
        let resource = AdminResource::users();
        let users = admin.client.all(&resource, query);
        let users: Vec<UserDetails> = admin.client.block_on(users)?;
        match users.as_slice() {
            [user] => Ok(user.id),
            _ => Err(selector::not_found(login)),
        }
    }
}
