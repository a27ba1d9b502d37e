//! A stack without workers: whoever tests delivers its messages, when and how often it likes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::background::{ChunkMessage, ProcessMessage};
use muster_aws::runs::RunId;
use muster_aws::tasks::{PutTask, Task};
use muster_core::limits;
use muster_core::settings::TaskSettings;
use muster_core::survey::ChunkSizes;
use muster_import::{Runner, Times};
use muster_local::{Stack, StackOptions, WorkerOptions};
use muster_tests::Access;
use muster_tests::background::received;
use muster_tests::faults::{Faults, UnderWay};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Records of a chunk, unless told.
const CHUNK: u32 = 3;

/// A minute.
const SWEEP_EVERY: Duration = Duration::from_millis(400);

/// The times of the protocol, some hundred times as short. A day stays a day: nothing here is given
/// up for its age. On a busy machine writers run out of time, so they may try more often.
pub fn times() -> Times {
    Times {
        chunk_stop_after: Duration::from_millis(1_000),
        chunk_give_up_after: Duration::from_millis(1_200),
        chunk_grace: Duration::from_millis(100),
        chunk_visible: Duration::from_millis(200),
        heartbeat: Duration::from_millis(100),
        heartbeat_over: Duration::from_millis(600),
        resend_anyway: Duration::from_millis(600),
        chunk_tries: 50,
        process_tries: 50,
        ..Times::default()
    }
}

/// A message, as a queue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    Process(ProcessMessage),
    Chunk(ChunkMessage),
}

impl Letter {
    pub fn run(&self) -> RunId {
        match self {
            Self::Process(message) => message.run,
            Self::Chunk(message) => message.run,
        }
    }
}

/// A stack, and the messages that were fetched from its queues.
pub struct Stage {
    pub stack: Stack,
    /// Records of a chunk.
    chunk: u32,
    mail: Mutex<HashMap<RunId, Vec<Letter>>>,
    /// Somebody looks into the queues: nobody else must miss what they find.
    fetching: tokio::sync::Mutex<()>,
    /// When runs were looked after last.
    swept: tokio::sync::Mutex<Option<Instant>>,
    /// Sweeps that may not be over: what each has under way, and itself.
    sweeps: Mutex<Vec<UnderWay>>,
}

impl Stage {
    pub async fn start() -> Arc<Self> {
        Self::with(CHUNK, times()).await
    }

    /// With chunks of so many records, and these times.
    pub async fn with(chunk: u32, times: Times) -> Arc<Self> {
        let options = StackOptions {
            times,
            workers: WorkerOptions::NONE,
            ..StackOptions::default()
        };
        let stack = Stack::start(options).await.expect("the stack starts");
        Arc::new(Self {
            stack,
            chunk,
            mail: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
            swept: tokio::sync::Mutex::default(),
            sweeps: Mutex::default(),
        })
    }

    /// A runner that nothing happens to.
    pub fn runner(&self) -> Runner {
        Runner {
            chunk_sizes: ChunkSizes {
                records: self.chunk,
                bytes: limits::CHUNK_BYTES,
            },
            ..self.stack.runner.clone()
        }
    }

    pub fn tenant(&self, number: usize) -> &str {
        &self.stack.tenants[number].name
    }

    /// What is stored.
    pub fn access(&self) -> Access {
        Access::of(&self.stack)
    }

    /// A new task of a tenant.
    pub async fn task(&self, tenant: usize, change: impl FnOnce(&mut TaskSettings)) -> Task {
        let store = &self.stack.store;
        let mut settings: TaskSettings = serde_json::from_value(json!({
            "id": store.next_task_id().await.expect("the store"),
            "title": "crashes",
            "enabled": true,
            "permitted_robots": ["robot"],
            "attribute_mapping": {
                "username": "u", "name": "n", "role": "r", "email": "e", "external_id": "x",
                "manager_id": "m",
            },
            "role_mapping": {"user": "User"},
        }))
        .expect("settings");
        change(&mut settings);
        self.put_task(tenant, settings, None).await
    }

    /// Stores settings over those of this version.
    pub async fn put_task(
        &self,
        tenant: usize,
        settings: TaskSettings,
        replaces: Option<u64>,
    ) -> Task {
        let store = &self.stack.store;
        let put = store.put_task(self.tenant(tenant), settings, replaces, Timestamp::now());
        match put.await.expect("the store") {
            PutTask::Stored(task) => *task,
            other => panic!("no task: {other:?}"),
        }
    }

    /// The messages of a run that have come since somebody asked, each once.
    pub async fn fetch(&self, run: RunId) -> Vec<Letter> {
        let alone = self.fetching.lock().await;
        let queues = &self.stack.background.queues;
        for url in [queues.imports_url(), queues.chunks_url()] {
            while self.fetch_from(url).await > 0 {}
        }
        drop(alone);
        let mut mail = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
        mail.remove(&run).unwrap_or_default()
    }

    /// Looks after all runs, unless somebody did a moment ago.
    pub async fn sweep(&self) {
        let mut swept = self.swept.lock().await;
        if swept.is_none_or(|at| at.elapsed() > SWEEP_EVERY) {
            self.sweep_under(Faults::none()).await;
            *swept = Some(Instant::now());
        }
    }

    /// Looks after all runs, under these faults.
    pub async fn sweep_under(&self, faults: Faults) -> Arc<Faults> {
        let under_way = UnderWay::default();
        let itself = under_way.another();
        let faults = Arc::new(faults.among(&under_way));
        self.sweeps().push(under_way);
        // Of its errors there is another look in a minute.
        drop(faults.alive(faults.runner(&self.runner()).sweep()).await);
        drop(itself);
        faults
    }

    /// Waits until the sweeps that have begun are over, and all they sent has arrived. They look at
    /// all runs, so one may have read a run before its end and send messages for it behind it; one
    /// that begins later does not.
    pub async fn sweeps_over(&self) {
        let begun = self.sweeps().clone();
        for sweep in &begun {
            sweep.arrived().await;
        }
        self.sweeps().retain(|sweep| !sweep.is_over());
    }

    fn sweeps(&self) -> MutexGuard<'_, Vec<UnderWay>> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch_from(&self, url: &str) -> usize {
        let messages = received::<Value>(&self.stack.background.queues.client, url).await;
        let count = messages.len();
        for message in messages {
            let letter = read(message);
            let mut mail = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
            let letters = mail.entry(letter.run()).or_default();
            if !letters.contains(&letter) {
                letters.push(letter);
            }
        }
        count
    }
}

/// The two kinds have no key in common but the run.
fn read(value: Value) -> Letter {
    if value.get("chunk").is_some() {
        Letter::Chunk(serde_json::from_value(value).expect("a chunk"))
    } else {
        Letter::Process(serde_json::from_value(value).expect("a run"))
    }
}
