//! `muster users create` and `muster users update`: one user, written as a robot does it through
//! QVALON's resource.

use clap::Args;
use muster_core::attribute::{Attribute, CATALOGUE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::flags::{Attributes, clearable, some_text, word};
use super::resource::RobotArgs;
use super::{Meant, value};
use crate::asking::Asking;
use crate::commands::secret::{PasswordArgs, Secret, beside};
use crate::failure::{Exit, Failure};
use crate::view::{Cell, Sheet, line};

/// Create a user
///
/// It takes a robot's sign-in or token with the scope qvalon. A user needs a password unless
/// --auth-type is LDAP; no flag takes it, for other users of the machine can see flags: it is
/// asked for.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users create kim --email kim@example.com --generate
  muster users create kim --first-name Kim --level SHOP --shop-ids 17,18     # asks for the password
  muster users create kim --auth-type LDAP --ldap-login acme/kim
  pass show kim | muster users create kim --admin --password-stdin --output json | jq .id")]
pub struct Create {
    /// The user's login
    #[arg(value_name = "LOGIN", value_parser = some_text)]
    new_login: String,
    /// External id; it stays as it is from then on
    #[arg(long, value_name = "TEXT", value_parser = some_text, help_heading = "Person")]
    external_id: Option<String>,
    #[command(flatten)]
    attributes: Attributes,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    robot: RobotArgs,
}

/// Change a user; what is not named stays as it is
///
/// It takes a robot's sign-in or token with the scope qvalon. What is yes or no, such as --admin,
/// becomes no by --admin=false; other values are taken away by --clear.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster users update kim --position 'Shift lead' --clear time-zone
  muster users update 4711 --active=false
  muster users update kim --new-login kim.lee --supervisor --admin=false
  muster users update kim --level COMPANY --clear shop-ids
  muster users update kim --password                  # asks for it")]
pub struct Update {
    #[command(flatten)]
    user: Meant,
    /// The login from now on
    #[arg(long, value_name = "LOGIN", value_parser = some_text, help_heading = "Person")]
    new_login: Option<String>,
    #[command(flatten)]
    attributes: Attributes,
    /// Take a value away; may be given several times
    #[arg(long, value_name = "ATTRIBUTE", value_parser = clearable())]
    clear: Vec<Attribute>,
    /// Ask for a new password
    #[arg(long, help_heading = "Password", conflicts_with_all = ["generate", "password_stdin"])]
    password: bool,
    #[command(flatten)]
    secret: PasswordArgs,
    #[command(flatten)]
    robot: RobotArgs,
}

/// A user as the resource shows one: what is not set is not there.
#[derive(Deserialize)]
struct UserView(Map<String, Value>);

impl Sheet for UserView {
    fn lines(self) -> Vec<(String, Cell)> {
        let known = |name: &str, key| Some(line(name, value(self.0.get(key)?)));
        let first = [("Id", "id"), ("Login", "login"), ("Password", "password")];
        // In the catalogue's order and by its names, as `muster users show` has them.
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
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let resource = self.robot.open()?;
        // Who signs in by LDAP has the password there.
        let by_ldap = self.attributes.get(Attribute::AuthType) == Some(&json!("LDAP"));
        let secret = self.password.renewed(!by_ldap, &self.new_login, asking)?;
        let mut members = self.attributes.into_members();
        set(&mut members, Attribute::Username, Some(&self.new_login));
        set(
            &mut members,
            Attribute::ExternalId,
            self.external_id.as_deref(),
        );
        set(
            &mut members,
            Attribute::Password,
            secret.as_ref().map(Secret::expose),
        );
        let made = resource.create(members)?;
        resource
            .view
            .object::<UserView>(&beside(secret.as_ref(), made)?)?;
        Ok(Exit::Ok)
    }
}

impl Update {
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        self.must_change()?;
        let resource = self.robot.open()?;
        let id = match self.user.id() {
            Some(id) => id,
            None => resource.find(&self.user.user)?,
        };
        let secret = self
            .secret
            .renewed(self.password, &self.user.user, asking)?;
        let mut members = self.attributes.into_members();
        set(&mut members, Attribute::Username, self.new_login.as_deref());
        set(
            &mut members,
            Attribute::Password,
            secret.as_ref().map(Secret::expose),
        );
        members.extend(
            self.clear
                .iter()
                .filter_map(|attribute| Some((attribute.spec().qvalon?.to_owned(), Value::Null))),
        );
        let changed = resource.update(id, members)?;
        resource
            .view
            .object::<UserView>(&beside(secret.as_ref(), changed)?)?;
        Ok(Exit::Ok)
    }

    /// Refuses a change that changes nothing, or says two things of one attribute.
    fn must_change(&self) -> Result<(), Failure> {
        let renews = self.password || self.secret.is_given();
        let sets = self.new_login.is_some() || !self.attributes.is_empty();
        if !renews && !sets && self.clear.is_empty() {
            return Err(Failure::usage("there is nothing to change").next(
                "give a flag such as --email, --clear or --password; `muster help users update` \
                 lists them",
            ));
        }
        let twice = self
            .clear
            .iter()
            .find(|attribute| self.attributes.get(**attribute).is_some());
        match twice.and_then(|attribute| word(*attribute)) {
            Some(word) => Err(
                Failure::usage(format!("{word} sets what --clear takes away"))
                    .next("give one of them; nothing was sent"),
            ),
            None => Ok(()),
        }
    }
}

/// Puts a text into a request, if there is one.
fn set(members: &mut Map<String, Value>, attribute: Attribute, text: Option<&str>) {
    if let (Some(key), Some(text)) = (attribute.spec().qvalon, text) {
        members.insert(key.to_owned(), Value::from(text));
    }
}
