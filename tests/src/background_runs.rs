//! Puts runs in the background into any state that the processor and the writers take them to: the
//! tests of what clients see in a state do not depend on how fast those are.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::runs::chunks::{ChunkResult, LeaseOutcome, Round};
use muster_aws::runs::task_lock::{Acquired, Finished};
use muster_aws::runs::{Compression, Ending, Format, Job, NewRun, ReadProgress, RunId, Source};
use muster_core::item::Item;
use muster_core::run::State;

use crate::store::Access;
use crate::world::World;

/// The writer that leases chunks here.
const WRITER: &str = "writer";
const LEASE_DURATION: Duration = Duration::from_secs(60);

impl Access {
    /// Queues a run of a task without a message for the processor. Returns its id.
    pub async fn queued(&self, w: &World, tenant: usize, task: u64) -> String {
        let now = Timestamp::now();
        self.queue_run(w, tenant, task, now, 1_000).await
    }

    /// Queues a run of a task with its data, as of `at`, without a message. Returns its id.
    pub async fn queued_since(
        &self,
        w: &World,
        tenant: usize,
        task: u64,
        at: Timestamp,
        file: &str,
    ) -> String {
        let run = self.queue_run(w, tenant, task, at, file.len() as u64).await;
        self.put(&format!("runs/{run}/upload"), file).await;
        run
    }

    async fn queue_run(
        &self,
        w: &World,
        tenant: usize,
        task: u64,
        at: Timestamp,
        size: u64,
    ) -> String {
        let run = NewRun {
            id: RunId::generate(at),
            tenant: self.tenant(w, tenant).await,
            task,
            robot: w.tenants[tenant].robot.username.clone(),
            size,
            dry_run: false,
            threshold_overridden: false,
            key: None,
        };
        let source = Source {
            format: Format::Json,
            compression: Compression::None,
            sha256: None,
            upload: None,
        };
        let job = Job::begun(Some(source), Some(1), at);
        let acquired = self
            .store
            .task_locks()
            .acquire_background(&run, &job, None, at)
            .await;
        assert_eq!(acquired.expect("the store request"), Acquired::Locked);
        run.id.to_string()
    }

    async fn put(&self, key: &str, text: &str) {
        let body = text.as_bytes().to_vec().into();
        let put = self.objects().put(key, body).await;
        put.expect("writing an object");
    }

    /// Writes a chunk of a run: a JSON array, and the number of its first record.
    pub async fn put_chunk(&self, run: &str, attempt: &str, chunk: u32, first: u64, text: &str) {
        let key = format!("runs/{run}/{attempt}/{chunk}.json");
        self.put(&key, &format!("{first}\n{text}")).await;
    }

    /// Records that the messages of a run's state were queued at `at`.
    pub async fn note_queued(&self, id: &str, at: Timestamp) {
        let run = self.run_record(id).await;
        let noted = self.store.runs().note_queued(&run.id, run.state, at);
        noted.await.expect("the store request");
    }

    /// Leases a chunk of a run at `at`, for a writer that does nothing more.
    pub async fn lease_chunk(&self, id: &str, round: Round, chunk: u32, at: Timestamp) {
        let run = self.run_record(id).await.id;
        let started = self
            .store
            .chunks()
            .lease(&run, round, chunk, WRITER, LEASE_DURATION, at);
        assert_eq!(
            started.await.expect("the store request"),
            LeaseOutcome::Leased {
                attempts: 1,
                outcome_unknown: false,
            }
        );
    }

    /// Returns the job of a run in the background.
    pub async fn job(&self, id: &str) -> Job {
        self.run_record(id).await.job.expect("the run has a job")
    }

    /// Begins to check a queued run, with this progress.
    pub async fn begin_checking(&self, id: &str, read: ReadProgress) {
        let (run, now) = (self.run_record(id).await.id, Timestamp::now());
        let begun = self.store.runs().begin_checking(&run, now).await;
        assert!(begun.expect("the store request").is_some());
        let noted = self.store.runs().note_read(&run, read, now).await;
        assert!(noted.expect("the store request"));
    }

    /// Moves a run to another state, which it entered at `at`.
    pub async fn advance(&self, id: &str, to: State, at: Timestamp, change: impl FnOnce(&mut Job)) {
        let run = self.run_record(id).await;
        let mut job = run.job.clone().expect("the run has a job");
        change(&mut job);
        let advanced = self.store.runs().advance(&run, to, &job, at).await;
        assert!(advanced.expect("the store request"));
    }

    /// Counts a chunk with this number of records as done.
    pub async fn count_chunk(&self, id: &str, round: Round, records: u64) {
        let run = self.run_record(id).await.id;
        let counted = self
            .store
            .chunks()
            .count(&run, round, records, Timestamp::now());
        counted.await.expect("the store request");
    }

    /// Commits a chunk of a run, with these items and rejected records.
    pub async fn commit_chunk(
        &self,
        id: &str,
        round: Round,
        chunk: u32,
        items: &[Item],
        rejected: &[String],
    ) {
        let (run, now) = (self.run_record(id).await.id, Timestamp::now());
        let kept = self
            .objects()
            .put_chunk_outputs(&run, round, chunk, WRITER, items, rejected);
        let result = ChunkResult {
            outputs: kept.await.expect("writing the chunk outputs"),
            ..ChunkResult::default()
        };
        self.lease_chunk(id, round, chunk, now).await;
        let committed = self
            .store
            .chunks()
            .commit(&run, round, chunk, Some(WRITER), &result, now);
        assert!(committed.await.expect("the store request"));
    }

    /// Finishes a run in the background.
    pub async fn finish(&self, id: &str, ending: &Ending) {
        let run = self.run_record(id).await;
        let finished = self
            .store
            .task_locks()
            .finish_background(&run, ending, Timestamp::now());
        assert_eq!(finished.await.expect("the store request"), Finished::Done);
    }
}
