//! `muster users create` and `muster users update`: write one user as a robot, through QVALON's user
//! resource.

use clap::Args;
use muster_core::attribute::{Attribute, CATALOGUE};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::UsersClientArgs;
use super::flags::{AttributeValues, clearable, flag_of, non_blank};
use super::response::value;
use super::selector::UserSelector;
use crate::commands::new_password::{
    ChangePasswordArgs, NewPassword, PasswordArgs, with_generated,
};
use crate::failure::{Exit, Failure};
use crate::output::cell::{Cell, DetailView, field};
use crate::prompts::Prompts;

/// Create a user
///
/// Requires the sign-in or the token of a robot with the scope qvalon. Prompts for a password unless
/// --auth-type is LDAP. There is no flag for it, because other users of the machine can see flags.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users create kim --email kim@example.com --generate
  muster users create kim --first-name Kim --level SHOP --shop-ids 17,18     # prompts for the password
  muster users create kim --auth-type LDAP --ldap-login acme/kim
  pass show kim | muster users create kim --admin --password-stdin --output json | jq .id")]
pub struct Create {
    /// Login of the user
    #[arg(value_name = "LOGIN", value_parser = non_blank)]
    new_login: String,
    /// External id, which cannot be changed later
    #[arg(long, value_name = "TEXT", value_parser = non_blank, help_heading = "Person")]
    external_id: Option<String>,
    #[command(flatten)]
    attributes: AttributeValues,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    client: UsersClientArgs,
}

/// Change a user
///
/// Requires the sign-in or the token of a robot with the scope qvalon. Attributes that are not given
/// keep their values. Switch off flags such as --admin with --admin=false; remove other values with
/// --clear.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users update kim --position 'Shift lead' --clear time-zone
  muster users update 4711 --active=false
  muster users update kim --new-login kim.lee --supervisor --admin=false
  muster users update kim --level COMPANY --clear shop-ids
  muster users update kim --password                  # prompts for it")]
pub struct Update {
    #[command(flatten)]
    user: UserSelector,
    /// New login
    #[arg(long, value_name = "LOGIN", value_parser = non_blank, help_heading = "Person")]
    new_login: Option<String>,
    #[command(flatten)]
    attributes: AttributeValues,
    /// Remove the value of an attribute (repeatable)
    #[arg(long, value_name = "ATTRIBUTE", value_parser = clearable())]
    clear: Vec<Attribute>,
    #[command(flatten)]
    password: ChangePasswordArgs,
    #[command(flatten)]
    client: UsersClientArgs,
}

/// A user of the resource, with the attributes that are set.
#[derive(Deserialize)]
struct QvalonUser(Map<String, Value>);

impl DetailView for QvalonUser {
    fn fields(self) -> Vec<(String, Cell)> {
        let known = |name: &str, key| Some(field(name, value(self.0.get(key)?)));
        let first = [("Id", "id"), ("Login", "login"), ("Password", "password")];
        // In the order and with the names of the catalogue, as in `muster users show`.
        let others = CATALOGUE
            .iter()
            .filter(|spec| !matches!(spec.attribute, Attribute::Username | Attribute::Password));
        first
            .into_iter()
            .filter_map(|(name, key)| known(name, key))
            .chain(others.filter_map(|spec| known(spec.name, spec.qvalon?)))
            .collect()
    }
}

impl Create {
    /// Creates the user.
    pub fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        let client = self.client.open()?;
        // The LDAP directory checks the password of its users.
        let is_ldap = self.attributes.get(Attribute::AuthType) == Some(&json!("LDAP"));
        let password = if is_ldap && !self.password.is_given() {
            None
        } else {
            Some(self.password.new_password(&self.new_login, prompts)?)
        };
        let mut members = self.attributes.into_members();
        set(&mut members, Attribute::Username, Some(&self.new_login));
        set(
            &mut members,
            Attribute::ExternalId,
            self.external_id.as_deref(),
        );
        set_password(&mut members, password.as_ref());
        let created = with_generated(password.as_ref(), client.create(members)?)?;
        client.printer.object::<QvalonUser>(&created)
    }
}

impl Update {
    /// Updates the user.
    pub fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        self.check()?;
        let client = self.client.open()?;
        let id = match self.user.id() {
            Some(id) => id,
            None => client.find(&self.user.user)?,
        };
        let password = self.password.new_password(&self.user.user, prompts)?;
        let mut members = self.attributes.into_members();
        set(&mut members, Attribute::Username, self.new_login.as_deref());
        set_password(&mut members, password.as_ref());
        members.extend(
            self.clear
                .iter()
                .filter_map(|attribute| Some((attribute.spec().qvalon?.to_owned(), Value::Null))),
        );
        let changed = with_generated(password.as_ref(), client.update(id, members)?)?;
        client.printer.object::<QvalonUser>(&changed)
    }

    /// Returns an error if nothing is to be changed, or an attribute is both set and cleared.
    fn check(&self) -> Result<(), Failure> {
        let sets = self.new_login.is_some() || !self.attributes.is_empty();
        if !self.password.is_given() && !sets && self.clear.is_empty() {
            return Err(Failure::usage("nothing to change").hint(
                "pass a flag such as --email, --clear or --password: see `muster help users \
                 update`",
            ));
        }
        let conflict = self
            .clear
            .iter()
            .find(|attribute| self.attributes.get(**attribute).is_some());
        match conflict.and_then(|attribute| flag_of(*attribute)) {
            Some(flag) => Err(Failure::usage(format!(
                "{flag} and --clear conflict: one sets, the other removes the value"
            ))
            .hint("pass only one of them; nothing was sent")),
            None => Ok(()),
        }
    }
}

/// Adds a password to a request, if there is one.
fn set_password(members: &mut Map<String, Value>, password: Option<&NewPassword>) {
    let password = password.map(|new| new.password.expose_secret());
    set(members, Attribute::Password, password);
}

/// Adds a text to a request, if there is one.
fn set(members: &mut Map<String, Value>, attribute: Attribute, text: Option<&str>) {
    if let (Some(key), Some(text)) = (attribute.spec().qvalon, text) {
        members.insert(key.to_owned(), Value::from(text));
    }
}
