//! Processor, writers and sweeper in processes of their own, killed with `kill -9` at random
//! moments. Every import still finishes, and every user is written once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use muster_aws::directory::Author;
use muster_aws::{Config, Store, Tables};
use muster_local::Ready;
use rand::RngExt as _;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::workers::{ImportClient, WorkerProcess};
use super::{UpProcess, WAIT_TIMEOUT};

/// Environment variable with the number of processors and writers to kill. Sweepers are killed in
/// addition.
const KILLS_VARIABLE: &str = "MUSTER_KILLS";
const DEFAULT_KILLS: u32 = 24;

/// Records of a file: three chunks.
const RECORDS: u64 = 4_200;
/// Of this many records, one has an invalid role and one repeats the previous user.
const INVALID_EVERY: u64 = 100;

/// Short times, so that another process takes over the work of a killed one within seconds.
/// Attempts are practically unlimited, since each may be killed.
const TIMES: &str = r#"{
    "chunk_stop_after": 2, "chunk_give_up_after": 3, "chunk_grace": 0.5, "chunk_visible": 1,
    "heartbeat": 0.2, "heartbeat_over": 2, "chunk_tries": 100000, "process_tries": 100000
}"#;
const UP_FLAGS: [&str; 5] = [
    "--no-workers",
    "--imports-visibility",
    "2",
    "--chunks-visibility",
    "2",
];

const SWEEPER_ARGUMENTS: &[&str] = &["sweeper", "--every", "0.5"];

/// Arguments of the workers that are killed and restarted.
const FUNCTIONS: [&[&str]; 4] = [&["processor"], &["writer"], &["writer"], SWEEPER_ARGUMENTS];

/// Running workers and the number of kills left.
struct WorkerProcesses {
    environment: BTreeMap<String, String>,
    running: Vec<(&'static [&'static str], WorkerProcess)>,
    kills: u32,
}

impl WorkerProcesses {
    fn start(ready: &Ready, kills: u32) -> Self {
        let mut environment = ready.environment.clone();
        environment.insert("MUSTER_TIMES".to_owned(), TIMES.to_owned());
        let start = |function| (function, WorkerProcess::start(&environment, function));
        Self {
            running: FUNCTIONS.map(start).into(),
            environment,
            kills,
        }
    }

    /// Kills a random worker and starts another in its place, unless only this many kills are
    /// left.
    fn kill_one(&mut self, reserved: u32) {
        if self.kills <= reserved {
            return;
        }
        let victim = rand::rng().random_range(0..self.running.len());
        let (function, worker) = self.running.swap_remove(victim);
        self.kills -= u32::from(function != SWEEPER_ARGUMENTS);
        worker.kill();
        let worker = WorkerProcess::start(&self.environment, function);
        self.running.push((function, worker));
    }
}

fn is_repeated(number: u64) -> bool {
    number % INVALID_EVERY == 50
}

fn is_invalid(number: u64) -> bool {
    number % INVALID_EVERY == 99
}

/// Returns a file of users that all have this name.
fn file(name: &str) -> Vec<u8> {
    let mut text = String::from("[");
    for number in 0..RECORDS {
        let login = number - u64::from(is_repeated(number));
        let role = if is_invalid(number) {
            "guest"
        } else {
            "catman"
        };
        let comma = if number == 0 { "" } else { ",\n" };
        write!(
            text,
            r#"{comma}{{"Username":"user.{login}","Name":"{name}","Role":"{role}","E-mail":"user.{login}@example.com"}}"#
        )
        .unwrap();
    }
    text.push(']');
    text.into_bytes()
}

/// Returns the number of valid users in a file.
fn valid_users() -> u64 {
    let skipped = |number: &u64| is_repeated(*number) || is_invalid(*number);
    RECORDS - (0..RECORDS).filter(skipped).count() as u64
}

/// Returns the expected status of an import with these numbers of created, updated and unchanged
/// users.
fn expected([created, updated, unchanged]: [u64; 3]) -> Value {
    let count = |is: fn(u64) -> bool| (0..RECORDS).filter(|number| is(*number)).count();
    json!({
        "Status": "PARTIAL_SUCCESS",
        "Total Lines": RECORDS,
        "Empty IDs": 0,
        "Ignored Users": count(is_invalid),
        "Duplicated Users": count(is_repeated),
        "Created": created,
        "Updated": updated,
        "Unchanged": unchanged,
    })
}

/// Imports a file while workers are killed until only `reserved` kills are left, and checks every
/// figure of the status.
async fn import(
    client: &ImportClient,
    file: Vec<u8>,
    workers: &mut WorkerProcesses,
    reserved: u32,
    counts: [u64; 3],
) {
    let import = client.import(file).await;
    let started = Instant::now();
    let ended = loop {
        let pause = rand::rng().random_range(50..750);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let status = client.status(&import).await;
        if status.get("ended_at").is_some() {
            break status;
        }
        assert!(
            started.elapsed() < WAIT_TIMEOUT,
            "the import does not end: {status}"
        );
        workers.kill_one(reserved);
    };
    for (name, value) in expected(counts).as_object().unwrap() {
        assert_eq!(&ended[name], value, "{name}: {ended}");
    }
}

async fn store(environment: &BTreeMap<String, String>) -> Store {
    let tables = Tables {
        directory: environment["MUSTER_TABLE_DIRECTORY"].clone(),
        control: environment["MUSTER_TABLE_CONTROL"].clone(),
    };
    let endpoint = &environment["AWS_ENDPOINT_URL_DYNAMODB"];
    Store::connect(&Config::local(endpoint, tables)).await
}

/// Returns every user's version and last author.
async fn users_of(store: &Store, tenant: &str) -> BTreeMap<String, (u64, Author)> {
    let mut users = BTreeMap::new();
    let mut walk = store.directory().walk(tenant, 0);
    while let Some(page) = walk.next().await.unwrap() {
        for entry in page.users {
            let version = (entry.user.version, entry.updated);
            assert_eq!(users.insert(entry.user.login, version), None);
        }
    }
    users
}

#[tokio::test]
async fn imports_finish_and_write_every_user_once_while_workers_are_killed() {
    let kills = match std::env::var(KILLS_VARIABLE) {
        Ok(kills) => kills.parse().unwrap(),
        Err(_) => DEFAULT_KILLS,
    };
    let folder = tempfile::tempdir().unwrap();
    // Nobody reads the log, and a full pipe would block the process.
    let variables = [("MUSTER_TIMES", TIMES), ("RUST_LOG", "off")];
    let up = UpProcess::start_with(folder.path(), &UP_FLAGS, &variables);
    let mut workers = WorkerProcesses::start(&up.ready, kills);
    let store = store(&up.ready.environment).await;
    let tenant = &up.ready.tenants[0].name;

    let (mut round, users) = (0, valid_users());
    let written = loop {
        round += 1;
        let client = ImportClient::sign_in(&up.ready).await;
        // The first import creates the users, each further one updates all of them. Half of the
        // kills are kept for the updates.
        let (counts, reserved) = match round {
            1 => ([users, 0, 0], kills / 2),
            _ => ([0, users, 0], 0),
        };
        let content = file(&format!("Round {round}"));
        import(&client, content, &mut workers, reserved, counts).await;
        let written = users_of(&store, tenant).await;
        assert_eq!(written.len() as u64, users);
        for (login, (version, _)) in &written {
            assert_eq!(*version, round, "number of writes of {login}");
        }
        let (open, error) = store.task_locks().open_background_runs().await;
        assert!(open.is_empty() && error.is_none(), "{open:?} {error:?}");
        if workers.kills == 0 {
            break written;
        }
    };

    let client = ImportClient::sign_in(&up.ready).await;
    let same = file(&format!("Round {round}"));
    import(&client, same, &mut workers, 0, [0, 0, users]).await;
    let after = users_of(&store, tenant).await;
    for (login, (_, author)) in &written {
        assert_eq!(after[login].1, *author, "last author of {login}");
    }
    drop(workers);
    up.signal(Signal::TERM);
    assert_eq!(up.end().code(), Some(0));
}
