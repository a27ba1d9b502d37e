//! `muster operator`: the operators of the tenant.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::admin::{AdminArgs, Place, members};
use crate::asking::Asking;
use crate::commands::name;
use crate::commands::secret::{PasswordArgs, Secret, beside};
use crate::failure::{Exit, Failure};
use crate::view::{Cell, ListArgs, Row, Sheet, line};

/// Look after operators, who use these commands and the console
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  muster operator list
  muster operator create ben --role read --generate")]
pub enum Operator {
    List(List),
    Create(Create),
    Update(Update),
}

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// See everything
    Read,
    /// See and change everything
    Manage,
}

/// List the operators
#[derive(Args)]
#[command(after_help = "Examples:\n  muster operator list")]
pub struct List {
    #[command(flatten)]
    list: ListArgs,
}

/// Create an operator
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster operator create ben --role read --generate
  muster operator create ben --role manage            # asks for the password")]
pub struct Create {
    /// The operator
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// What the operator may do
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Role,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Change an operator's role, state or password
///
/// Whoever is disabled, or gets a new password, is signed out everywhere. The last enabled
/// operator of role manage stays as it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster operator update ben --role manage
  muster operator update ben --disabled
  muster operator update ben --generate")]
pub struct Update {
    /// The operator
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// What the operator may do from now on
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Role>,
    /// Let the operator sign in again
    #[arg(long, conflicts_with = "disabled")]
    enabled: bool,
    /// Keep the operator from signing in
    #[arg(long)]
    disabled: bool,
    /// Ask for a new password
    #[arg(long, help_heading = "Password", conflicts_with_all = ["generate", "password_stdin"])]
    password: bool,
    #[command(flatten)]
    secret: PasswordArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Deserialize)]
struct OperatorView {
    name: String,
    role: Role,
    enabled: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    password: Option<String>,
}

impl OperatorView {
    fn words(&self) -> (Cell, Cell) {
        (
            Cell::either(self.role == Role::Manage, "manage", "read"),
            Cell::either(self.enabled, "enabled", "disabled"),
        )
    }
}

impl Row for OperatorView {
    const COLUMNS: &'static [&'static str] = &["Name", "Role", "State", "Created", "Changed"];

    fn cells(self) -> Vec<Cell> {
        let (role, state) = self.words();
        vec![
            Cell::Text(self.name),
            role,
            state,
            Cell::Time(self.created_at),
            Cell::Time(self.updated_at),
        ]
    }
}

impl Sheet for OperatorView {
    fn lines(self) -> Vec<(String, Cell)> {
        let (role, state) = self.words();
        vec![
            line("Operator", Cell::Text(self.name)),
            line("Password", Cell::maybe(self.password, Cell::Text)),
            line("Role", role),
            line("State", state),
            line("Created", Cell::Time(self.created_at)),
            line("Changed", Cell::Time(self.updated_at)),
        ]
    }
}

impl Operator {
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        match self {
            Self::List(List { list }) => list.show::<OperatorView>(&Place::operators(), Vec::new()),
            Self::Create(command) => command.run(asking),
            Self::Update(command) => command.run(asking),
        }
    }
}

impl Create {
    fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let secret = self.password.new_password(&self.name, asking)?;
        let body = members([
            ("name", json!(self.name)),
            ("password", json!(secret.expose())),
            ("role", json!(self.role)),
        ]);
        let made = admin.call(Method::POST, &Place::operators(), Some(body))?;
        admin.show::<OperatorView>(&beside(Some(&secret), made)?)
    }
}

impl Update {
    fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let enabled = (self.enabled || self.disabled).then_some(self.enabled);
        let renews = self.password || self.secret.is_given();
        if !renews && self.role.is_none() && enabled.is_none() {
            return Err(Failure::usage("there is nothing to change").next(
                "give --role, --enabled, --disabled, --password, --password-stdin or --generate",
            ));
        }
        let admin = self.admin.open()?;
        let secret = self.secret.renewed(self.password, &self.name, asking)?;
        let change = members([
            ("role", json!(self.role)),
            ("enabled", json!(enabled)),
            ("password", json!(secret.as_ref().map(Secret::expose))),
        ]);
        let changed = admin.call(Method::PATCH, &Place::operator(&self.name), Some(change))?;
        admin.show::<OperatorView>(&beside(secret.as_ref(), changed)?)
    }
}
