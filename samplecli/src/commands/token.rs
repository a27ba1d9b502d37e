//! `muster token`: API tokens of robots.

use clap::{Args, Subcommand};
use muster_api::{CreateTokenRequest, Extensible, Scope, TokenResponse};
use reqwest::Method;
use serde_json::json;

use crate::args::{duration, name, scope, scopes};
use crate::commands::admin::AdminArgs;
use crate::commands::list::{ListArgs, filters};
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::output::cell::{Cell, DetailView, Row, field};
use crate::output::printer::OutputFormat;
use crate::output::{stderr, stdout};

/// Manage API tokens of robots
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

/// List tokens, newest first, without the secrets
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster token list
  muster token list --robot hr-robot --output json | jq -r '.[] | select(.status == \"active\") | .id'")]
pub struct List {
    /// Only tokens of this robot
    #[arg(long, value_name = "NAME", value_parser = name)]
    robot: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Issue a token for a robot and print it once
///
/// When piped, prints only the token.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster token create --robot hr-robot --title 'nightly import' --lifetime 90d
  export MUSTER_TOKEN=$(muster token create --robot hr-robot --scope quant)")]
pub struct Create {
    /// Name of the robot
    #[arg(long, value_name = "NAME", value_parser = name)]
    robot: String,
    /// Purpose of the token
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Dialect that the token may use (repeatable) [default: the scopes of the robot]
    #[arg(long, value_name = "DIALECT", value_parser = scope())]
    scope: Vec<Scope>,
    /// Lifetime, such as 12h, 90d or 52w [default: until revoked]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lifetime: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Revoke a token
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster token revoke 0199f0c1-6d2e-7c3a-9f57-0d5a5b1f2c11")]
pub struct Revoke {
    /// Id of the token, as shown by `muster token list`
    #[arg(value_name = "ID", value_parser = name)]
    id: String,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Returns the names of scopes.
pub fn scope_names(scopes: impl IntoIterator<Item = Extensible<Scope>>) -> Vec<String> {
    scopes
        .into_iter()
        .map(|scope| scope.as_str().to_owned())
        .collect()
}

impl Row for TokenResponse {
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
            Cell::Text(self.title),
            Cell::text(self.status.as_str()),
            Cell::Texts(scope_names(self.scopes)),
            Cell::maybe(self.expires_at, Cell::Time),
            Cell::maybe(self.last_used_at, Cell::Time),
        ]
    }
}

impl DetailView for TokenResponse {
    fn fields(self) -> Vec<(String, Cell)> {
        vec![
            field("Token", self.token),
            field("Id", self.id),
            field("Robot", self.robot),
            field("Title", self.title),
            field("Status", Cell::text(self.status.as_str())),
            field("Scopes", Cell::text(scope_names(self.scopes).join(", "))),
            field("Expires", self.expires_at),
            field("Last used", self.last_used_at),
            field("Revoked", self.revoked_at),
            field("Created", self.created_at),
            field("Created by", self.created_by),
        ]
    }
}

impl Token {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::List(List { robot, list }) => {
                list.show::<TokenResponse>(&AdminResource::tokens(), filters([("robot", robot)]))
            }
            Self::Create(command) => command.run(),
            Self::Revoke(Revoke { id, admin }) => {
                let token = AdminResource::token(&id);
                admin
                    .open()?
                    .call_and_print::<TokenResponse>(Method::DELETE, &token, None)
            }
        }
    }
}

impl Create {
    fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        let request = CreateTokenRequest {
            robot: self.robot,
            title: self.title,
            scopes: scopes(&self.scope),
            lifetime_seconds: self.lifetime,
        };
        let tokens = AdminResource::tokens();
        let created = admin
            .client
            .call(Method::POST, &tokens, Some(json!(request)))?;
        if admin.printer.format == OutputFormat::Table && !admin.printer.is_terminal() {
            let token = created.read::<TokenResponse>()?.token.ok_or_else(|| {
                Failure::failed("the server issued a token, but did not return it")
                    .hint("revoke it and issue another one: see `muster token list`")
            })?;
            stdout::print_data(token.as_bytes())?;
            return Ok(Exit::Ok);
        }
        stderr::println("the token is shown only this once: store it now");
        admin.printer.object::<TokenResponse>(&created)
    }
}
