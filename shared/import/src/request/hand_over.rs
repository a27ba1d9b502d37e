//! The hand-over: a request that nears its deadline continues in the background
//! (protocol.md#hand-over). Its body becomes chunks, as an upload's does; what it has written so
//! far is recognised by its stamps. If the response to the hand-over is lost, the stored state
//! decides, and the request must not end the run.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::background::Work;
use muster_aws::runs::chunks::Round;
use muster_aws::runs::idempotency::{Answer, StoredAnswer};
use muster_aws::runs::{Chunked, Compression, Format, Job, NewRun};
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::reader::{Sizes, Source};
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::scan::{Chunk, ChunkSizes, FirstPass, split_into_chunks};

use super::outcome::accepted;
use crate::blocking;
use crate::deadline::Deadline;
use crate::run::chunks::{chunk_messages, put_chunk, put_repeated, random_name};
use crate::run::job::invalid_run;

/// Maximum chunks that are written concurrently; a body has about ten.
const MAX_CONCURRENT_CHUNK_WRITES: usize = 10;

/// The run that is handed over.
pub(crate) struct HandOver<'h> {
    pub(crate) store: &'h Store,
    pub(crate) background: &'h Background,
    pub(crate) deadline: Deadline,
    pub(crate) run: &'h NewRun,
    /// Version of the task's settings that the request used.
    pub(crate) settings_version: u64,
    /// Time at which the run acquired its task.
    pub(crate) acquired_at: Timestamp,
}

/// The result of a hand-over.
pub(crate) enum HandOverResult {
    /// The run continues in the background, and the client gets this response.
    Done(Answer),
    /// The run was not handed over: the request can still end it.
    NotStarted,
    /// The hand-over was refused or got no response: the request must not end the run.
    Unknown,
}

impl HandOver<'_> {
    /// Hands the run over in state `to`, planning or applying.
    pub(crate) async fn to(&self, to: State, rules: Arc<Rules>, body: Bytes) -> HandOverResult {
        let written = self
            .deadline
            .before_giving_up(self.write_chunks(rules, body));
        let chunked = match written.await {
            Some(Ok(chunked)) => chunked,
            Some(Err(error)) => {
                tracing::error!(%error, "failed to write the chunks of a hand-over");
                return HandOverResult::NotStarted;
            }
            None => {
                tracing::warn!("no time left to write the chunks of a hand-over");
                return HandOverResult::NotStarted;
            }
        };
        let mut job = Job::begun(None, Some(self.settings_version), self.acquired_at);
        job.chunked = Some(chunked);
        let response = accepted(&self.run.id);
        let kept = StoredAnswer::whole(&response);
        let now = Timestamp::now();
        let handed_over = self
            .store
            .task_locks()
            .hand_over(self.run, &job, to, &kept, now);
        match self.deadline.before_giving_up(handed_over).await {
            Some(Ok(true)) => {
                tracing::info!("import handed over to the background");
                self.queue_chunks(&job, to).await;
                HandOverResult::Done(response)
            }
            Some(Ok(false)) => {
                tracing::warn!("the hand-over was refused: the run has been ended or handed over");
                HandOverResult::Unknown
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the outcome of the hand-over is unknown");
                HandOverResult::Unknown
            }
            None => {
                tracing::error!("the hand-over timed out; its outcome is unknown");
                HandOverResult::Unknown
            }
        }
    }

    async fn write_chunks(&self, rules: Arc<Rules>, body: Bytes) -> Result<Chunked, StoreError> {
        let attempt = random_name();
        let cut = blocking::run(move || cut(&rules, &body)).await;
        // The body has been parsed once already: it is a JSON array.
        let (first_pass, chunks) =
            cut.ok_or_else(|| invalid_run("its body cannot be cut into chunks"))?;
        let (objects, run) = (&self.background.objects, &self.run.id);
        let writes: Vec<_> = chunks
            .iter()
            .map(|chunk| put_chunk(objects, run, &attempt, chunk))
            .collect();
        stream::iter(writes)
            .buffer_unordered(MAX_CONCURRENT_CHUNK_WRITES)
            .try_collect::<()>()
            .await?;
        put_repeated(self.store, &self.run.id, &attempt, &first_pass).await?;
        Ok(Chunked {
            attempt,
            chunks: first_pass.chunks,
            records: first_pass.counts.total,
        })
    }

    /// Queues the chunks while there is time; the sweeper queues the rest.
    async fn queue_chunks(&self, job: &Job, to: State) {
        let (Some(chunked), Some(round)) = (&job.chunked, Round::of(to)) else {
            return;
        };
        let chunks = 0..chunked.chunks;
        let messages = chunk_messages(self.run.id, chunked, round, chunks, Work::Write);
        let queues = &self.background.queues;
        let queued = async {
            queues.send_chunks(&self.run.tenant, &messages).await?;
            let now = Timestamp::now();
            self.store.runs().note_queued(&self.run.id, to, now).await
        };
        match self.deadline.before_giving_up(queued).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "failed to queue chunks; the sweeper will retry");
            }
            None => {
                tracing::warn!("no time left to queue chunks; the sweeper will");
            }
        }
    }
}

/// Cuts a body into chunks. Returns `None` if it does not parse.
fn cut(rules: &Rules, body: &Bytes) -> Option<(FirstPass, Vec<Chunk>)> {
    let source = Source::new(
        body.as_ref(),
        Format::Json,
        Compression::None,
        limits::MAX_EXPANDED_BYTES,
    );
    let mut chunks = Vec::new();
    let keep = |chunk| -> io::Result<()> {
        chunks.push(chunk);
        Ok(())
    };
    let key = rand::random();
    let first_pass = split_into_chunks(
        source,
        rules,
        Sizes::default(),
        ChunkSizes::default(),
        &key,
        keep,
    );
    first_pass.ok().map(|first_pass| (first_pass, chunks))
}
