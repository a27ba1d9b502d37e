//! Processor, writers and sweeper as processes of their own that die by `kill -9` at any moment.
//! Whatever dies, an import comes to its end, and every user is written once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use muster_aws::directory::Author;
use muster_aws::{Config, Store, Tables};
use muster_local::Ready;
use rand::RngExt as _;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::workers::{Robot, Worker};
use super::{PATIENCE, Up};

/// How many processors and writers are killed; a few without it. Sweepers are killed besides.
const KILLS: &str = "MUSTER_KILLS";
const FEW: u32 = 20;

/// Elements of a file: three chunks.
const RECORDS: u64 = 4_200;
/// Of so many elements one says of its user what cannot be, and one repeats the user before it.
const SPOILT: u64 = 100;

/// What a killed process held is taken up by another one within seconds. No try is the last one:
/// each may be killed.
const TIMES: &str = r#"{
    "chunk_stop_after": 2, "chunk_give_up_after": 3, "chunk_grace": 0.5, "chunk_visible": 1,
    "heartbeat": 0.2, "heartbeat_over": 2, "chunk_tries": 100000, "process_tries": 100000
}"#;
const QUEUES: [&str; 5] = [
    "--no-workers",
    "--imports-visibility",
    "2",
    "--chunks-visibility",
    "2",
];

const SWEEPER: &[&str] = &["sweeper", "--every", "0.5"];

/// What runs, and is killed and started again.
const FUNCTIONS: [&[&str]; 4] = [&["processor"], &["writer"], &["writer"], SWEEPER];

/// The workers, and how many of them may still be killed.
struct Workers {
    environment: BTreeMap<String, String>,
    running: Vec<(&'static [&'static str], Worker)>,
    kills: u32,
}

impl Workers {
    fn start(ready: &Ready, kills: u32) -> Self {
        let mut environment = ready.environment.clone();
        environment.insert("MUSTER_TIMES".to_owned(), TIMES.to_owned());
        let start = |function| (function, Worker::start(&environment, function));
        Self {
            running: FUNCTIONS.map(start).into(),
            environment,
            kills,
        }
    }

    /// Kills any one, and starts another in its place.
    fn kill_one(&mut self) {
        if self.kills == 0 {
            return;
        }
        let victim = rand::rng().random_range(0..self.running.len());
        let (function, worker) = self.running.swap_remove(victim);
        self.kills -= u32::from(function != SWEEPER);
        worker.kill();
        let worker = Worker::start(&self.environment, function);
        self.running.push((function, worker));
    }
}

fn is_repeated(number: u64) -> bool {
    number % SPOILT == 50
}

fn is_spoilt(number: u64) -> bool {
    number % SPOILT == 99
}

/// Users that all have this name.
fn file(name: &str) -> Vec<u8> {
    let mut text = String::from("[");
    for number in 0..RECORDS {
        let login = number - u64::from(is_repeated(number));
        let role = if is_spoilt(number) { "guest" } else { "catman" };
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

/// Whoever can be a user.
fn users() -> u64 {
    let none = |number: &u64| is_repeated(*number) || is_spoilt(*number);
    RECORDS - (0..RECORDS).filter(none).count() as u64
}

/// What an import of a file answers when so many users were created, updated and unchanged.
fn expected([created, updated, unchanged]: [u64; 3]) -> Value {
    let many = |is: fn(u64) -> bool| (0..RECORDS).filter(|number| is(*number)).count();
    json!({
        "Status": "PARTIAL_SUCCESS",
        "Total Lines": RECORDS,
        "Empty IDs": 0,
        "Ignored Users": many(is_spoilt),
        "Duplicated Users": many(is_repeated),
        "Created": created,
        "Updated": updated,
        "Unchanged": unchanged,
    })
}

/// Imports a file while workers are killed, and looks at every figure of the answer.
async fn import(robot: &Robot, file: Vec<u8>, workers: &mut Workers, counts: [u64; 3]) {
    let import = robot.import(file).await;
    let began = Instant::now();
    let ended = loop {
        let pause = rand::rng().random_range(50..1_500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let standing = robot.standing(&import).await;
        if standing.get("ended_at").is_some() {
            break standing;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end: {standing}");
        workers.kill_one();
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

/// Every user's version, and who changed it last.
async fn users_of(store: &Store, tenant: &str) -> BTreeMap<String, (u64, Author)> {
    let mut users = BTreeMap::new();
    let mut walk = store.walk_users(tenant, 0);
    while let Some(page) = walk.next().await.unwrap() {
        for entry in page.users {
            let seen = (entry.user.version, entry.updated);
            assert_eq!(users.insert(entry.user.login, seen), None);
        }
    }
    users
}

#[tokio::test]
async fn whatever_is_killed_an_import_ends_and_every_user_is_written_once() {
    let kills = match std::env::var(KILLS) {
        Ok(kills) => kills.parse().unwrap(),
        Err(_) => FEW,
    };
    let folder = tempfile::tempdir().unwrap();
    // Nobody reads what it logs: a full pipe would hold it up.
    let variables = [("MUSTER_TIMES", TIMES), ("RUST_LOG", "off")];
    let up = Up::start_with(folder.path(), &QUEUES, &variables);
    let mut workers = Workers::start(&up.ready, kills);
    let store = store(&up.ready.environment).await;
    let tenant = &up.ready.tenants[0].name;

    let (mut round, users) = (0, users());
    let written = loop {
        round += 1;
        let robot = Robot::of(&up.ready).await;
        // The first import makes the users, each further one changes them all.
        let counts = match round {
            1 => [users, 0, 0],
            _ => [0, users, 0],
        };
        let sent = file(&format!("Round {round}"));
        import(&robot, sent, &mut workers, counts).await;
        let written = users_of(&store, tenant).await;
        assert_eq!(written.len() as u64, users);
        for (login, (version, _)) in &written {
            assert_eq!(*version, round, "times that {login} was written");
        }
        let (open, trouble) = store.open_queued().await;
        assert!(open.is_empty() && trouble.is_none(), "{open:?} {trouble:?}");
        if workers.kills == 0 {
            break written;
        }
    };

    let robot = Robot::of(&up.ready).await;
    let same = file(&format!("Round {round}"));
    import(&robot, same, &mut workers, [0, 0, users]).await;
    let after = users_of(&store, tenant).await;
    for (login, (_, author)) in &written {
        assert_eq!(after[login].1, *author, "who changed {login} last");
    }
    drop(workers);
    up.signal(Signal::TERM);
    assert_eq!(up.end().code(), Some(0));
}
