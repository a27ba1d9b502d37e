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

impl Access {
    /// Queues a run of a task of which the processor is not told; its id.
    pub async fn queued(&self, w: &World, tenant: usize, task: u64) -> String {
        let now = Timestamp::now();
        let run = NewRun {
            id: RunId::generate(now),
            tenant: self.tenant(w, tenant).await,
            task,
            robot: w.tenants[tenant].robot.username.clone(),
            size: 1_000,
            dry_run: false,
            key: None,
        };
        let source = Source {
            format: Format::Json,
            compression: Compression::None,
            sha256: None,
            upload: None,
        };
        let job = Job::begun(Some(source), Some(1), now);
        let acquired = self.store.acquire_queued(&run, &job, None, now).await;
        assert_eq!(acquired.expect("the store"), Acquired::Mine);
        run.id.to_string()
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
        const WRITER: &str = "writer";
        let (run, now) = (self.whole_run(id).await.id, Timestamp::now());
        let objects = self.objects.as_ref().expect("the bucket");
        let kept = objects.keep(&run, round, chunk, WRITER, items, rejected);
        let result = ChunkResult {
            kept: kept.await.expect("the bucket"),
            ..ChunkResult::default()
        };
        let held = Duration::from_secs(60);
        let started = self
            .store
            .start_chunk(&run, round, chunk, WRITER, held, now);
        assert_eq!(
            started.await.expect("the store"),
            Started::Mine {
                tries: 1,
                unsure: false,
            }
        );
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
