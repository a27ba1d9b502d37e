//! `muster token`: API tokens of robots, which sign in for them.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::admin::{AdminArgs, Place, members};
use crate::commands::name;
use crate::commands::robot::{SCOPES, scopes};
use crate::failure::{Exit, Failure};
use crate::terminal;
use crate::view::{Cell, ListArgs, Output, Row, Sheet, given, line};
use crate::words;

/// Look after API tokens, which open the API for a robot
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  export MUSTER_TOKEN=$(muster token create --robot hr-robot --lifetime 90d)
  muster token list --robot hr-robot")]
pub enum Token {
    List(List),
    Create(Create),
    Revoke(Revoke),
}

/// List tokens, newest first; what they open is shown, they themselves are not
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster token list
  muster token list --robot hr-robot --output json | jq -r '.[] | select(.status == \"active\") | .id'")]
pub struct List {
    /// Only this robot's
    #[arg(long, value_name = "NAME", value_parser = name)]
    robot: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Issue a token for a robot; it is shown this once
///
/// Piped, it prints the token alone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster token create --robot hr-robot --title 'nightly import' --lifetime 90d
  export MUSTER_TOKEN=$(muster token create --robot hr-robot --scope quant)")]
pub struct Create {
    /// The robot
    #[arg(long, value_name = "NAME", value_parser = name)]
    robot: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// What it opens; may be given several times; without it what the robot's scopes allow
    #[arg(long, value_name = "DIALECT", value_parser = SCOPES)]
    scope: Vec<String>,
    /// How long it is good, such as 12h, 90d or 52w; without it until it is revoked
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration)]
    lifetime: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Revoke a token: it opens nothing from now on
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster token revoke 0199f0c1-6d2e-7c3a-9f57-0d5a5b1f2c11")]
pub struct Revoke {
    /// The token's id, as `muster token list` shows it
    #[arg(value_name = "ID", value_parser = name)]
    id: String,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Deserialize)]
struct TokenView {
    id: String,
    robot: String,
    #[serde(default)]
    title: Option<String>,
    scopes: Vec<String>,
    created_at: Timestamp,
    created_by: Option<String>,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    status: String,
    token: Option<String>,
}

impl Row for TokenView {
    const COLUMNS: &'static [&'static str] = &[
        "Id",
        "Robot",
        "Title",
        "Status",
        "Scopes",
        "Expires",
        "Last used",
    ];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Text(self.id),
            Cell::Text(self.robot),
            Cell::maybe(self.title, Cell::Text),
            Cell::Text(self.status),
            Cell::Texts(self.scopes),
            Cell::maybe(self.expires_at, Cell::Time),
            Cell::maybe(self.last_used_at, Cell::Time),
        ]
    }
}

impl Sheet for TokenView {
    fn lines(self) -> Vec<(String, Cell)> {
        vec![
            line("Token", Cell::maybe(self.token, Cell::Text)),
            line("Id", Cell::Text(self.id)),
            line("Robot", Cell::Text(self.robot)),
            line("Title", Cell::maybe(self.title, Cell::Text)),
            line("Status", Cell::Text(self.status)),
            line("Scopes", Cell::text(self.scopes.join(", "))),
            line("Expires", Cell::maybe(self.expires_at, Cell::Time)),
            line("Last used", Cell::maybe(self.last_used_at, Cell::Time)),
            line("Revoked", Cell::maybe(self.revoked_at, Cell::Time)),
            line("Created", Cell::Time(self.created_at)),
            line("Created by", Cell::maybe(self.created_by, Cell::Text)),
        ]
    }
}

impl Token {
    /// Does it.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::List(List { robot, list }) => {
                list.show::<TokenView>(&Place::tokens(), given([("robot", robot)]))
            }
            Self::Create(command) => command.run(),
            Self::Revoke(Revoke { id, admin }) => {
                let admin = admin.open()?;
                admin.show::<TokenView>(&admin.call(Method::DELETE, &Place::token(&id), None)?)
            }
        }
    }
}

impl Create {
    fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let body = members([
            ("robot", json!(self.robot)),
            ("title", json!(self.title)),
            ("scopes", scopes(&self.scope)),
            ("lifetime_seconds", json!(self.lifetime)),
        ]);
        let made = admin.call(Method::POST, &Place::tokens(), Some(body))?;
        if admin.view.output == Output::Human && !admin.view.is_terminal() {
            let token = made.read::<TokenView>()?.token.ok_or_else(|| {
                Failure::failed("the server issued a token, but did not show it")
                    .next("revoke it, and have another one issued: `muster token list`")
            })?;
            terminal::print_data(token.as_bytes())?;
            return Ok(Exit::Ok);
        }
        terminal::say("the token is shown only this once: keep it now");
        admin.show::<TokenView>(&made)
    }
}
