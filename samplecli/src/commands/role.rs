//! `muster role`: the roles that users of the tenant can have.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::admin::{Admin, AdminArgs, Object, Place};
use crate::failure::{Exit, Failure};
use crate::terminal::{self, shown};
use crate::view::Output;

/// Look after the roles that users can have
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

/// Add roles; those that are there already stay
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

/// The tenant's roles, with the version that a change is based on.
#[derive(Deserialize, Serialize)]
struct Roles {
    version: Value,
    roles: Vec<String>,
}

impl Role {
    /// Does it.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::List(List { admin }) => {
                let admin = admin.open()?;
                show(&admin, &admin.get(&Place::roles())?)
            }
            Self::Add(Add { roles, admin }) => change(&admin.open()?, |present| {
                for role in roles {
                    if present.contains(&role) {
                        terminal::say(&format!("{} was there already", shown(&role)));
                    } else {
                        present.push(role);
                    }
                }
            }),
            Self::Remove(Remove { roles, admin }) => change(&admin.open()?, |present| {
                for role in roles {
                    if !present.contains(&role) {
                        terminal::say(&format!("{} was not there", shown(&role)));
                    }
                    present.retain(|other| *other != role);
                }
            }),
        }
    }
}

/// Reads the roles, changes them and writes them back, unless somebody was faster.
fn change(admin: &Admin, edit: impl FnOnce(&mut Vec<String>)) -> Result<Exit, Failure> {
    let place = Place::roles()
        .on_conflict("if somebody else changed the roles meanwhile, running it again is safe");
    let stored = admin.get(&place)?;
    let mut roles: Roles = stored.read()?;
    let before = roles.roles.clone();
    edit(&mut roles.roles);
    if roles.roles == before {
        return show(admin, &stored);
    }
    show(admin, &admin.call(Method::PUT, &place, Some(json!(roles)))?)
}

/// One role a line.
fn show(admin: &Admin, object: &Object) -> Result<Exit, Failure> {
    if admin.view.output == Output::Json {
        admin.view.json(object.json())?;
        return Ok(Exit::Ok);
    }
    let roles = object.read::<Roles>()?.roles;
    if roles.is_empty() {
        terminal::say("no roles");
    }
    let lines: String = roles
        .iter()
        .map(|role| format!("{}\n", shown(role)))
        .collect();
    terminal::print(&lines)?;
    Ok(Exit::Ok)
}
