//! `muster bootstrap`: sets up a fresh deployment, once. It writes the tables with the caller's AWS
//! credentials, because there is no operator yet who could use the API (docs/adr/0006).

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use muster_aws::bootstrap::{self, Bootstrapped, EntityKind};
use muster_aws::config::{AccountError, TABLE_CONTROL, TABLE_DIRECTORY};
use muster_aws::{Account, Config, Store, StoreError, Tables};
use muster_core::settings::TaskSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::commands::new_password::generate;
use crate::commands::settings_file;
use crate::failure::{Exit, Failure};
use crate::http::server::block_on;
use crate::output::escape::escaped;
use crate::output::number::counted;
use crate::output::printer::OutputFormat;
use crate::output::{stderr, stdout, summary};
use crate::prompts::password_from_stdin;

const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_CHARS: usize = 128;

/// Set up a fresh deployment: its first tenant and operator, a robot and a task
#[derive(Args)]
#[command(after_help = "\
Writes the DynamoDB tables of the stack with the AWS credentials of the caller; region, credentials
and endpoint are taken from the variables of the AWS SDK. Works once per deployment, completely or
not at all. Passwords are generated and shown only once.

Examples:
  muster bootstrap --stack muster-prod --tenant acme --operator anna
  muster bootstrap --stack muster-prod --tenant acme --operator anna \\
      --robot acme-robot --task task.json
  pass show muster | muster bootstrap --stack muster-prod --tenant acme --operator anna \\
      --password-stdin")]
pub struct Bootstrap {
    /// Name of the deployed stack [default: the tables in MUSTER_TABLE_DIRECTORY and
    /// MUSTER_TABLE_CONTROL]
    #[arg(long, value_name = "NAME", value_parser = stack_name)]
    stack: Option<String>,

    /// Name of the first tenant (customer)
    #[arg(long, value_name = "NAME")]
    tenant: String,

    /// Name of the first operator, with the role manage
    #[arg(long, value_name = "NAME")]
    operator: String,

    /// Read the operator's password from the first line of standard input instead of generating it
    #[arg(long)]
    password_stdin: bool,

    /// Name of a robot, which signs in to import users
    #[arg(long, value_name = "NAME")]
    robot: Option<String>,

    /// File with the settings of an import task, which gets an id; if they permit no robot, that of
    /// --robot is permitted
    #[arg(long, value_name = "TASK.json")]
    task: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    output: OutputFormat,
}

/// The table to write, for messages.
struct TargetTable {
    table: String,
    region: String,
    /// The flag or variable that names the tables.
    named_by: &'static str,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct BootstrapOutput<'a> {
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
        let request = self.request()?;
        let region = block_on(config.account())?.map_err(no_account)?;
        let target = TargetTable {
            table: config.tables.control.clone(),
            region,
            named_by: if self.stack.is_some() {
                "--stack"
            } else {
                TABLE_CONTROL
            },
        };
        let written = block_on(async {
            let store = Store::connect(&config).await;
            store.bootstrap(request.clone(), Timestamp::now()).await
        })?;
        let written = written.map_err(|error| target.failure(&error))?;
        self.report(written, &request, &target)?;
        stderr::println(&format!(
            "the deployment is set up (table {}, region {})",
            target.table, target.region
        ));
        Ok(Exit::Ok)
    }

    fn config(&self) -> Result<Config, Failure> {
        if let Some(stack) = &self.stack {
            return Ok(Config::in_account(Tables::of_stack(stack)));
        }
        let config = Account::from_env().and_then(|account| Config::from_env(&account));
        config.map_err(|error| {
            Failure::usage(error.to_string()).hint(format!(
                "pass --stack NAME, the name of the deployed stack, or set both {TABLE_DIRECTORY} \
                 and {TABLE_CONTROL}"
            ))
        })
    }

    /// Returns the rows to write.
    fn request(&self) -> Result<bootstrap::Bootstrap, Failure> {
        let task = self.task_settings()?;
        let password = if self.password_stdin {
            password_of_operator()?
        } else {
            generate()?
        };
        let robot = match &self.robot {
            Some(name) => Some((name.clone(), generate()?)),
            None => None,
        };
        Ok(bootstrap::Bootstrap {
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
        let mut settings = settings_file::read(path)?;
        if settings.permitted_robots.is_empty() {
            settings.permitted_robots.extend(self.robot.clone());
        }
        Ok(Some(settings))
    }

    /// Prints the new accounts, or returns the reason why nothing was written.
    fn report(
        &self,
        outcome: Bootstrapped,
        request: &bootstrap::Bootstrap,
        target: &TargetTable,
    ) -> Result<(), Failure> {
        match outcome {
            Bootstrapped::Done { task } => self.print(request, task),
            Bootstrapped::Unknown { task, cause } => {
                // If the rows were written, nobody could sign in without these passwords.
                self.print(request, task)?;
                Err(target.outcome_unknown(&cause))
            }
            Bootstrapped::AlreadyDone {
                at,
                tenant,
                operator,
            } => Err(Failure::failed(format!(
                "this deployment was already set up on {} with the operator {operator} of the \
                 tenant {tenant}: nothing was changed",
                at.strftime("%Y-%m-%d at %H:%M UTC")
            ))
            .hint(format!(
                "sign in as {operator}; for another deployment, set {}",
                target.named_by
            ))),
            Bootstrapped::Taken(named) => Err(Failure::failed(format!(
                "the {named} {} already exists in the table {}: nothing was changed",
                self.name(named),
                target.table
            ))
            .hint(format!("choose another name for --{named}"))),
            Bootstrapped::BadName(named, rule) => Err(Failure::usage(format!(
                "invalid value {:?} for --{named}: {rule}",
                self.name(named)
            ))
            .hint("nothing was changed")),
            Bootstrapped::Refused(problems) => {
                let file = self.task.clone().unwrap_or_default();
                let message = format!("invalid settings in {}", file.display());
                Err(settings_file::refused(&message, &problems)
                    .hint("nothing was changed: correct them and run it again"))
            }
        }
    }

    fn name(&self, kind: EntityKind) -> &str {
        match kind {
            EntityKind::Tenant => &self.tenant,
            EntityKind::Operator => &self.operator,
            EntityKind::Robot => self.robot.as_deref().unwrap_or_default(),
        }
    }

    /// Prints the new accounts with the generated passwords.
    fn print(&self, request: &bootstrap::Bootstrap, task: Option<u64>) -> Result<(), Failure> {
        let robot = request.robot.as_ref();
        let output = BootstrapOutput {
            tenant: &request.tenant,
            operator: &request.operator,
            password: (!self.password_stdin).then(|| request.password.expose_secret()),
            robot: robot.map(|(name, _)| name.as_str()),
            robot_password: robot.map(|(_, password)| password.expose_secret()),
            task_id: task,
        };
        if output.password.is_some() || output.robot_password.is_some() {
            stderr::println("passwords are shown only this once: store them now");
        }
        match self.output {
            OutputFormat::Table => stdout::print(&output.table()),
            OutputFormat::Json => stdout::print_json(&output).map(drop),
        }
    }
}

impl BootstrapOutput<'_> {
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
            ("Tenant", Some(escaped(tenant).into_owned())),
            ("Operator", Some(escaped(operator).into_owned())),
            ("Password", password.map(str::to_owned)),
            ("Robot", robot.map(|name| escaped(name).into_owned())),
            ("Robot password", robot_password.map(str::to_owned)),
            ("Task id", task_id.map(|id| id.to_string())),
        ];
        let rows = rows
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        summary::table(rows)
    }
}

impl TargetTable {
    /// Returns the failure for a request without a response.
    fn outcome_unknown(&self, cause: &StoreError) -> Failure {
        Failure::failed(format!(
            "the outcome is unknown: no response from DynamoDB in {}: {cause}",
            self.region
        ))
        .hint(
            "run it again: if the deployment was set up just now, the passwords shown above are valid",
        )
    }

    /// Returns the failure for a store error.
    fn failure(&self, error: &StoreError) -> Failure {
        let Self {
            table,
            region,
            named_by,
        } = self;
        match error {
            StoreError::Refused(cause)
                if cause.code.as_deref() == Some("ResourceNotFoundException") =>
            {
                Failure::failed(format!("the table {table} does not exist in {region}")).hint(
                    format!(
                        "check {named_by}, and that region and credentials are those of the stack"
                    ),
                )
            }
            StoreError::Refused(cause) => Failure::failed(format!(
                "DynamoDB in {region} refused the request: {cause}"
            ))
            .hint(format!(
                "the credentials must allow GetItem, PutItem and UpdateItem on the table {table}"
            )),
            StoreError::Unanswered(cause) => {
                Failure::failed(format!("no response from DynamoDB in {region}: {cause}"))
                    .hint("nothing was changed: run it again when DynamoDB is reachable")
            }
            StoreError::Throttled(_) | StoreError::Contended(_) => {
                Failure::failed(format!("DynamoDB in {region} is busy: {error}"))
                    .hint("run it again in a minute")
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
            .hint("set AWS_REGION to the region of the stack, such as eu-central-1"),
        AccountError::NoCredentials(_) => Failure::failed(error.to_string()).hint(
            "set AWS_PROFILE, or export the credentials of the aws command: \
             eval \"$(aws configure export-credentials --format env)\"",
        ),
    }
}

/// Reads and checks the operator's password.
fn password_of_operator() -> Result<SecretString, Failure> {
    let password = password_from_stdin()?;
    let length = password.chars().count();
    if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&length) {
        return Err(Failure::usage(format!(
            "the password on standard input has {}: expected {MIN_PASSWORD_CHARS} to \
             {MAX_PASSWORD_CHARS}",
            counted(length as u64, "character")
        ))
        .hint("nothing was changed; without --password-stdin a password is generated"));
    }
    Ok(SecretString::from(password))
}

/// Parses the name of a stack. CloudFormation's rule, which also makes valid table names.
fn stack_name(text: &str) -> Result<String, &'static str> {
    let fits = text.len() <= 128
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    fits.then(|| text.to_owned()).ok_or(
        "expected 1 to 128 letters, digits and `-`, starting with a letter, such as muster-prod",
    )
}
