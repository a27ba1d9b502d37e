//! What the processor, the writers and the sweeper have in common.

use jiff::Timestamp;
use muster_aws::background::Work;
use muster_aws::runs::chunks::Round;
use muster_aws::runs::{Job, NewRun, Run};
use muster_aws::{Account, Background, BackgroundConfig, Config, ConfigError, Store, StoreError};
use muster_core::limits;
use muster_core::rules::Rules;
use muster_core::scan::ChunkSizes;
use muster_core::settings::TaskSettings;

use crate::Times;
use crate::run::chunks::chunk_messages;
use crate::run::context::RunContext;
use crate::run::job::{chunked, invalid_run};

/// Works on runs in the background.
#[derive(Debug, Clone)]
pub struct Runner {
    /// The tables.
    pub store: Store,
    /// The bucket and the queues.
    pub background: Background,
    /// Time limits and attempt limits.
    pub times: Times,
    /// Maximum bytes of an unpacked upload; see [`muster_core::limits::MAX_EXPANDED_BYTES`].
    pub max_expanded_bytes: u64,
    /// The sizes of chunks: a setting, so that a few records can be many chunks in tests.
    pub chunk_sizes: ChunkSizes,
}

impl Runner {
    /// Reads the environment and creates the clients. Does not connect yet.
    ///
    /// # Errors
    /// Returns an error that names the first variable that is missing or invalid.
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
            max_expanded_bytes: limits::MAX_EXPANDED_BYTES,
            chunk_sizes: ChunkSizes::default(),
        })
    }

    /// Returns the settings of a run: the version of its task that was current when it began.
    pub(super) async fn settings(&self, run: &Run) -> Result<(TaskSettings, Rules), StoreError> {
        let version = run.job.as_ref().and_then(|job| job.settings_version);
        let version =
            version.ok_or_else(|| invalid_run("it does not name the version of its task"))?;
        let settings = self.store.tasks().settings_at(run.task, version).await?;
        let settings =
            settings.ok_or_else(|| invalid_run("the version of its task does not exist"))?;
        let rules = Rules::new(&settings)
            .map_err(|_| invalid_run("the settings of its task are incomplete"))?;
        Ok((settings, rules))
    }

    /// Returns the context of writes on behalf of a run; `new_run` is the same run.
    pub(super) fn context<'r>(&self, run: &Run, new_run: &'r NewRun) -> RunContext<'r> {
        let now = Timestamp::now();
        let acquired_at = run.job.as_ref().map_or(now, |job| job.acquired_at);
        RunContext::new(new_run, acquired_at, now, self.times)
    }

    /// Returns true if a run has taken so long that no further work on it may start.
    pub(super) fn is_overdue(&self, job: &Job, now: Timestamp) -> bool {
        has_elapsed(job.acquired_at, self.times.run_over, now)
    }

    /// Queues chunks for the current round of a run.
    pub(super) async fn queue_chunks(
        &self,
        run: &Run,
        chunks: impl IntoIterator<Item = u32>,
        work: Work,
    ) -> Result<(), StoreError> {
        let (Some((_, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(());
        };
        let messages = chunk_messages(run.id, chunked, round, chunks, work);
        let queues = &self.background.queues;
        queues.send_chunks(&run.tenant, &messages).await
    }

    /// Queues all chunks that nobody has started, of a run that has just entered a round, or whose
    /// messages may not have been sent.
    pub(super) async fn queue_round(&self, run: &Run) -> Result<(), StoreError> {
        let (Some((_, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(());
        };
        let started = self
            .store
            .chunks()
            .list(&run.id, round, 0, usize::MAX)
            .await?;
        let waiting = (0..chunked.chunks).filter(|chunk| !started.contains_key(chunk));
        self.queue_chunks(run, waiting, Work::Write).await?;
        let now = Timestamp::now();
        self.store.runs().note_queued(&run.id, run.state, now).await
    }
}

/// Returns true if `duration` has passed since `since`; [`Timestamp::MIN`] stands for never.
pub(super) fn has_elapsed(since: Timestamp, duration: std::time::Duration, now: Timestamp) -> bool {
    since.checked_add(duration).is_ok_and(|until| until <= now) || since == Timestamp::MIN
}
