//! `up` and `aws`: start, say how to use it, run until a signal comes, stop cleanly. `seed` does
//! the part of `aws` that a deployment needs, and ends.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::Style;
use jiff::Timestamp;
use muster_aws::{Account, Config, Store};
use muster_import::Times;

use crate::cli::Ended;
use crate::data_dir::{can_write_private, random_passwords};
use crate::ready::{self, Ready, ReadyFile};
use crate::schedule::every;
use crate::seed::{self, SignIn, TenantAccess};
use crate::services::{Environment, Listeners, ServiceOptions, Services, open_data};
use crate::signals::Signals;
use crate::stack::Claim;
use crate::workers::WorkerOptions;
use crate::{LocalError, Stack, StackOptions};

const TITLE: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
/// How often what stands still is ended, and what has expired is deleted.
const SWEEP: Duration = Duration::from_secs(60);

pub(crate) struct UpOptions {
    pub port: u16,
    pub data: Option<PathBuf>,
    pub ready_file: Option<PathBuf>,
    pub services: ServiceOptions,
    pub workers: WorkerOptions,
}

pub(crate) struct AwsOptions {
    pub port: u16,
    pub data: Option<PathBuf>,
    pub ready_file: Option<PathBuf>,
    pub url: String,
    pub services: ServiceOptions,
}

/// The whole stack, until a signal comes.
pub(crate) async fn up(options: UpOptions) -> Result<Ended, LocalError> {
    let UpOptions {
        port,
        data,
        ready_file,
        services,
        workers,
    } = options;
    let mut signals = Signals::listen().map_err(LocalError::Signals)?;
    let times = Times::from_env()?;
    let claim = Claim::take(&StackOptions {
        port,
        data: data.clone(),
        times,
        services,
        workers,
        ..StackOptions::default()
    })?;
    let mut ready_file = ready_file.map(|path| cleared(&path)).transpose()?;
    let stack = tokio::select! {
        started = claim.start() => started?,
        () = signals.next() => return Ok(Ended::Cleanly),
    };
    sweep(&stack).await;
    say(&up_text(&stack, data.as_deref()));
    if workers == WorkerOptions::NONE {
        say(&workers_text(stack.environment()));
    }
    if let Some((file, path)) = &mut ready_file {
        file.write(&stack.ready())
            .map_err(|cause| unwritable(path, cause))?;
    }

    let mut ticks = every(SWEEP);
    loop {
        tokio::select! {
            () = signals.next() => break,
            _ = ticks.tick() => report_deleted(stack.delete_expired_rows().await),
        }
    }
    if let Some((file, path)) = ready_file {
        file.remove().map_err(|cause| unwritable(&path, cause))?;
    }
    tracing::info!("stopping: requests in progress finish first, another Ctrl-C cuts them off");
    tokio::select! {
        stopped = stack.stop() => stopped.map(|()| Ended::Cleanly),
        () = signals.next() => Ok(Ended::CutShort),
    }
}

/// The emulated services alone, until a signal comes.
pub(crate) async fn aws(options: AwsOptions) -> Result<Ended, LocalError> {
    let AwsOptions {
        port,
        data,
        ready_file,
        url,
        services,
    } = options;
    let mut signals = Signals::listen().map_err(LocalError::Signals)?;
    let data = open_data(data.as_deref())?;
    let listeners = Listeners::from_port(port)?;
    let mut ready_file = ready_file.map(|path| cleared(&path)).transpose()?;
    let services = tokio::select! {
        started = Services::start(listeners, data, services) => started?,
        () = signals.next() => return Ok(Ended::Cleanly),
    };
    say(&environment_text(services.environment()));
    drop(write!(
        anstream::stderr(),
        "\n{}",
        tenants_text(&services.tenants)
    ));
    if let Some((file, path)) = &mut ready_file {
        let ready = Ready {
            url,
            tenants: services.tenants.clone(),
            environment: ready::environment(services.environment()),
        };
        file.write(&ready)
            .map_err(|cause| unwritable(path, cause))?;
    }
    let mut ticks = every(SWEEP);
    loop {
        tokio::select! {
            () = signals.next() => break,
            _ = ticks.tick() => report_deleted(services.dynamodb.sweep_expired().await.map_err(LocalError::from)),
        }
    }
    if let Some((file, path)) = ready_file {
        file.remove().map_err(|cause| unwritable(&path, cause))?;
    }
    services.stop().await?;
    Ok(Ended::Cleanly)
}

/// Sample tenants for a deployment elsewhere. The file stays: nothing here runs on.
pub(crate) async fn seed(ready_file: &Path, url: String) -> Result<Ended, LocalError> {
    let store = Store::connect(&Config::from_env(&Account::from_env()?)?).await;
    let (mut file, path) = cleared(ready_file)?;
    // The passwords are nowhere else: no tenant is made that the file could not tell of.
    can_write_private(&path).map_err(|cause| unwritable(&path, cause))?;
    let passwords = random_passwords(&seed::names());
    let tenants = seed::seed(&store, &passwords, Timestamp::now()).await?;
    let ready = Ready {
        url,
        tenants,
        environment: BTreeMap::new(),
    };
    file.write(&ready)
        .map_err(|cause| unwritable(&path, cause))?;
    Ok(Ended::Cleanly)
}

fn cleared(path: &Path) -> Result<(ReadyFile, PathBuf), LocalError> {
    let file = ReadyFile::clear(path.to_path_buf()).map_err(|cause| unwritable(path, cause))?;
    Ok((file, path.to_path_buf()))
}

fn unwritable(path: &Path, cause: std::io::Error) -> LocalError {
    LocalError::ReadyFile {
        path: path.to_path_buf(),
        cause,
    }
}

/// Ends runs whose process is gone and deletes what has expired. What fails is tried again in a
/// minute.
async fn sweep(stack: &Stack) {
    if let Err(error) = stack.runner.sweep().await {
        tracing::warn!(%error, "interrupted imports were not looked for");
    }
    report_deleted(stack.delete_expired_rows().await);
}

fn report_deleted(deleted: Result<usize, LocalError>) {
    match deleted {
        Ok(0) => {}
        Ok(rows) => tracing::debug!(rows, "expired rows deleted"),
        Err(error) => tracing::warn!(%error, "expired rows were not deleted"),
    }
}

/// A closed stdout does not stop the service.
fn say(text: &str) {
    let mut out = anstream::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "nothing can be printed");
    }
}

fn tenants_text(tenants: &[TenantAccess]) -> String {
    let lines = |TenantAccess {
                     name,
                     task_id,
                     robot,
                     operator,
                 }: &TenantAccess| {
        let SignIn { username, password } = robot;
        let robot = format!("{name:<8} {task_id:<5} {username:<16} {password}\n");
        let SignIn { username, password } = operator;
        format!("{robot}{:<8} {:<5} {username:<16} {password}\n", "", "")
    };
    let lines: String = tenants.iter().map(lines).collect();
    format!("{DIM}tenant   task  robot, operator  password{DIM:#}\n{lines}")
}

fn environment_text(environment: Environment) -> String {
    let line = |(name, value): (&str, String)| format!("{name}={value}\n");
    environment.into_iter().map(line).collect()
}

fn workers_text(environment: Environment) -> String {
    format!(
        "
{TITLE}# Nothing works in the background: start workers with this environment{TITLE:#}
{}muster-local worker processor
muster-local worker writer --workers 2
muster-local worker sweeper
",
        environment_text(environment)
    )
}

fn up_text(stack: &Stack, data: Option<&Path>) -> String {
    let kept = data.map_or_else(
        || "in memory, gone when it stops".to_owned(),
        |path| format!("kept in {}", path.display()),
    );
    let mut text = format!(
        "{TITLE}Muster is up at {}{TITLE:#} ({kept}; Ctrl-C stops it)\n\n{}",
        stack.url,
        tenants_text(&stack.tenants)
    );
    if let Some(tenant) = stack.tenants.first() {
        text.push_str(&curl_text(&stack.url, tenant));
    }
    text
}

/// Commands that can be pasted into a shell as they are.
fn curl_text(url: &str, tenant: &TenantAccess) -> String {
    let TenantAccess {
        task_id,
        robot,
        operator,
        ..
    } = tenant;
    format!(
        r#"
{TITLE}# Sign in: a token for half an hour{TITLE:#}
TOKEN=$(curl -sS {url}/authenticate -H 'Content-Type: application/json' \
  -d '{{"username":"{username}","password":"{password}"}}' |
  sed 's/.*"token":"\([^"]*\)".*/\1/')

{TITLE}# Import a user{TITLE:#}
curl -sS -w '\n' '{url}/v1/import/user-data/{task_id}?debug' \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '[{{"Username":"jack.woo","Name":"Jack Woo","Role":"store manager",
        "E-mail":"jack.woo@example.com","All Stores":false,
        "Individual Stores":"store1,store2,store3"}}]'

{TITLE}# Look at what became of it; the whole API is at {url}/docs{TITLE:#}
muster login --operator --url {url} --username {operator}
muster items latest
"#,
        username = robot.username,
        password = robot.password,
        operator = operator.username,
    )
}
