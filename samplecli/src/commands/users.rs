//! `muster users`: the users of the tenant, to be looked at and blocked by operators, created and
//! changed by robots.

mod flags;
mod resource;
mod write;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::admin::{Admin, AdminArgs, Place};
use crate::asking::Asking;
use crate::failure::{Exit, Failure};
use crate::terminal::shown;
use crate::view::{Cell, ListArgs, Row, Sheet, given, line};

/// Where to look for a user who was not found.
const LOOK: &str = "`muster users list --text TEXT` looks for parts of login, name or e-mail";

/// Look at users, create and change them, block and unblock them
///
/// A robot creates and changes users one at a time, as `muster import` does in bulk; an operator
/// does the rest.
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

/// List users, in the order of their ids
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users list --text woo
  muster users list --active false --all
  muster users list --role 'Store Manager' --output json | jq -r '.[].login'")]
pub struct List {
    /// The user with this id
    #[arg(long, value_name = "ID", help_heading = "Filters")]
    id: Option<u64>,
    /// The user with this login, however it is written
    #[arg(long, value_name = "LOGIN", help_heading = "Filters")]
    login: Option<String>,
    /// The user with this external id
    #[arg(long, value_name = "ID", help_heading = "Filters")]
    external_id: Option<String>,
    /// Users with this text in login, name, e-mail or external id
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    text: Option<String>,
    /// Only active users, or only blocked ones
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
    user: Named,
}

/// Block a user: `active` becomes false
#[derive(Args)]
#[command(after_help = "Examples:\n  muster users block jack.woo")]
pub struct Block {
    #[command(flatten)]
    user: Named,
}

/// Unblock a user: `active` becomes true
#[derive(Args)]
#[command(after_help = "Examples:\n  muster users unblock jack.woo")]
pub struct Unblock {
    #[command(flatten)]
    user: Named,
}

/// The user that is meant.
#[derive(Args)]
struct Meant {
    /// The user's id, or login
    #[arg(value_name = "USER")]
    user: String,
    /// USER is a login, even if it is all digits
    #[arg(long)]
    login: bool,
}

/// The user that an operator means.
#[derive(Args)]
struct Named {
    #[command(flatten)]
    meant: Meant,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Deserialize)]
struct UserView {
    id: u64,
    login: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    created_by: Author,
    updated_by: Author,
    attributes: Map<String, Value>,
    #[serde(default)]
    changes: Vec<Change>,
}

/// Who wrote a user: a robot in a run, or an operator.
#[derive(Deserialize)]
struct Author {
    dialect: String,
    robot: Option<String>,
    operator: Option<String>,
    run: Option<String>,
}

#[derive(Deserialize)]
struct Change {
    at: Timestamp,
    by: Author,
    attributes: Vec<String>,
}

impl Author {
    fn text(self) -> String {
        let by = match (self.operator, self.robot) {
            (Some(operator), _) => format!("the operator {operator}"),
            (None, Some(robot)) => format!("{robot} ({})", self.dialect),
            (None, None) => self.dialect,
        };
        match self.run {
            Some(run) => format!("{by}, run {run}"),
            None => by,
        }
    }
}

impl UserView {
    fn attribute(&self, name: &str) -> Cell {
        Cell::maybe(self.attributes.get(name), value)
    }
}

/// An attribute's value in words.
fn value(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Nothing,
        Value::Bool(flag) => Cell::either(*flag, "yes", "no"),
        Value::String(text) => Cell::text(text),
        Value::Array(items) => Cell::Texts(
            items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                })
                .collect(),
        ),
        Value::Number(_) | Value::Object(_) => Cell::text(value.to_string()),
    }
}

impl Row for UserView {
    const COLUMNS: &'static [&'static str] =
        &["Id", "Login", "Name", "Role", "E-mail", "Active", "Changed"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Id(self.id),
            Cell::text(&self.login),
            self.attribute("name"),
            self.attribute("role"),
            self.attribute("email"),
            self.attribute("active"),
            Cell::Time(self.updated_at),
        ]
    }
}

impl Sheet for UserView {
    fn lines(self) -> Vec<(String, Cell)> {
        let mut lines = vec![
            line("Id", Cell::Id(self.id)),
            line("Login", Cell::Text(self.login)),
        ];
        // In the catalogue's order, which the parsed object has lost.
        lines.extend(muster_core::attribute::CATALOGUE.iter().filter_map(|spec| {
            let found = self.attributes.get(spec.name)?;
            Some(line(spec.name, value(found)))
        }));
        lines.extend([
            line("Created", Cell::Time(self.created_at)),
            line("Created by", Cell::Text(self.created_by.text())),
            line("Changed", Cell::Time(self.updated_at)),
            line("Changed by", Cell::Text(self.updated_by.text())),
        ]);
        let changes = self.changes.into_iter().map(|change| {
            let at = crate::words::rfc3339(change.at);
            let what = change.attributes.join(", ");
            format!("{at}  {what}  ({})", change.by.text())
        });
        lines.push(line("Changes", Cell::Texts(changes.collect())));
        lines
    }
}

impl Users {
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(),
            Self::Create(command) => command.run(asking),
            Self::Update(command) => command.run(asking),
            Self::Show(Show { user }) => {
                let admin = user.admin.open()?;
                let place = Place::user(user.id(&admin)?);
                admin.show::<UserView>(&admin.get(&place)?)
            }
            Self::Block(Block { user }) => user.switch(false),
            Self::Unblock(Unblock { user }) => user.switch(true),
        }
    }
}

impl List {
    fn run(self) -> Result<Exit, Failure> {
        let filters = [
            ("id", self.id.map(|id| id.to_string())),
            ("login", self.login),
            ("external_id", self.external_id),
            ("text", self.text),
            ("active", self.active.map(|active| active.to_string())),
            ("role", self.role),
        ];
        self.list.show::<UserView>(&Place::users(), given(filters))
    }
}

impl Named {
    fn switch(&self, active: bool) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let place = Place::user_switch(self.id(&admin)?, active);
        admin.show::<UserView>(&admin.call(Method::POST, &place, None)?)
    }

    /// The id of the user that is meant.
    fn id(&self, admin: &Admin) -> Result<u64, Failure> {
        if let Some(id) = self.meant.id() {
            return Ok(id);
        }
        let login = &self.meant.user;
        let query = vec![("login", login.clone())];
        let found: Vec<UserView> = admin.wait(admin.every(&Place::users(), query))?;
        match found.as_slice() {
            [user] => Ok(user.id),
            _ => Err(nobody(login)),
        }
    }
}

impl Meant {
    /// The id, if that is what was given.
    fn id(&self) -> Option<u64> {
        (!self.login).then(|| self.user.parse().ok()).flatten()
    }
}

/// No user has this login.
fn nobody(login: &str) -> Failure {
    Failure::failed(format!("there is no user {}", shown(login))).next(LOOK)
}
