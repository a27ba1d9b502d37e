//! `muster role`: the roles that users of the tenant can have.

use clap::{Args, Subcommand};
use muster_api::{ReplaceRolesRequest, RolesResponse};
use reqwest::Method;
use serde_json::json;

use crate::commands::admin::{Admin, AdminArgs};
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::json::JsonObject;
use crate::output::escape::escaped;
use crate::output::printer::OutputFormat;
use crate::output::{stderr, stdout};

/// Manage the roles that users can have
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  muster role add 'Category Manager' 'Store Manager'
  muster role list")]
pub enum Role {
    List(List),
    Add(Add),
    Remove(Remove),
}

/// List the roles
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster role list
  muster role list --output json | jq -r '.roles[]'")]
pub struct List {
    #[command(flatten)]
    admin: AdminArgs,
}

/// Add roles; existing ones are kept
#[derive(Args)]
#[command(after_help = "Examples:\n  muster role add 'Category Manager' 'Store Manager'")]
pub struct Add {
    /// The roles
    #[arg(value_name = "ROLE", required = true)]
    roles: Vec<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Remove roles that no task maps to
#[derive(Args)]
#[command(after_help = "Examples:\n  muster role remove 'Store Manager'")]
pub struct Remove {
    /// The roles
    #[arg(value_name = "ROLE", required = true)]
    roles: Vec<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Role {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::List(List { admin }) => {
                let admin = admin.open()?;
                show(&admin, &admin.client.get(&AdminResource::roles())?)
            }
            Self::Add(Add { roles, admin }) => change(&admin.open()?, |present| {
                for role in roles {
                    if present.contains(&role) {
                        stderr::println(&format!("{} already exists", escaped(&role)));
                    } else {
                        present.push(role);
                    }
                }
            }),
            Self::Remove(Remove { roles, admin }) => change(&admin.open()?, |present| {
                for role in roles {
                    if !present.contains(&role) {
                        stderr::println(&format!("{} does not exist", escaped(&role)));
                    }
                    present.retain(|other| *other != role);
                }
            }),
        }
    }
}

/// Reads the roles, changes them and writes them back, based on the version that was read.
fn change(admin: &Admin, edit: impl FnOnce(&mut Vec<String>)) -> Result<Exit, Failure> {
    let resource = AdminResource::roles()
        .on_conflict("if the roles were changed in the meantime, it is safe to run this again");
    let stored = admin.client.get(&resource)?;
    let RolesResponse { version, roles } = stored.read()?;
    let mut edited = roles.clone();
    edit(&mut edited);
    if edited == roles {
        return show(admin, &stored);
    }
    let roles = edited;
    let body = json!(ReplaceRolesRequest { version, roles });
    show(
        admin,
        &admin.client.call(Method::PUT, &resource, Some(body))?,
    )
}

/// Prints one role per line.
fn show(admin: &Admin, object: &JsonObject) -> Result<Exit, Failure> {
    if admin.printer.format == OutputFormat::Json {
        admin.printer.json(object)?;
        return Ok(Exit::Ok);
    }
    let roles = object.read::<RolesResponse>()?.roles;
    if roles.is_empty() {
        stderr::println("no roles");
    }
    let lines: String = roles
        .iter()
        .map(|role| format!("{}\n", escaped(role)))
        .collect();
    stdout::print(&lines)?;
    Ok(Exit::Ok)
}
