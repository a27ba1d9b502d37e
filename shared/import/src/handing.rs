//! The hand-over: a request that nears its time goes on in the background (PROTOCOL §3.4). Its body
//! becomes chunks, as an upload's does; what it has written so far is found by its stamps. Whether
//! it was handed over, if no answer came, the store knows: nobody may end the run then.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::background::Work;
use muster_aws::keys::{Answer, KeptAnswer};
use muster_aws::rounds::Round;
use muster_aws::runs::{Chunked, Compression, Format, Job, NewRun};
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::reader::{Sizes, Source};
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::survey::{Chunk, ChunkSizes, Spooled, spool};

use crate::background::{broken, messages, random_name};
use crate::deadline::Deadline;
use crate::later::accepted;
use crate::processing::{put_chunk, put_repeated};

/// Chunks that are written at the same time; a body has about ten.
const AT_ONCE: usize = 10;

/// What is handed over.
pub(crate) struct HandOver<'h> {
    pub(crate) store: &'h Store,
    pub(crate) background: &'h Background,
    pub(crate) deadline: Deadline,
    pub(crate) run: &'h NewRun,
    /// The version of the task's settings that the request went by.
    pub(crate) settings_version: u64,
    /// When the run took its task.
    pub(crate) acquired_at: Timestamp,
}

/// What became of it.
pub(crate) enum HandedOver {
    /// The client gets this answer, and the run goes on.
    Done(Answer),
    /// It was not tried: the run can still be ended here.
    NotBegun,
    /// It was refused, or was not answered: the run is not ours to end.
    Unknown,
}

impl HandOver<'_> {
    /// Hands the run over, to be planned or applied.
    pub(crate) async fn to(&self, to: State, rules: Arc<Rules>, body: Bytes) -> HandedOver {
        let written = self
            .deadline
            .before_giving_up(self.write_chunks(rules, body));
        let chunked = match written.await {
            Some(Ok(chunked)) => chunked,
            Some(Err(error)) => {
                tracing::error!(import.id = %self.run.id, %error, "an import could not be handed over");
                return HandedOver::NotBegun;
            }
            None => return HandedOver::NotBegun,
        };
        let mut job = Job::begun(None, Some(self.settings_version), self.acquired_at);
        job.chunked = Some(chunked);
        let answer = accepted(&self.run.id);
        let kept = KeptAnswer::whole(&answer);
        let now = Timestamp::now();
        let handed = self.store.hand_over(self.run, &job, to, &kept, now);
        match self.deadline.before_giving_up(handed).await {
            Some(Ok(true)) => {
                tracing::info!(import.id = %self.run.id, "import was handed over");
                self.queue(&job, to).await;
                HandedOver::Done(answer)
            }
            Some(Ok(false)) => HandedOver::Unknown,
            Some(Err(error)) => {
                tracing::error!(import.id = %self.run.id, %error, "a hand-over was not answered");
                HandedOver::Unknown
            }
            None => HandedOver::Unknown,
        }
    }

    async fn write_chunks(&self, rules: Arc<Rules>, body: Bytes) -> Result<Chunked, StoreError> {
        let attempt = random_name();
        // It was read once before: it is a JSON array.
        let read = tokio::task::spawn_blocking(move || cut(&rules, &body)).await;
        let (spooled, chunks) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return Err(broken("its body cannot be cut into chunks")),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let (objects, run) = (&self.background.objects, &self.run.id);
        let writes: Vec<_> = chunks
            .iter()
            .map(|chunk| put_chunk(objects, run, &attempt, chunk))
            .collect();
        stream::iter(writes)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        put_repeated(self.store, &self.run.id, &attempt, &spooled).await?;
        Ok(Chunked {
            attempt,
            chunks: spooled.chunks,
            records: spooled.counts.total,
        })
    }

    /// Queues the chunks as long as there is time; the sweep queues what is left.
    async fn queue(&self, job: &Job, to: State) {
        let (Some(chunked), Some(round)) = (&job.chunked, Round::of(to)) else {
            return;
        };
        let chunks = 0..chunked.chunks;
        let messages = messages(self.run.id, chunked, round, chunks, Work::Write);
        let queues = &self.background.queues;
        let queued = async {
            queues.send_chunks(&self.run.tenant, &messages).await?;
            let now = Timestamp::now();
            self.store.note_queued(&self.run.id, to, now).await
        };
        match self.deadline.before_giving_up(queued).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(import.id = %self.run.id, %error, "chunks were not queued; the sweep queues them");
            }
            None => {
                tracing::warn!(import.id = %self.run.id, "no time was left to queue chunks; the sweep queues them");
            }
        }
    }
}

fn cut(rules: &Rules, body: &Bytes) -> Option<(Spooled, Vec<Chunk>)> {
    let source = Source::new(
        body.as_ref(),
        Format::Json,
        Compression::None,
        limits::EXPANDED_BYTES,
    );
    let mut chunks = Vec::new();
    let keep = |chunk| -> io::Result<()> {
        chunks.push(chunk);
        Ok(())
    };
    let key = rand::random();
    let spooled = spool(
        source,
        rules,
        Sizes::default(),
        ChunkSizes::default(),
        &key,
        keep,
    );
    spooled.ok().map(|spooled| (spooled, chunks))
}
