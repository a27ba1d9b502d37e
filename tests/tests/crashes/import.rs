//! An import on its way: who works on it, under which faults.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::runs::{Run, RunFilter, RunId};
use muster_aws::tasks::Task;
use muster_core::run::Counts;
use muster_import::uploads::{self, Cancel};
use muster_import::{Deadline, Outcome, SyncImport, SyncRequest, import, import_later};
use muster_tests::faults::{Applied, Faults, UnderWay};
use serde_json::Value;
use tokio::time::Instant;

use crate::file::File;
use crate::stage::{Letter, Stage, times};

/// After this a run without faults that has not ended never will, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Does something again and again until it gives an answer.
pub async fn patiently<T>(what: &str, mut again: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = again().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// What became of a delivery.
#[derive(Debug)]
pub enum Fate {
    /// The message is acknowledged.
    Done,
    /// It comes again.
    Failed(String),
    /// So it does.
    Died,
}

/// A run in the background. Cheap to clone.
#[derive(Clone)]
pub struct Import {
    pub stage: Arc<Stage>,
    pub task: Task,
    pub file: File,
    pub run: RunId,
    /// What was done in its name.
    pub applied: Applied,
    pub under_way: UnderWay,
    /// Every message there was.
    history: Arc<Mutex<Vec<Letter>>>,
}

/// The request of an import.
pub fn request(task: &Task, body: &Value, dry_run: bool) -> SyncRequest {
    SyncRequest {
        tenant: task.tenant.clone(),
        robot: "robot".to_owned(),
        task: task.settings.clone(),
        settings_version: task.version,
        body: body.to_string().into(),
        debug: false,
        dry_run,
        key: None,
    }
}

/// Imports within a request that nothing happens to.
pub async fn import_now(stage: &Stage, task: &Task, body: &Value) -> Counts {
    let request = request(task, body, false);
    let deadline = Deadline::start(times());
    let imported = import(
        &stage.stack.store,
        &stage.stack.background,
        deadline,
        request,
    )
    .await;
    match imported.expect("the store") {
        SyncImport::Ended {
            outcome: Outcome::Imported { counts, .. },
            ..
        } => counts,
        other => panic!("not imported: {other:?}"),
    }
}

/// All runs of a task.
pub async fn all_runs_of(stage: &Stage, task: &Task) -> Vec<Run> {
    let filter = RunFilter {
        task: Some(task.settings.id),
        ..RunFilter::default()
    };
    let store = &stage.stack.store;
    let page = store.list_runs(&task.tenant, &filter, None, 100, Timestamp::now());
    let runs = page.await.expect("the store").runs.into_iter();
    runs.map(|listed| listed.run).collect()
}

impl Import {
    /// A file whose users are as it says they are before, queued by a task of its own.
    pub async fn begin(stage: &Arc<Stage>, file: File) -> Self {
        let task = stage.task(0, |_| ()).await;
        Self::begin_by(stage, &task, file).await
    }

    pub async fn begin_by(stage: &Arc<Stage>, task: &Task, file: File) -> Self {
        import_now(stage, task, &file.before()).await;
        let queued = Self::queue(stage, task, &file, false, &Arc::new(Faults::none())).await;
        let run = queued.expect("nothing happens");
        Self::of(stage, task, file, run, &UnderWay::default())
    }

    pub fn of(
        stage: &Arc<Stage>,
        task: &Task,
        file: File,
        run: RunId,
        under_way: &UnderWay,
    ) -> Self {
        Self {
            stage: Arc::clone(stage),
            task: task.clone(),
            file,
            run,
            applied: Applied::default().by(run),
            under_way: under_way.clone(),
            history: Arc::default(),
        }
    }

    /// Sends the request; `None`: its client was not told of a run.
    pub async fn queue(
        stage: &Arc<Stage>,
        task: &Task,
        file: &File,
        dry_run: bool,
        faults: &Arc<Faults>,
    ) -> Option<RunId> {
        let runner = faults.runner(&stage.runner());
        let (request, deadline) = (
            request(task, &file.body(), dry_run),
            Deadline::start(times()),
        );
        let later = import_later(&runner.store, &runner.background, deadline, request);
        match faults.alive(later).await {
            Some(Ok(SyncImport::Queued { run, .. })) => Some(run),
            Some(Ok(SyncImport::Busy { .. }) | Err(_)) | None => None,
            Some(Ok(other)) => panic!("neither queued nor busy: {other:?}"),
        }
    }

    /// The runs in the background of a task, whoever was told of them.
    pub async fn runs_of(stage: &Stage, task: &Task) -> Vec<Run> {
        let mut runs = all_runs_of(stage, task).await;
        runs.retain(|run| run.job.is_some());
        runs
    }

    /// As it stands.
    pub async fn row(&self) -> Run {
        let run = self.stage.stack.store.get_run(&self.run, Timestamp::now());
        run.await.expect("the store").expect("the run")
    }

    /// Its messages that have come since somebody asked.
    pub async fn fetch(&self) -> Vec<Letter> {
        let fetched = self.stage.fetch(self.run).await;
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.extend(fetched.iter().cloned());
        fetched
    }

    /// Every message there was.
    pub fn history(&self) -> Vec<Letter> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.clone()
    }

    /// Faults, as one of its workers has them.
    pub fn meets(&self, faults: Faults) -> Arc<Faults> {
        Arc::new(faults.among(&self.under_way).noting(&self.applied))
    }

    /// Calls a function with a message.
    pub async fn deliver(&self, letter: &Letter, faults: Faults) -> (Fate, Arc<Faults>) {
        let faults = self.meets(faults);
        let runner = faults.runner(&self.stage.runner());
        let work = match letter {
            Letter::Process(message) => runner.process(*message),
            Letter::Chunk(message) => runner.write(message.clone()),
        };
        let fate = match faults.alive(work).await {
            Some(Ok(())) => Fate::Done,
            Some(Err(error)) => Fate::Failed(error.to_string()),
            None => Fate::Died,
        };
        (fate, faults)
    }

    /// Delivers a message to somebody to whom nothing happens.
    pub async fn deliver_calmly(&self, letter: &Letter) {
        match self.deliver(letter, Faults::none()).await.0 {
            Fate::Done => {}
            Fate::Failed(why) => panic!("{letter:?}: {why}"),
            Fate::Died => panic!("{letter:?}: died of nothing"),
        }
    }

    /// Looks after all runs.
    pub async fn sweep(&self, faults: Faults) -> Arc<Faults> {
        self.stage.sweep_under(faults.noting(&self.applied)).await
    }

    /// Looks after all runs until messages of this one are sent.
    pub async fn sent_again(&self) -> Vec<Letter> {
        patiently("it is sent again", async || {
            self.sweep(Faults::none()).await;
            Some(self.fetch().await).filter(|sent| !sent.is_empty())
        })
        .await
    }

    pub async fn cancel(&self, faults: Faults) -> Option<Result<Cancel, StoreError>> {
        let faults = self.meets(faults);
        let runner = faults.runner(&self.stage.runner());
        let run = self.row().await;
        let now = Timestamp::now();
        faults
            .alive(uploads::cancel(&runner.store, &runner.background, run, now))
            .await
    }

    /// The processor does its work: the messages of all chunks.
    pub async fn checked(&self) -> Vec<Letter> {
        let letters = self.fetch().await;
        assert!(!letters.is_empty(), "no message for the processor");
        self.deliver_calmly(&letters[0]).await;
        self.fetch().await
    }

    /// Nothing happens any more, but for what is under way: messages are delivered, the sweep comes,
    /// and the run ends.
    pub async fn end_calmly(&self) -> Run {
        let began = Instant::now();
        loop {
            for letter in self.fetch().await {
                // What stands in the way of one is somebody else who still has time.
                drop(self.deliver(&letter, Faults::none()).await);
            }
            let run = self.row().await;
            if run.state.is_terminal() {
                return run;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "without faults it does not end: {run:?}"
            );
            self.stage.sweep().await;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// [`at_every_request_of`] a stage of its own.
pub async fn at_every_request<R>(scenario: impl Fn(Arc<Stage>, usize) -> R)
where
    R: Future<Output = bool> + Send + 'static,
{
    at_every_request_of(&Stage::start().await, scenario).await;
}

/// Does a scenario for each request of a worker, several at once; `false`: the worker ends before
/// that request.
pub async fn at_every_request_of<R>(stage: &Arc<Stage>, scenario: impl Fn(Arc<Stage>, usize) -> R)
where
    R: Future<Output = bool> + Send + 'static,
{
    // Most of their time they wait for the one that died to be given up.
    const AT_ONCE: usize = 8;
    for first in (0..).step_by(AT_ONCE) {
        let numbers = first..first + AT_ONCE;
        let running: Vec<_> = numbers
            .map(|number| tokio::spawn(scenario(Arc::clone(stage), number)))
            .collect();
        let mut reached = true;
        for (number, scenario) in (first..).zip(running) {
            let ended = scenario.await;
            reached &= ended.unwrap_or_else(|_| panic!("at request {number}"));
        }
        if !reached {
            return;
        }
    }
}
