//! `muster bootstrap`: makes a fresh deployment usable, once. It writes the tables with the
//! caller's AWS credentials, because no operator is there yet to ask the API (docs/adr/0006).

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use muster_aws::config::{AccountError, TABLE_CONTROL, TABLE_DIRECTORY};
use muster_aws::operators::{self, Bootstrapped, Named};
use muster_aws::{Account, Config, Store, StoreError, Tables, passwords};
use muster_core::settings::TaskSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::commands::{Output, password_from_stdin, run_async, settings};
use crate::failure::{Exit, Failure};
use crate::terminal::{self, shown};

/// Characters of an operator's password.
const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 128;

/// Set up a fresh deployment, once: its first tenant and operator, a robot, a task
#[derive(Args)]
#[command(after_help = "\
It writes the stack's tables in DynamoDB with the caller's AWS credentials; region, credentials
and endpoint are the AWS SDK's own variables. It works once for each deployment, wholly or not at
all. Passwords are made at random and shown only then.

Examples:
  muster bootstrap --stack muster-prod --tenant acme --operator anna
  muster bootstrap --stack muster-prod --tenant acme --operator anna \\
      --robot acme-robot --task task.json
  pass show muster | muster bootstrap --stack muster-prod --tenant acme --operator anna \\
      --password-stdin")]
pub struct Bootstrap {
    /// The stack, as it was deployed; without it the tables are those that the variables
    /// MUSTER_TABLE_DIRECTORY and MUSTER_TABLE_CONTROL name
    #[arg(long, value_name = "NAME", value_parser = stack_name)]
    stack: Option<String>,

    /// The first tenant (customer)
    #[arg(long, value_name = "NAME")]
    tenant: String,

    /// The operator, who may manage everything of the tenant
    #[arg(long, value_name = "NAME")]
    operator: String,

    /// Read the operator's password from standard input, its first line, instead of making one
    #[arg(long)]
    password_stdin: bool,

    /// A robot, which signs in to the API
    #[arg(long, value_name = "NAME")]
    robot: Option<String>,

    /// The settings of an import task, whose number is assigned; where they permit no robot, the
    /// one of --robot is permitted
    #[arg(long, value_name = "TASK.json")]
    task: Option<PathBuf>,

    /// How to show what was made
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,
}

/// Where it is done.
struct Place {
    table: String,
    region: String,
    /// Which words of the caller named the tables.
    named_by: &'static str,
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Made<'a> {
    tenant: &'a str,
    operator: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    robot: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    robot_password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<u64>,
}

impl Bootstrap {
    /// Sets the deployment up.
    pub fn run(self) -> Result<Exit, Failure> {
        let config = self.config()?;
        let order = self.order()?;
        let region = run_async(config.account())?.map_err(no_account)?;
        let place = Place {
            table: config.tables.control.clone(),
            region,
            named_by: if self.stack.is_some() {
                "--stack"
            } else {
                TABLE_CONTROL
            },
        };
        let written = run_async(async {
            let store = Store::connect(&config).await;
            store.bootstrap(order.clone(), Timestamp::now()).await
        })?;
        let written = written.map_err(|error| place.trouble(&error))?;
        self.judge(written, &order, &place)?;
        terminal::say(&format!(
            "the deployment is set up (table {}, region {})",
            place.table, place.region
        ));
        Ok(Exit::Ok)
    }

    fn config(&self) -> Result<Config, Failure> {
        if let Some(stack) = &self.stack {
            return Ok(Config::in_account(Tables::of_stack(stack)));
        }
        let config = Account::from_env().and_then(|account| Config::from_env(&account));
        config.map_err(|error| {
            Failure::usage(error.to_string()).next(format!(
                "give --stack NAME, as the stack was deployed, or set both {TABLE_DIRECTORY} and \
                 {TABLE_CONTROL}"
            ))
        })
    }

    /// What the store is asked to write.
    fn order(&self) -> Result<operators::Bootstrap, Failure> {
        let task = self.task_settings()?;
        let password = if self.password_stdin {
            chosen_password()?
        } else {
            generated_password()?
        };
        let robot = match &self.robot {
            Some(name) => Some((name.clone(), generated_password()?)),
            None => None,
        };
        Ok(operators::Bootstrap {
            tenant: self.tenant.clone(),
            operator: self.operator.clone(),
            password,
            robot,
            task,
        })
    }

    fn task_settings(&self) -> Result<Option<TaskSettings>, Failure> {
        let Some(path) = &self.task else {
            return Ok(None);
        };
        let mut settings = settings::read(path)?;
        if settings.permitted_robots.is_empty() {
            settings.permitted_robots.extend(self.robot.clone());
        }
        Ok(Some(settings))
    }

    /// Shows what was made, or says why nothing was.
    fn judge(
        &self,
        outcome: Bootstrapped,
        order: &operators::Bootstrap,
        place: &Place,
    ) -> Result<(), Failure> {
        match outcome {
            Bootstrapped::Done { task } => self.show(order, task),
            Bootstrapped::Unknown { task, cause } => {
                // Nobody could sign in if it was done and they were lost.
                self.show(order, task)?;
                Err(place.unknown(&cause))
            }
            Bootstrapped::AlreadyDone {
                at,
                tenant,
                operator,
            } => Err(Failure::failed(format!(
                "this deployment was set up on {} with the operator {operator} of the tenant \
                 {tenant}: nothing was changed",
                at.strftime("%Y-%m-%d at %H:%M UTC")
            ))
            .next(format!(
                "go on as {operator}; for another deployment name its tables with {}",
                place.named_by
            ))),
            Bootstrapped::Taken(named) => Err(Failure::failed(format!(
                "the {named} {} is already in the table {}: nothing was changed",
                self.name(named),
                place.table
            ))
            .next(format!("choose another name with --{named}"))),
            Bootstrapped::BadName(named, rule) => Err(Failure::usage(format!(
                "--{named} {:?} cannot be used: {rule}",
                self.name(named)
            ))
            .next("nothing was changed")),
            Bootstrapped::Refused(problems) => {
                let file = self.task.clone().unwrap_or_default();
                let what = format!("the settings in {} cannot be stored", file.display());
                Err(settings::refused(&what, &problems)
                    .next("nothing was changed: put them right and run it again"))
            }
        }
    }

    fn name(&self, named: Named) -> &str {
        match named {
            Named::Tenant => &self.tenant,
            Named::Operator => &self.operator,
            Named::Robot => self.robot.as_deref().unwrap_or_default(),
        }
    }

    /// Shows what was made, each generated password for the only time.
    fn show(&self, order: &operators::Bootstrap, task: Option<u64>) -> Result<(), Failure> {
        let robot = order.robot.as_ref();
        let made = Made {
            tenant: &order.tenant,
            operator: &order.operator,
            password: (!self.password_stdin).then(|| order.password.expose_secret()),
            robot: robot.map(|(name, _)| name.as_str()),
            robot_password: robot.map(|(_, password)| password.expose_secret()),
            task_id: task,
        };
        if made.password.is_some() || made.robot_password.is_some() {
            terminal::say("passwords are shown only this once: keep them now");
        }
        match self.output {
            Output::Human => terminal::print(&made.table()),
            Output::Json => {
                let json = serde_json::to_string(&made).map_err(|error| {
                    Failure::failed(format!("cannot write what was made: {error}"))
                })?;
                terminal::print_data(json.as_bytes())
            }
        }
    }
}

impl Made<'_> {
    fn table(&self) -> String {
        let Self {
            tenant,
            operator,
            password,
            robot,
            robot_password,
            task_id,
        } = self;
        let rows = [
            ("Tenant", Some(shown(tenant).into_owned())),
            ("Operator", Some(shown(operator).into_owned())),
            ("Password", password.map(str::to_owned)),
            ("Robot", robot.map(|name| shown(name).into_owned())),
            ("Robot password", robot_password.map(str::to_owned)),
            ("Task id", task_id.map(|id| id.to_string())),
        ];
        let rows = rows
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        terminal::table(rows)
    }
}

impl Place {
    /// It was sent, and nobody knows whether it was done.
    fn unknown(&self, cause: &StoreError) -> Failure {
        Failure::failed(format!(
            "DynamoDB in {} did not say whether it was done: {cause}",
            self.region
        ))
        .next(
            "run it again: should it say that the deployment was set up just now, then the \
             passwords shown here are the right ones",
        )
    }

    /// What kept the store from doing it, and what to do about it.
    fn trouble(&self, error: &StoreError) -> Failure {
        let Self {
            table,
            region,
            named_by,
        } = self;
        match error {
            StoreError::Refused(cause)
                if cause.code.as_deref() == Some("ResourceNotFoundException") =>
            {
                Failure::failed(format!("the table {table} does not exist in {region}")).next(
                    format!("is {named_by} right, and are region and credentials the stack's?"),
                )
            }
            StoreError::Refused(cause) => Failure::failed(format!(
                "DynamoDB in {region} refused: {cause}"
            ))
            .next(format!(
                "the credentials must allow GetItem, PutItem and UpdateItem on the table {table}"
            )),
            StoreError::Unanswered(cause) => {
                Failure::failed(format!("DynamoDB in {region} did not answer: {cause}"))
                    .next("nothing was changed: run it again once it can be reached")
            }
            StoreError::Throttled(_) | StoreError::Contended(_) => {
                Failure::failed(format!("DynamoDB in {region} is busy: {error}"))
                    .next("run it again in a minute")
            }
            StoreError::Row { .. } | StoreError::Secrets(_) => {
                Failure::failed(format!("the table {table} in {region}: {error}"))
            }
        }
    }
}

fn no_account(error: AccountError) -> Failure {
    match error {
        AccountError::NoRegion => Failure::usage(error.to_string())
            .next("set AWS_REGION to the region of the stack, such as eu-central-1"),
        AccountError::NoCredentials(_) => Failure::failed(error.to_string()).next(
            "set AWS_PROFILE, or take over what the aws command uses: \
             eval \"$(aws configure export-credentials --format env)\"",
        ),
    }
}

fn chosen_password() -> Result<SecretString, Failure> {
    let password = password_from_stdin()?;
    let length = password.chars().count();
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
        return Err(Failure::usage(format!(
            "the password on standard input has {}; an operator's has {SHORTEST_PASSWORD} to \
             {LONGEST_PASSWORD}",
            terminal::counted(length as u64, "character")
        ))
        .next("nothing was changed; without --password-stdin one is made"));
    }
    Ok(SecretString::from(password))
}

fn generated_password() -> Result<SecretString, Failure> {
    passwords::generate()
        .map_err(|error| Failure::failed(format!("cannot make a password: {error}")))
}

/// CloudFormation's rule, by which the names of the tables are names of tables, too.
fn stack_name(text: &str) -> Result<String, &'static str> {
    let fits = text.len() <= 128
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    fits.then(|| text.to_owned()).ok_or(
        "a stack's name has 1 to 128 letters, digits and `-`, a letter first, such as muster-prod",
    )
}
