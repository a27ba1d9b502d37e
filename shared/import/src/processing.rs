//! The processor: reads an upload to its end, however large, and makes chunks of it. Only when the
//! whole of it has been read may a chunk be worked on: data that do not parse change nothing
//! (PROTOCOL §4). Each attempt has a name of its own; of two processors one names its chunks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::background::{Object, Objects, ProcessMessage};
use muster_aws::runs::{Chunked, Job, Read, Run, RunId};
use muster_aws::{Store, StoreError};
use muster_core::reader::{Sizes, Source, SourceError};
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::survey::{Chunk, ChunkSizes, Spooled, spool};
use tokio::sync::mpsc;

use crate::background::{Runner, chunk_key, random_name};
use crate::settling::{Cause, Totals};
use crate::times::whole_millis;
use crate::uploads::object_key;

mod object;

use self::object::{Fetched, Unfetched, fetch, fetching};

/// Chunks that wait to be written.
const WAITING: usize = 2;
/// Chunks, and rows of what is repeated, that are written at the same time.
const AT_ONCE: usize = 4;

/// What an attempt came to.
enum Attempt {
    /// All of it was read.
    Read(Chunked, State),
    /// It cannot be imported, and why.
    Refused(String),
    /// The run is not being checked any more.
    Late,
}

/// How far an attempt has come.
#[derive(Default)]
struct Meter {
    bytes: AtomicU64,
    records: AtomicU64,
}

impl Meter {
    fn read(&self) -> Read {
        Read {
            bytes: self.bytes.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
        }
    }
}

impl Runner {
    /// Checks the upload that a message names, and queues its chunks. Whatever the data are, that
    /// is no error: it is how the run ends.
    ///
    /// # Errors
    /// What the tables, the bucket or a queue say; the message is to be delivered again then.
    pub fn process(&self, message: ProcessMessage) -> BoxFuture<'_, Result<(), StoreError>> {
        // Boxed, as the futures of one attempt nest deeply.
        self.process_one(message).boxed()
    }

    async fn process_one(&self, message: ProcessMessage) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let Some(run) = self.store.begin_checking(&message.run, now).await? else {
            return self.look_after(&message.run).await;
        };
        let Some(job) = run.job.clone() else {
            return Ok(());
        };
        if job.tries > self.times.process_tries {
            return self.end(&run, Totals::default(), Cause::Unreadable).await;
        }
        let id = run.id;
        tracing::info!(import.id = %id, task.id = run.task, bytes = run.size, tries = job.tries, "checking an upload");
        let began = Instant::now();
        match self.attempt(&run, &job).boxed().await? {
            Attempt::Refused(error) => {
                let cause = Cause::Refused(error);
                self.end(&run, Totals::default(), cause).await
            }
            Attempt::Read(chunked, to) => self.enter(&run, job, chunked, to, began).await,
            Attempt::Late => self.look_after(&id).await,
        }
    }

    /// A message that came late: the run may still want to be looked after.
    async fn look_after(&self, run: &RunId) -> Result<(), StoreError> {
        match self.store.get_run(run, Timestamp::now()).await? {
            Some(run) if run.state == State::Planning || run.state == State::Applying => {
                self.queue_round(&run).await
            }
            Some(run) => self.settle(&run).await,
            None => Ok(()),
        }
    }

    /// Takes a run whose data were read from `began` on to its next state.
    async fn enter(
        &self,
        run: &Run,
        job: Job,
        chunked: Chunked,
        to: State,
        began: Instant,
    ) -> Result<(), StoreError> {
        let Chunked {
            chunks, records, ..
        } = chunked;
        if chunks == 0 {
            return self.end(run, Totals::default(), Cause::Done).await;
        }
        let job = Job {
            chunked: Some(chunked),
            ..job
        };
        let advanced = self.store.advance(run, to, &job, Timestamp::now()).await?;
        if !advanced {
            return self.look_after(&run.id).await;
        }
        let duration_ms = whole_millis(began.elapsed());
        tracing::info!(import.id = %run.id, task.id = run.task, bytes = run.size, records, chunks, duration_ms, "an upload was checked");
        let entered = Run {
            state: to,
            job: Some(job),
            ..run.clone()
        };
        self.queue_round(&entered).await
    }

    async fn attempt(&self, run: &Run, job: &Job) -> Result<Attempt, StoreError> {
        let (settings, rules) = self.settings(run).await?;
        let object = match self.object(run, job).await? {
            Pinned::Object(object) => object,
            Pinned::Refused(error) => return Ok(Attempt::Refused(error)),
            Pinned::Late => return Ok(Attempt::Late),
        };
        let meter = Arc::new(Meter::default());
        let reading = self.read(run, job, &object, Arc::new(rules), &meter);
        let (spooled, attempt) = tokio::select! {
            read = reading => match read? {
                Ok(read) => read,
                Err(error) => return Ok(Attempt::Refused(error)),
            },
            () = self.beat(run, &meter) => return Ok(Attempt::Late),
        };
        let planned_first = run.dry_run || settings.safety_threshold.is_some();
        let to = if planned_first {
            State::Planning
        } else {
            State::Applying
        };
        let chunked = Chunked {
            attempt,
            chunks: spooled.chunks,
            records: spooled.counts.total,
        };
        Ok(Attempt::Read(chunked, to))
    }

    /// Says that this processor is at work, until nobody wants to hear it any more.
    async fn beat(&self, run: &Run, meter: &Meter) {
        loop {
            tokio::time::sleep(self.times.heartbeat).await;
            let noted = self
                .store
                .note_read(&run.id, meter.read(), Timestamp::now());
            match noted.await {
                Ok(true) => {}
                Ok(false) => return,
                // Whoever misses it sends for another processor; no harm is done.
                Err(error) => {
                    tracing::warn!(import.id = %run.id, %error, "a heartbeat was not written");
                }
            }
        }
    }

    /// Reads the object and writes its chunks. `Err` within: why it cannot be imported.
    async fn read(
        &self,
        run: &Run,
        job: &Job,
        object: &Object,
        rules: Arc<Rules>,
        meter: &Arc<Meter>,
    ) -> Result<Result<(Spooled, String), String>, StoreError> {
        let Some(source) = &job.source else {
            return Ok(Err("the run names no data".to_owned()));
        };
        let attempt = random_name();
        let key = object_key(&run.id);
        let (ranges, fetched) = fetching(object);
        let sha256 = fetched.sha256();
        let (chunks, waiting) = mpsc::channel(WAITING);
        let (format, compression) = (source.format, source.compression);
        let reading = {
            let meter = Arc::clone(meter);
            let (most, sizes) = (self.most_expanded, self.chunk_sizes);
            tokio::task::spawn_blocking(move || {
                let source = Source::new(fetched, format, compression, most);
                read_all(source, &rules, sizes, &chunks, &meter)
            })
        };
        let (fetched, written, read) = tokio::join!(
            fetch(&self.background.objects, &key, object, ranges),
            self.write_chunks(run, &attempt, waiting),
            reading,
        );
        let spooled = match read {
            Ok(read) => read,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        match fetched {
            Err(Unfetched::Store(error)) => return Err(error),
            Err(Unfetched::Moved) => {
                return Ok(Err("the uploaded file was replaced while it was read; nothing was imported, upload it again".to_owned()));
            }
            // It stopped in the middle, and says why.
            Err(Unfetched::Unread) | Ok(()) => {}
        }
        written?;
        let spooled = match spooled {
            Ok(spooled) => spooled,
            Err(error) => return Ok(Err(refusal(&error))),
        };
        if let Some(announced) = &source.sha256
            && sha256.get() != Some(announced)
        {
            return Ok(Err("the SHA-256 of the uploaded file is not the one that was announced: it was damaged on its way, or is another file; nothing was imported, upload it again".to_owned()));
        }
        put_repeated(&self.store, &run.id, &attempt, &spooled).await?;
        Ok(Ok((spooled, attempt)))
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
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
    }

    /// Makes one object of the upload's parts, unless that is done, and pins it.
    async fn object(&self, run: &Run, job: &Job) -> Result<Pinned, StoreError> {
        if let Some(object) = &job.object {
            return Ok(Pinned::Object(object.clone()));
        }
        let (objects, key) = (&self.background.objects, object_key(&run.id));
        let upload = job
            .source
            .as_ref()
            .and_then(|source| source.upload.as_ref());
        if let Some(upload) = upload
            && let Some(parts) = objects.all_parts(&key, &upload.id).await?
        {
            // That it is gone by now means that another processor did so.
            objects.complete_upload(&key, &upload.id, &parts).await?;
        }
        let Some(object) = objects.head(&key).await? else {
            return Ok(Pinned::Refused(
                "the uploaded file is gone; upload it again".to_owned(),
            ));
        };
        if object.size != run.size {
            return Ok(Pinned::Refused(format!(
                "the uploaded file has {} bytes, {} were announced; nothing was imported, upload it again",
                object.size, run.size
            )));
        }
        let pinned = self.store.pin_object(&run.id, &object).await?;
        let pinned = pinned.and_then(|run| run.job?.object);
        Ok(pinned.map_or(Pinned::Late, Pinned::Object))
    }
}

/// What is there to be read.
enum Pinned {
    Object(Object),
    /// Nothing that could be imported, and why.
    Refused(String),
    /// The run is not being checked any more.
    Late,
}

/// Everything is read on a thread of its own.
fn read_all(
    source: Source<Fetched>,
    rules: &Rules,
    sizes: ChunkSizes,
    chunks: &mpsc::Sender<Chunk>,
    meter: &Meter,
) -> Result<Spooled, SourceError> {
    let key = rand::random();
    spool(source, rules, Sizes::default(), sizes, &key, |chunk| {
        meter.bytes.store(chunk.sent, Ordering::Relaxed);
        let behind = chunk.first - 1 + u64::from(chunk.records);
        meter.records.store(behind, Ordering::Relaxed);
        let sent = chunks.blocking_send(chunk);
        sent.map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    })
}

/// Puts a chunk into the bucket.
pub(crate) async fn put_chunk(
    objects: &Objects,
    run: &RunId,
    attempt: &str,
    chunk: &Chunk,
) -> Result<(), StoreError> {
    let key = chunk_key(run, attempt, chunk.number);
    objects.put(&key, encode(chunk)).await
}

/// A chunk as it stands in the bucket: the number of its first record, then its text.
fn encode(chunk: &Chunk) -> Bytes {
    let mut bytes = format!("{}\n", chunk.first).into_bytes();
    bytes.extend_from_slice(&chunk.text);
    bytes.into()
}

/// Takes a chunk as it stands in the bucket apart.
pub(crate) fn decode(chunk: &Bytes) -> Option<(u64, Bytes)> {
    let end = chunk.iter().position(|byte| *byte == b'\n')?;
    let first = std::str::from_utf8(chunk.get(..end)?).ok()?.parse().ok()?;
    Some((first, chunk.slice(end + 1..)))
}

/// Puts down which records came before, chunk by chunk.
pub(crate) async fn put_repeated(
    store: &Store,
    run: &RunId,
    attempt: &str,
    spooled: &Spooled,
) -> Result<(), StoreError> {
    let now = Timestamp::now();
    // Collected, because the compiler cannot prove it of a closure over references.
    let rows: Vec<_> = spooled
        .repeated
        .iter()
        .map(|(chunk, repeats)| store.put_repeated(run, attempt, *chunk, repeats, now))
        .collect();
    stream::iter(rows)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// What a client reads of data that cannot be imported.
fn refusal(error: &SourceError) -> String {
    match error {
        SourceError::Syntax(place) => format!(
            "the file cannot be read: {} at byte {}, line {}, record {}; nothing was imported",
            place.reason,
            place.offset + 1,
            place.line,
            place.record
        ),
        SourceError::Unpack(error) => {
            format!("the file cannot be unpacked: {error}; nothing was imported")
        }
        SourceError::Io(_) | SourceError::Sink(_) => {
            "the file could not be read to its end; nothing was imported".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_in_the_bucket_says_where_it_begins() {
        let chunk = Chunk {
            number: 3,
            first: 6_001,
            records: 1,
            text: b"[{\n}]".to_vec(),
            sent: 9,
        };
        let (first, text) = decode(&encode(&chunk)).unwrap();
        assert_eq!((first, text.as_ref()), (6_001, b"[{\n}]".as_slice()));
        assert_eq!(decode(&Bytes::from_static(b"no number")), None);
    }
}
