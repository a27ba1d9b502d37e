//! The processor: reads an upload of any size and cuts it into chunks.
//!
//! No chunk may be worked on before the whole upload has been read: data that do not parse change
//! nothing (protocol.md#checking). Each attempt has a unique name; if two processors read the same
//! upload, one conditional write decides whose chunks the run uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::background::{ObjectVersion, ProcessMessage};
use muster_aws::runs::{Chunked, Job, ReadProgress, Run, RunId};
use muster_core::reader::{SentAs, Sizes, Source, SourceError};
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::scan::{Chunk, ChunkSizes, FirstPass, split_into_chunks};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::complete_round::{EndCause, RoundTotals};
use super::runner::Runner;
use crate::records::threshold::in_effect;
use crate::run::chunks::{MAX_CONCURRENT_CHUNK_WRITES, put_chunk, put_repeated, random_name};
use crate::run::processor_queue::object_key;
use crate::times::whole_millis;
use crate::{blocking, span};

mod object;
mod refusal;

use self::object::{FetchError, ObjectReader, fetch};
use self::refusal::refusal_message;

/// Maximum chunks that wait to be written.
const MAX_WAITING_CHUNKS: usize = 2;

/// The result of an attempt to check an upload.
enum Attempt {
    /// All of it was read; the run enters this state.
    Checked(Chunked, State),
    /// It cannot be imported, for this reason.
    Refused(String),
    /// The run is no longer being checked.
    Superseded,
}

/// The result of reading an upload.
enum ReadResult {
    /// All of it was read, and its chunks were written under this attempt's name.
    Read {
        first_pass: Box<FirstPass>,
        attempt: String,
    },
    /// It cannot be imported, for this reason.
    Refused(String),
}

/// The object of an upload, as an attempt found it.
enum PinnedObject {
    /// The object that every attempt reads.
    Object(ObjectVersion),
    /// The upload cannot be imported, for this reason.
    Refused(String),
    /// The run is no longer being checked.
    Superseded,
}

/// The progress of an attempt.
#[derive(Default)]
struct Meter {
    bytes: AtomicU64,
    records: AtomicU64,
}

impl Meter {
    fn read(&self) -> ReadProgress {
        ReadProgress {
            bytes: self.bytes.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
        }
    }
}

impl Runner {
    /// Checks the upload that a message names, and queues its chunks. Invalid data are not an
    /// error: they end the run.
    ///
    /// # Errors
    /// Returns an error if a request to the tables, the bucket or a queue fails. The message must
    /// be redelivered then.
    pub fn process(&self, message: ProcessMessage) -> BoxFuture<'_, Result<(), StoreError>> {
        let span = span::import_by_id(&message.run);
        // Boxed, because the futures of one attempt nest deeply.
        self.process_one(message).instrument(span).boxed()
    }

    async fn process_one(&self, message: ProcessMessage) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let Some(run) = self.store.runs().begin_checking(&message.run, now).await? else {
            return self.resume(&message.run).await;
        };
        span::record_task(run.task);
        let Some(job) = run.job.clone() else {
            return Ok(());
        };
        if job.attempts > self.times.process_tries {
            return self
                .end(&run, RoundTotals::default(), EndCause::Unreadable)
                .await;
        }
        tracing::info!(
            bytes = run.size,
            attempt = job.attempts,
            "started to check an upload"
        );
        let started = Instant::now();
        match self.attempt(&run, &job).boxed().await? {
            Attempt::Refused(error) => {
                let cause = EndCause::Refused(vec![error]);
                self.end(&run, RoundTotals::default(), cause).await
            }
            Attempt::Checked(chunked, to) => self.advance(&run, job, chunked, to, started).await,
            Attempt::Superseded => self.resume(&run.id).await,
        }
    }

    /// Handles a late message: the run is past its check, but its chunks may not have been queued
    /// or its round may not have been completed.
    async fn resume(&self, run: &RunId) -> Result<(), StoreError> {
        match self.store.runs().get(run, Timestamp::now()).await? {
            Some(run) if run.state == State::Planning || run.state == State::Applying => {
                self.queue_round(&run).await
            }
            Some(run) => self.complete_round(&run).await,
            None => Ok(()),
        }
    }

    /// Advances a run whose data were read since `started` to its next state.
    async fn advance(
        &self,
        run: &Run,
        job: Job,
        chunked: Chunked,
        to: State,
        started: Instant,
    ) -> Result<(), StoreError> {
        let Chunked {
            chunks, records, ..
        } = chunked;
        if chunks == 0 {
            return self.end(run, RoundTotals::default(), EndCause::Done).await;
        }
        let job = Job {
            chunked: Some(chunked),
            ..job
        };
        let advanced = self
            .store
            .runs()
            .advance(run, to, &job, Timestamp::now())
            .await?;
        if !advanced {
            return self.resume(&run.id).await;
        }
        let duration_ms = whole_millis(started.elapsed());
        tracing::info!(
            bytes = run.size,
            records,
            chunks,
            duration_ms,
            "upload checked"
        );
        let advanced = Run {
            state: to,
            job: Some(job),
            ..run.clone()
        };
        self.queue_round(&advanced).await
    }

    async fn attempt(&self, run: &Run, job: &Job) -> Result<Attempt, StoreError> {
        let (settings, rules) = self.settings(run).await?;
        let object = match self.pin_object(run, job).await? {
            PinnedObject::Object(object) => object,
            PinnedObject::Refused(error) => return Ok(Attempt::Refused(error)),
            PinnedObject::Superseded => return Ok(Attempt::Superseded),
        };
        let meter = Arc::new(Meter::default());
        let reading = self.read(run, job, &object, Arc::new(rules), &meter);
        let (first_pass, attempt) = tokio::select! {
            read = reading => match read? {
                ReadResult::Read { first_pass, attempt } => (first_pass, attempt),
                ReadResult::Refused(error) => return Ok(Attempt::Refused(error)),
            },
            () = self.send_heartbeats(run, &meter) => return Ok(Attempt::Superseded),
        };
        let needs_plan = in_effect(&settings, run.threshold_overridden)
            .is_some_and(|threshold| threshold.needs_plan(first_pass.bounds));
        let planned_first = run.dry_run || needs_plan;
        let to = if planned_first {
            State::Planning
        } else {
            State::Applying
        };
        let chunked = Chunked {
            attempt,
            chunks: first_pass.chunks,
            records: first_pass.counts.total,
        };
        Ok(Attempt::Checked(chunked, to))
    }

    /// Writes heartbeats until the run is no longer being checked.
    async fn send_heartbeats(&self, run: &Run, meter: &Meter) {
        loop {
            tokio::time::sleep(self.times.heartbeat).await;
            let noted = self
                .store
                .runs()
                .note_read(&run.id, meter.read(), Timestamp::now());
            match noted.await {
                Ok(true) => {}
                Ok(false) => return,
                // After too many missed heartbeats the sweeper queues the run again, which is
                // harmless.
                Err(error) => tracing::warn!(%error, "failed to write a heartbeat"),
            }
        }
    }

    /// Reads the object and writes its chunks.
    async fn read(
        &self,
        run: &Run,
        job: &Job,
        object: &ObjectVersion,
        rules: Arc<Rules>,
        meter: &Arc<Meter>,
    ) -> Result<ReadResult, StoreError> {
        let refused = |reason: &str| Ok(ReadResult::Refused(reason.to_owned()));
        let Some(source) = &job.source else {
            return refused("the import has no data");
        };
        let attempt = random_name();
        let key = object_key(&run.id);
        let (ranges, reader) = object::channel(object);
        let sha256 = reader.sha256();
        let (chunks, waiting) = mpsc::channel(MAX_WAITING_CHUNKS);
        let (format, compression) = (source.format, source.compression);
        let sent_as = match source.upload {
            Some(_) => SentAs::Upload,
            None => SentAs::Request,
        };
        let reading = {
            let meter = Arc::clone(meter);
            let (max_expanded, sizes) = (self.max_expanded_bytes, self.chunk_sizes);
            blocking::run(move || {
                let source = Source::new(reader, format, compression, max_expanded);
                read_all(source, &rules, sizes, &chunks, &meter)
            })
        };
        let (fetched, written, first_pass) = tokio::join!(
            fetch(&self.background.objects, &key, object, ranges),
            self.write_chunks(run, &attempt, waiting),
            reading,
        );
        match fetched {
            Err(FetchError::Store(error)) => return Err(error),
            Err(FetchError::Replaced) => {
                return refused(
                    "the uploaded file was replaced while it was read; nothing was imported, \
                     upload it again",
                );
            }
            // The reader stopped early; `first_pass` has the reason.
            Err(FetchError::ReaderDropped) | Ok(()) => {}
        }
        written?;
        let first_pass = match first_pass {
            Ok(first_pass) => first_pass,
            Err(error) => return Ok(ReadResult::Refused(refusal_message(&error, sent_as))),
        };
        if let Some(announced) = &source.sha256
            && sha256.get() != Some(announced)
        {
            return refused(
                "the uploaded file does not match the announced SHA-256: it was damaged in \
                 transit, or is a different file; nothing was imported: upload it again",
            );
        }
        put_repeated(&self.store, &run.id, &attempt, &first_pass).await?;
        Ok(ReadResult::Read {
            first_pass: Box::new(first_pass),
            attempt,
        })
    }

    async fn write_chunks(
        &self,
        run: &Run,
        attempt: &str,
        waiting: mpsc::Receiver<Chunk>,
    ) -> Result<(), StoreError> {
        stream::unfold(waiting, |mut waiting| async move {
            let chunk = waiting.recv().await?;
            Some((chunk, waiting))
        })
        .map(|chunk| async move {
            put_chunk(&self.background.objects, &run.id, attempt, &chunk).await
        })
        .buffer_unordered(MAX_CONCURRENT_CHUNK_WRITES)
        .try_collect()
        .await
    }

    /// Combines the upload's parts into one object, unless that is done, and pins it.
    async fn pin_object(&self, run: &Run, job: &Job) -> Result<PinnedObject, StoreError> {
        if let Some(object) = &job.object {
            return Ok(PinnedObject::Object(object.clone()));
        }
        let (objects, key) = (&self.background.objects, object_key(&run.id));
        let upload = job
            .source
            .as_ref()
            .and_then(|source| source.upload.as_ref());
        // If the parts are gone, another processor has combined them.
        if let Some(upload) = upload
            && let Some(parts) = objects.all_parts(&key, &upload.id).await?
        {
            objects.complete_upload(&key, &upload.id, &parts).await?;
        }
        let Some(object) = objects.head(&key).await? else {
            return Ok(PinnedObject::Refused(
                "the uploaded file does not exist any more; upload it again".to_owned(),
            ));
        };
        if object.size != run.size {
            return Ok(PinnedObject::Refused(format!(
                "the uploaded file has the wrong size: expected {} bytes, found {}; nothing was \
                 imported: upload it again",
                run.size, object.size
            )));
        }
        let pinned = self.store.runs().pin_object(&run.id, &object).await?;
        let pinned = pinned.and_then(|run| run.job?.object);
        Ok(pinned.map_or(PinnedObject::Superseded, PinnedObject::Object))
    }
}

/// Reads all of an upload, and sends its chunks to be written. Blocks.
fn read_all(
    source: Source<ObjectReader>,
    rules: &Rules,
    sizes: ChunkSizes,
    chunks: &mpsc::Sender<Chunk>,
    meter: &Meter,
) -> Result<FirstPass, SourceError> {
    let key = rand::random();
    split_into_chunks(source, rules, Sizes::default(), sizes, &key, |chunk| {
        meter.bytes.store(chunk.sent, Ordering::Relaxed);
        let records = chunk.first - 1 + u64::from(chunk.records);
        meter.records.store(records, Ordering::Relaxed);
        let sent = chunks.blocking_send(chunk);
        sent.map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    })
}
