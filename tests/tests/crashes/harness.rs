//! A stack without workers: the tests deliver its messages themselves, in any order and any number
//! of times.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::background::{ChunkMessage, ProcessMessage};
use muster_aws::runs::RunId;
use muster_aws::tasks::{PutTaskOutcome, Task};
use muster_core::limits;
use muster_core::scan::ChunkSizes;
use muster_core::settings::TaskSettings;
use muster_import::{Runner, Times};
use muster_local::{Stack, StackOptions, WorkerOptions};
use muster_tests::Access;
use muster_tests::background::receive_messages;
use muster_tests::faults::{Faults, InFlight};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Records per chunk, by default.
const CHUNK_RECORDS: u32 = 3;

/// Minimum interval between two sweeps of all runs; a minute in a deployment.
const SWEEP_INTERVAL: Duration = Duration::from_millis(400);

/// The times of the protocol, some hundred times shorter. A day is still a day: no run is abandoned
/// for its age. On a busy machine writers run out of time, so there are more attempts.
pub fn short_times() -> Times {
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

/// [`short_times`] with so much time for a chunk that no writer runs out of it, for tests in which
/// no writer crashes with a chunk lease.
pub fn times_without_chunk_deadline() -> Times {
    Times {
        chunk_stop_after: Duration::from_secs(240),
        chunk_give_up_after: Duration::from_secs(270),
        ..short_times()
    }
}

/// A message of one of the two queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueMessage {
    Process(ProcessMessage),
    Chunk(ChunkMessage),
}

impl QueueMessage {
    pub fn run(&self) -> RunId {
        match self {
            Self::Process(message) => message.run,
            Self::Chunk(message) => message.run,
        }
    }

    /// Returns true if the message is about the first chunk.
    pub fn is_of_first_chunk(&self) -> bool {
        matches!(self, Self::Chunk(message) if message.chunk == 0)
    }

    /// Parses a message. The two kinds have no key in common but the run.
    fn parse(value: Value) -> Self {
        if value.get("chunk").is_some() {
            Self::Chunk(serde_json::from_value(value).expect("a chunk message"))
        } else {
            Self::Process(serde_json::from_value(value).expect("a process message"))
        }
    }
}

/// A stack, and the messages received from its queues.
pub struct Harness {
    pub stack: Stack,
    chunk_records: u32,
    mailboxes: Mutex<HashMap<RunId, Vec<QueueMessage>>>,
    /// Locked while messages are received, so that no other test misses those of its run.
    receiving: tokio::sync::Mutex<()>,
    last_sweep: tokio::sync::Mutex<Option<Instant>>,
    /// The requests in flight of each sweep that may not be over, and the sweep itself.
    sweeps: Mutex<Vec<InFlight>>,
}

impl Harness {
    pub async fn start() -> Arc<Self> {
        Self::start_with(CHUNK_RECORDS, short_times()).await
    }

    /// Starts a stack with this many records per chunk, and these times.
    pub async fn start_with(chunk_records: u32, times: Times) -> Arc<Self> {
        let options = StackOptions {
            times,
            workers: WorkerOptions::NONE,
            ..StackOptions::default()
        };
        let stack = Stack::start(options).await.expect("the stack starts");
        Arc::new(Self {
            stack,
            chunk_records,
            mailboxes: Mutex::default(),
            receiving: tokio::sync::Mutex::default(),
            last_sweep: tokio::sync::Mutex::default(),
            sweeps: Mutex::default(),
        })
    }

    /// Returns a runner without faults.
    pub fn runner(&self) -> Runner {
        Runner {
            chunk_sizes: ChunkSizes {
                records: self.chunk_records,
                bytes: limits::MAX_CHUNK_BYTES,
            },
            ..self.stack.runner.clone()
        }
    }

    pub fn tenant(&self, number: usize) -> &str {
        &self.stack.tenants[number].name
    }

    /// Returns access to the stored rows.
    pub fn access(&self) -> Access {
        Access::of(&self.stack)
    }

    /// Creates a task of a tenant.
    pub async fn create_task(&self, tenant: usize, change: impl FnOnce(&mut TaskSettings)) -> Task {
        let store = &self.stack.store;
        let mut settings: TaskSettings = serde_json::from_value(json!({
            "id": store.tasks().next_id().await.expect("a task id"),
            "title": "crashes",
            "enabled": true,
            "permitted_robots": ["robot"],
            "attribute_mapping": {
                "username": "u", "name": "n", "role": "r", "email": "e", "external_id": "x",
                "manager_id": "m", "active": "a", "city": "c",
            },
            "role_mapping": {"user": "User"},
            "external_id_conflicts": "ignore",
            "safety_threshold": {},
        }))
        .expect("valid settings");
        change(&mut settings);
        self.put_task(tenant, settings, None).await
    }

    /// Stores task settings in place of the given version.
    pub async fn put_task(
        &self,
        tenant: usize,
        settings: TaskSettings,
        replaces: Option<u64>,
    ) -> Task {
        let store = &self.stack.store;
        let put = store
            .tasks()
            .put(self.tenant(tenant), settings, replaces, Timestamp::now());
        match put.await.expect("storing a task") {
            PutTaskOutcome::Stored(task) => *task,
            other => panic!("the task was not stored: {other:?}"),
        }
    }

    /// Returns the messages of a run that were received since the last call, each once.
    pub async fn receive(&self, run: RunId) -> Vec<QueueMessage> {
        let receiving = self.receiving.lock().await;
        let queues = &self.stack.background.queues;
        for url in [queues.imports_url(), queues.chunks_url()] {
            while self.receive_from(url).await > 0 {}
        }
        drop(receiving);
        let mut mailboxes = self.mailboxes();
        mailboxes.remove(&run).unwrap_or_default()
    }

    /// Sweeps all runs, unless the last sweep was less than [`SWEEP_INTERVAL`] ago.
    pub async fn sweep(&self) {
        let mut last = self.last_sweep.lock().await;
        if last.is_none_or(|at| at.elapsed() > SWEEP_INTERVAL) {
            self.sweep_with(Faults::none()).await;
            *last = Some(Instant::now());
        }
    }

    /// Sweeps all runs with these faults.
    pub async fn sweep_with(&self, faults: Faults) -> Arc<Faults> {
        let in_flight = InFlight::default();
        let sweep = in_flight.enter();
        let faults = Arc::new(faults.counted_in(&in_flight));
        self.sweeps().push(in_flight);
        // Its errors do not matter: the next sweep tries again.
        let runner = faults.runner(&self.runner());
        drop(faults.run_until_crash(runner.sweep()).await);
        drop(sweep);
        faults
    }

    /// Waits until all sweeps that have begun are over and their requests have arrived. A sweep
    /// covers all runs, so it may have read a run before its end, and send messages for it after
    /// its end; a sweep that begins later does not.
    pub async fn wait_for_sweeps(&self) {
        let begun = self.sweeps().clone();
        for sweep in &begun {
            sweep.drained().await;
        }
        self.sweeps().retain(|sweep| !sweep.is_empty());
    }

    fn sweeps(&self) -> MutexGuard<'_, Vec<InFlight>> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mailboxes(&self) -> MutexGuard<'_, HashMap<RunId, Vec<QueueMessage>>> {
        self.mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn receive_from(&self, url: &str) -> usize {
        let client = &self.stack.background.queues.client;
        let received = receive_messages::<Value>(client, url).await;
        let count = received.len();
        let mut mailboxes = self.mailboxes();
        for message in received {
            let message = QueueMessage::parse(message);
            let mailbox = mailboxes.entry(message.run()).or_default();
            if !mailbox.contains(&message) {
                mailbox.push(message);
            }
        }
        count
    }
}
