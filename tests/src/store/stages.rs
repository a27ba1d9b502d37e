//! Runs in the background at stages to which the processor and the writers take them: what a client
//! sees and can do there must not depend on how fast those are.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::holds::{Acquired, Finished};
use muster_aws::rounds::{ChunkResult, Round, Started};
use muster_aws::runs::{Compression, Ending, Format, Job, NewRun, Read, Run, RunId, Source};
use muster_core::item::Item;
use muster_core::run::State;

use super::Access;
use crate::World;

/// The name of who works on chunks here.
const WRITER: &str = "writer";
/// How long a chunk is theirs.
const HELD: Duration = Duration::from_secs(60);

impl Access {
    /// Queues a run of a task of which the processor is not told; its id.
    pub async fn queued(&self, w: &World, tenant: usize, task: u64) -> String {
        let now = Timestamp::now();
        self.queue_run(w, tenant, task, now, 1_000).await
    }

    /// The same with data, and as if it had been done at `at`.
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
            key: None,
        };
        let source = Source {
            format: Format::Json,
            compression: Compression::None,
            sha256: None,
            upload: None,
        };
        let job = Job::begun(Some(source), Some(1), at);
        let acquired = self.store.acquire_queued(&run, &job, None, at).await;
        assert_eq!(acquired.expect("the store"), Acquired::Mine);
        run.id.to_string()
    }

    async fn put(&self, key: &str, text: &str) {
        let objects = self.objects.as_ref().expect("the bucket");
        let put = objects.put(key, text.as_bytes().to_vec().into()).await;
        put.expect("the bucket");
    }

    /// Puts a chunk of a run, a JSON array whose first record has this number.
    pub async fn put_chunk(&self, run: &str, attempt: &str, chunk: u32, first: u64, text: &str) {
        let key = format!("runs/{run}/{attempt}/{chunk}.json");
        self.put(&key, &format!("{first}\n{text}")).await;
    }

    /// Puts down that messages for the state of a run were queued at `at`.
    pub async fn note_queued(&self, id: &str, at: Timestamp) {
        let run = self.whole_run(id).await;
        let noted = self.store.note_queued(&run.id, run.state, at);
        noted.await.expect("the store");
    }

    /// Begins with a chunk of a run at `at`, as somebody of whom nothing more is heard.
    pub async fn start(&self, id: &str, round: Round, chunk: u32, at: Timestamp) {
        let run = self.whole_run(id).await.id;
        let started = self.store.start_chunk(&run, round, chunk, WRITER, HELD, at);
        assert_eq!(
            started.await.expect("the store"),
            Started::Mine {
                tries: 1,
                unsure: false,
            }
        );
    }

    /// All of a run.
    pub async fn whole_run(&self, id: &str) -> Run {
        let id = RunId::parse(id).expect("a run's id");
        let run = self.store.get_run(&id, Timestamp::now()).await;
        run.expect("the store").expect("the run")
    }

    /// What a run in the background remembers.
    pub async fn job(&self, id: &str) -> Job {
        self.whole_run(id).await.job.expect("a job")
    }

    /// Begins to check a queued run, and comes as far as this.
    pub async fn check(&self, id: &str, read: Read) {
        let (run, now) = (self.whole_run(id).await.id, Timestamp::now());
        let begun = self.store.begin_checking(&run, now).await;
        assert!(begun.expect("the store").is_some());
        let noted = self.store.note_read(&run, read, now).await;
        assert!(noted.expect("the store"));
    }

    /// Takes a run to another state, in which it has been since `at`.
    pub async fn advance(&self, id: &str, to: State, at: Timestamp, change: impl FnOnce(&mut Job)) {
        let run = self.whole_run(id).await;
        let mut job = run.job.clone().expect("a job");
        change(&mut job);
        let advanced = self.store.advance(&run, to, &job, at).await;
        assert!(advanced.expect("the store"));
    }

    /// Counts a chunk with so many records as done.
    pub async fn count_chunk(&self, id: &str, round: Round, records: u64) {
        let run = self.whole_run(id).await.id;
        let counted = self
            .store
            .count_chunk(&run, round, records, Timestamp::now());
        counted.await.expect("the store");
    }

    /// Does a chunk of a run, with this to say about it.
    pub async fn commit(
        &self,
        id: &str,
        round: Round,
        chunk: u32,
        items: &[Item],
        rejected: &[String],
    ) {
        let (run, now) = (self.whole_run(id).await.id, Timestamp::now());
        let objects = self.objects.as_ref().expect("the bucket");
        let kept = objects.keep(&run, round, chunk, WRITER, items, rejected);
        let result = ChunkResult {
            kept: kept.await.expect("the bucket"),
            ..ChunkResult::default()
        };
        self.start(id, round, chunk, now).await;
        let committed = self
            .store
            .commit_chunk(&run, round, chunk, Some(WRITER), &result, now);
        assert!(committed.await.expect("the store"));
    }

    /// Ends a run in the background.
    pub async fn end(&self, id: &str, ending: &Ending) {
        let run = self.whole_run(id).await;
        let finished = self.store.finish_queued(&run, ending, Timestamp::now());
        assert_eq!(finished.await.expect("the store"), Finished::Done);
    }
}
