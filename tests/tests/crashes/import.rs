//! An import in the background, whose workers have faults.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use muster_aws::background::ChunkMessage;
use muster_aws::runs::chunks::Round;
use muster_aws::runs::{Run, RunFilter, RunId};
use muster_aws::tasks::Task;
use muster_aws::{Store, StoreError};
use muster_core::run::Counts;
use muster_import::uploads::{self, CancelOutcome};
use muster_import::{
    Deadline, ImportRequest, ImportResult, RunOutcome, Times, enqueue_import, import,
};
use muster_tests::faults::{EffectLog, Fault, Faults, InFlight};
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::{Harness, QueueMessage, short_times};
use crate::import_file::ImportFile;

/// Maximum time for something that must happen, also on a busy machine.
pub const MAX_WAIT: Duration = Duration::from_secs(300);
/// Interval between two attempts at something that must happen.
pub const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Calls `attempt` until it returns a value.
pub async fn poll_until<T>(event: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(
            began.elapsed() < MAX_WAIT,
            "it did not happen within {MAX_WAIT:?}: {event}"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The result of a delivery.
#[derive(Debug)]
pub enum DeliveryOutcome {
    /// The message is acknowledged.
    Acknowledged,
    /// The function failed: the message is delivered again.
    Failed(String),
    /// The worker crashed: the message is delivered again.
    Crashed,
}

/// A run in the background. Cheap to clone.
#[derive(Clone)]
pub struct Import {
    pub harness: Arc<Harness>,
    pub task: Task,
    pub file: ImportFile,
    pub run: RunId,
    /// The effects of the run's statements.
    pub effects: EffectLog,
    pub in_flight: InFlight,
    /// All messages of the run so far.
    history: Arc<Mutex<Vec<QueueMessage>>>,
}

/// Returns the request of an import.
pub fn request(task: &Task, body: &Value, dry_run: bool) -> ImportRequest {
    ImportRequest {
        tenant: task.tenant.clone(),
        robot: "robot".to_owned(),
        task: task.settings.clone(),
        settings_version: task.version,
        body: body.to_string().into(),
        debug: false,
        dry_run,
        override_threshold: false,
        key: None,
    }
}

/// Imports a body within one request without faults.
pub async fn import_synchronously(harness: &Harness, task: &Task, body: &Value) -> Counts {
    import_through(&harness.stack.store, harness, task, body).await
}

/// Imports a body within one request through this client of the store.
pub async fn import_through(store: &Store, harness: &Harness, task: &Task, body: &Value) -> Counts {
    match try_import_through(store, harness, task, body).await {
        RunOutcome::Imported { counts, .. } => counts,
        other => panic!("the import was not completed: {other:?}"),
    }
}

/// Imports a body within one request through this client of the store, which may fail.
pub async fn try_import_through(
    store: &Store,
    harness: &Harness,
    task: &Task,
    body: &Value,
) -> RunOutcome {
    let request = request(task, body, false);
    let deadline = Deadline::start(Times {
        stop_after: MAX_WAIT,
        give_up_after: MAX_WAIT * 2,
        sync_hold: MAX_WAIT * 3,
        ..short_times()
    });
    let imported = import(store, &harness.stack.background, deadline, request).await;
    match imported.expect("the import") {
        ImportResult::Ended { outcome, .. } => outcome,
        other => panic!("the import did not end: {other:?}"),
    }
}

/// Returns all runs of a task.
pub async fn all_runs_of(harness: &Harness, task: &Task) -> Vec<Run> {
    let filter = RunFilter {
        task: Some(task.settings.id),
        ..RunFilter::default()
    };
    let store = &harness.stack.store;
    let page = store
        .runs()
        .list(&task.tenant, &filter, None, 100, Timestamp::now());
    let runs = page.await.expect("listing runs").runs.into_iter();
    runs.map(|listed| listed.run).collect()
}

impl Import {
    /// Queues a file for a task of its own, after creating the users that it expects.
    pub async fn begin(harness: &Arc<Harness>, file: ImportFile) -> Self {
        let task = harness.create_task(0, |task| file.configure(task));
        Self::begin_for_task(harness, &task.await, file).await
    }

    /// Queues a file for a task, after creating the users that it expects.
    pub async fn begin_for_task(harness: &Arc<Harness>, task: &Task, file: ImportFile) -> Self {
        import_synchronously(harness, task, &file.existing_users()).await;
        let queued = Self::queue(harness, task, &file, false, &Arc::new(Faults::none())).await;
        let run = queued.expect("a request without faults is queued");
        Self::new(harness, task, file, run, &InFlight::default())
    }

    pub fn new(
        harness: &Arc<Harness>,
        task: &Task,
        file: ImportFile,
        run: RunId,
        in_flight: &InFlight,
    ) -> Self {
        Self {
            harness: Arc::clone(harness),
            task: task.clone(),
            file,
            run,
            effects: EffectLog::default().of_run(run),
            in_flight: in_flight.clone(),
            history: Arc::default(),
        }
    }

    /// Sends the request of a background import. Returns the run in its response, if there is one.
    pub async fn queue(
        harness: &Arc<Harness>,
        task: &Task,
        file: &ImportFile,
        dry_run: bool,
        faults: &Arc<Faults>,
    ) -> Option<RunId> {
        let runner = faults.runner(&harness.runner());
        let (request, deadline) = (
            request(task, &file.body(), dry_run),
            Deadline::start(short_times()),
        );
        let queueing = enqueue_import(&runner.store, &runner.background, deadline, request);
        match faults.run_until_crash(queueing).await {
            Some(Ok(ImportResult::Background { run, .. })) => Some(run),
            Some(Ok(ImportResult::Busy { .. }) | Err(_)) | None => None,
            Some(Ok(other)) => panic!("expected queued or busy, found {other:?}"),
        }
    }

    /// Returns the background runs of a task, whether or not their client knows of them.
    pub async fn runs_of(harness: &Harness, task: &Task) -> Vec<Run> {
        let mut runs = all_runs_of(harness, task).await;
        runs.retain(|run| run.job.is_some());
        runs
    }

    /// Returns the stored run.
    pub async fn stored_run(&self) -> Run {
        let store = &self.harness.stack.store;
        let run = store.runs().get(&self.run, Timestamp::now()).await;
        run.expect("reading the run").expect("the run exists")
    }

    /// Receives the messages of this run that are new since the last call.
    pub async fn receive(&self) -> Vec<QueueMessage> {
        let received = self.harness.receive(self.run).await;
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.extend(received.iter().cloned());
        received
    }

    /// Returns all messages received so far.
    pub fn history(&self) -> Vec<QueueMessage> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.clone()
    }

    /// Turns faults into those of a worker of this run.
    pub fn worker(&self, faults: Faults) -> Arc<Faults> {
        let faults = faults.counted_in(&self.in_flight);
        Arc::new(faults.recorded_in(&self.effects))
    }

    /// Calls a function with a message.
    pub async fn deliver(
        &self,
        message: &QueueMessage,
        faults: Faults,
    ) -> (DeliveryOutcome, Arc<Faults>) {
        let worker = self.worker(faults);
        let runner = worker.runner(&self.harness.runner());
        let work = match message {
            QueueMessage::Process(message) => runner.process(*message),
            QueueMessage::Chunk(message) => runner.write(message.clone()),
        };
        let outcome = match worker.run_until_crash(work).await {
            Some(Ok(())) => DeliveryOutcome::Acknowledged,
            Some(Err(error)) => DeliveryOutcome::Failed(error.to_string()),
            None => DeliveryOutcome::Crashed,
        };
        (outcome, worker)
    }

    /// Delivers a message to workers with faults until one is injected: on a busy machine a writer may run
    /// out of time before it sends the request in question.
    pub async fn deliver_until_injected(
        &self,
        message: &QueueMessage,
        faults: impl Fn() -> Faults,
    ) {
        let began = Instant::now();
        while !self.deliver(message, faults()).await.1.were_injected() {
            assert!(
                began.elapsed() < MAX_WAIT,
                "no fault was injected within {MAX_WAIT:?}"
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Delivers a message to a worker without faults, which must succeed.
    pub async fn deliver_without_faults(&self, message: &QueueMessage) {
        match self.deliver(message, Faults::none()).await.0 {
            DeliveryOutcome::Acknowledged => {}
            DeliveryOutcome::Failed(error) => panic!("{message:?} failed without faults: {error}"),
            DeliveryOutcome::Crashed => panic!("{message:?} crashed without faults"),
        }
    }

    /// Delivers the message of a chunk to workers without faults until the chunk is committed, with
    /// more than one worker if the first runs out of time.
    pub async fn write_chunk(&self, message: &QueueMessage) {
        let QueueMessage::Chunk(ChunkMessage { chunk, .. }) = message else {
            panic!("expected a chunk message, found {message:?}");
        };
        poll_until("the chunk is committed", async || {
            drop(self.deliver(message, Faults::none()).await);
            let store = &self.harness.stack.store;
            let row = store.chunks().get(&self.run, Round::Apply, *chunk).await;
            row.expect("reading the chunk")?.result.map(|_| ())
        })
        .await;
    }

    /// Sweeps all runs.
    pub async fn sweep(&self, faults: Faults) -> Arc<Faults> {
        let faults = faults.recorded_in(&self.effects);
        self.harness.sweep_with(faults).await
    }

    /// Sweeps all runs until messages of this one are sent.
    pub async fn sweep_until_resent(&self) -> Vec<QueueMessage> {
        let began = Instant::now();
        loop {
            self.sweep(Faults::none()).await;
            let sent = self.receive().await;
            if !sent.is_empty() {
                return sent;
            }
            assert!(
                began.elapsed() < MAX_WAIT,
                "its messages were not sent again within {MAX_WAIT:?}"
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Cancels the run; `None` if the function crashed.
    pub async fn cancel(&self, faults: Faults) -> Option<Result<CancelOutcome, StoreError>> {
        let worker = self.worker(faults);
        let runner = worker.runner(&self.harness.runner());
        let run = self.stored_run().await;
        let now = Timestamp::now();
        let cancelling = uploads::cancel(&runner.store, &runner.background, run, now);
        worker.run_until_crash(cancelling).await
    }

    /// Runs the processor without faults, and returns the messages of all chunks.
    pub async fn run_processor(&self) -> Vec<QueueMessage> {
        let messages = self.receive().await;
        assert!(
            !messages.is_empty(),
            "there is no message for the processor"
        );
        self.deliver_without_faults(&messages[0]).await;
        self.receive().await
    }

    /// Delivers messages and sweeps without faults until the run ends. Requests in flight may still
    /// arrive.
    pub async fn finish_without_faults(&self) -> Run {
        let began = Instant::now();
        loop {
            for message in self.receive().await {
                // It may fail because another worker still has time for its chunk.
                drop(self.deliver(&message, Faults::none()).await);
            }
            let run = self.stored_run().await;
            if run.state.is_terminal() {
                return run;
            }
            assert!(
                began.elapsed() < MAX_WAIT,
                "the run does not end without faults: {run:?}"
            );
            self.harness.sweep().await;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// [`for_each_request_on`] a stack of its own.
pub async fn for_each_request<R>(scenario: impl Fn(Arc<Harness>, usize) -> R)
where
    R: Future<Output = bool> + Send + 'static,
{
    for_each_request_on(&Harness::start().await, scenario).await;
}

/// Runs a scenario for each of these faults at each request of a worker, by number, on a stack for
/// each fault.
pub async fn for_each_fault_and_request<R>(
    faults: impl IntoIterator<Item = Fault>,
    scenario: impl Fn(Arc<Harness>, usize, Fault) -> R,
) where
    R: Future<Output = bool> + Send + 'static,
{
    let scenario = &scenario;
    let faults = faults.into_iter().map(|fault| {
        for_each_request(move |harness, number| scenario(harness, number, fault.clone()))
    });
    join_all(faults).await;
}

/// Runs a scenario for each request of a worker, by number, several at the same time. A scenario
/// returns false if the worker ends before that request; that ends the loop.
pub async fn for_each_request_on<R>(
    harness: &Arc<Harness>,
    scenario: impl Fn(Arc<Harness>, usize) -> R,
) where
    R: Future<Output = bool> + Send + 'static,
{
    // They spend most of their time waiting for the lease of a crashed worker to expire.
    const PARALLEL_SCENARIOS: usize = 8;
    let mut running = FuturesUnordered::new();
    let mut numbers = 0..;
    let mut reached = true;
    loop {
        while reached && running.len() < PARALLEL_SCENARIOS {
            let number = numbers.next().expect("numbers do not end");
            let scenario = tokio::spawn(scenario(Arc::clone(harness), number));
            running.push(scenario.map(move |ended| (number, ended)));
        }
        let Some((number, ended)) = running.next().await else {
            return;
        };
        reached &= ended.unwrap_or_else(|_| panic!("the scenario failed at request {number}"));
    }
}
