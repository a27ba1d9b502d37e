//! Runs in the background: what the processor, the writers and the sweep have in common. Each of
//! them may die at any instruction and be there twice; what they may do to a run is decided by its
//! rows, never by a message (PROTOCOL §10).

use muster_aws::background::{ChunkMessage, Work};
use muster_aws::rounds::Round;
use muster_aws::runs::{Chunked, Job, NewRun, Run, RunId};
use muster_aws::{Account, Background, BackgroundConfig, Config, ConfigError, Store, StoreError};
use muster_core::limits;
use muster_core::rules::Rules;
use muster_core::settings::TaskSettings;
use muster_core::survey::ChunkSizes;

use crate::Times;

/// What works on runs in the background.
#[derive(Debug, Clone)]
pub struct Runner {
    /// The tables.
    pub store: Store,
    /// The bucket and the queues.
    pub background: Background,
    /// How long things take at most.
    pub times: Times,
    /// Bytes that an upload may have when it is unpacked; see
    /// [`muster_core::limits::EXPANDED_BYTES`].
    pub most_expanded: u64,
    /// How large chunks become: a setting, so that a few records can be many chunks in tests.
    pub chunk_sizes: ChunkSizes,
}

/// The object with a chunk.
pub(crate) fn chunk_key(run: &RunId, attempt: &str, chunk: u32) -> String {
    format!("runs/{run}/{attempt}/{chunk}.json")
}

/// A name that nobody else has: of an attempt, or of who works on a chunk.
pub(crate) fn random_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The messages of chunks.
pub(crate) fn messages(
    run: RunId,
    chunked: &Chunked,
    round: Round,
    chunks: impl IntoIterator<Item = u32>,
    work: Work,
) -> Vec<ChunkMessage> {
    let message = |chunk| ChunkMessage {
        run,
        attempt: chunked.attempt.clone(),
        round,
        chunk,
        work,
    };
    chunks.into_iter().map(message).collect()
}

/// The run as those know it who write in its name.
pub(crate) fn writing_as(run: &Run) -> NewRun {
    NewRun {
        id: run.id,
        tenant: run.tenant.clone(),
        task: run.task,
        robot: run.robot.clone(),
        size: run.size,
        dry_run: run.dry_run,
        // A run in the background has answered its key.
        key: None,
    }
}

/// What a run in the background remembers, and its chunks.
pub(crate) fn chunked(run: &Run) -> Option<(&Job, &Chunked)> {
    let job = run.job.as_ref()?;
    Some((job, job.chunked.as_ref()?))
}

/// Whether a run began within a request: any of its chunks may have been begun with there.
pub(crate) fn was_handed_over(run: &Run) -> bool {
    run.job.as_ref().is_some_and(|job| job.source.is_none())
}

pub(crate) fn broken(reason: &str) -> StoreError {
    StoreError::Row {
        row: "a run",
        reason: reason.to_owned(),
    }
}

impl Runner {
    /// Reads the environment and makes the clients. Connects to nothing yet.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let account = Account::from_env()?;
        let (config, background) = (
            Config::from_env(&account)?,
            BackgroundConfig::from_env(&account)?,
        );
        Ok(Self {
            store: Store::connect(&config).await,
            background: Background::connect(&background).await,
            times: Times::from_env()?,
            most_expanded: limits::EXPANDED_BYTES,
            chunk_sizes: ChunkSizes::default(),
        })
    }

    /// The settings that a run goes by, as they were when it began.
    pub(crate) async fn settings(&self, run: &Run) -> Result<(TaskSettings, Rules), StoreError> {
        let version = run.job.as_ref().and_then(|job| job.settings_version);
        let version = version.ok_or_else(|| broken("it names no version of its task"))?;
        let settings = self.store.settings_of(run.task, version).await?;
        let settings = settings.ok_or_else(|| broken("the version of its task is gone"))?;
        let rules =
            Rules::new(&settings).map_err(|_| broken("its task's settings have no rules"))?;
        Ok((settings, rules))
    }

    /// Queues chunks of the round that a run is in.
    pub(crate) async fn queue(
        &self,
        run: &Run,
        chunks: impl IntoIterator<Item = u32>,
        work: Work,
    ) -> Result<(), StoreError> {
        let (Some((_, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(());
        };
        let messages = messages(run.id, chunked, round, chunks, work);
        let queues = &self.background.queues;
        queues.send_chunks(&run.tenant, &messages).await
    }

    /// Queues all chunks of a run that has just come into a round, or of which nobody knows
    /// whether they are queued: those that nobody has begun with.
    pub(crate) async fn queue_round(&self, run: &Run) -> Result<(), StoreError> {
        let (Some((_, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(());
        };
        let begun = self.store.chunks(&run.id, round, 0, usize::MAX).await?;
        let waiting = (0..chunked.chunks).filter(|chunk| !begun.contains_key(chunk));
        self.queue(run, waiting, Work::Write).await?;
        let now = jiff::Timestamp::now();
        self.store.note_queued(&run.id, run.state, now).await
    }
}
