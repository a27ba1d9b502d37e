//! The ways in which the import of a schedule gets into the background: its client asks for it,
//! uploads a file, or sends a request that runs out of time.

use std::sync::Arc;

use jiff::Timestamp;
use muster_aws::tasks::Task;
use muster_core::run::{State, Status};
use muster_core::settings::{Limit, SafetyThreshold};
use muster_import::uploads;
use muster_tests::faults::{
    BATCH_EXECUTE_STATEMENT, Fault, Faults, Gate, InFlight, OutgoingRequest,
};
use muster_tests::uploads::create_and_send_parts;
use rand::RngExt as _;

use crate::hand_over::{
    assert_failed_without_hand_over, assert_resend_completes, send_request, short_request_times,
};
use crate::import::{Import, import_synchronously};
use crate::import_file::ImportFile;
use crate::schedules::Schedule;
use crate::verifier::ConcurrentWrites;

impl Schedule {
    /// Begins an import in the background.
    pub async fn begin(&mut self) -> Import {
        for attempt in 0.. {
            let tag = format!("s{}y{attempt}x", self.seed);
            match self.rng.random_range(0..10) {
                0..5 => return self.queue(tag).await,
                5..8 => return self.upload(tag).await,
                _ => {
                    if let Some(import) = self.hand_over(tag).await {
                        return import;
                    }
                }
            }
        }
        unreachable!("the loop ends when an import has begun")
    }

    /// Creates a task, a file, and the users that the file expects.
    async fn prepare(&mut self, tag: String) -> (Task, ImportFile) {
        let has_planning_round = self.rng.random_bool(0.25);
        let file = ImportFile::random(tag, &mut self.rng);
        let task = self.harness.create_task(0, |task| {
            file.configure(task);
            task.safety_threshold =
                has_planning_round.then_some(SafetyThreshold::of_ignored(Limit::records(20)));
        });
        let task = task.await;
        import_synchronously(&self.harness, &task, &file.existing_users()).await;
        (task, file)
    }

    fn is_dry_run(&mut self) -> bool {
        self.rng.random_bool(0.08)
    }

    /// Sends the request until there is a run.
    async fn queue(&mut self, tag: String) -> Import {
        let (task, file) = self.prepare(tag).await;
        let harness = Arc::clone(&self.harness);
        let dry_run = self.is_dry_run();
        let in_flight = InFlight::default();
        loop {
            let faults = Arc::new(Faults::new(self.fault_plan()).counted_in(&in_flight));
            let response = Import::queue(&harness, &task, &file, dry_run, &faults).await;
            in_flight.drained().await;
            let runs = Import::runs_of(&harness, &task).await;
            assert!(runs.len() <= 1, "two runs under one lock: {runs:?}");
            if let Some(run) = runs.first() {
                assert!(response.is_none_or(|id| id == run.id), "another run");
                return Import::new(&harness, &task, file, run.id, &in_flight);
            }
            assert_eq!(
                response, None,
                "the response names a run that does not exist"
            );
        }
    }

    /// Creates an upload, sends its parts, and completes it until its run has begun.
    async fn upload(&mut self, tag: String) -> Import {
        let (task, file) = self.prepare(tag).await;
        let harness = Arc::clone(&self.harness);
        let dry_run = self.is_dry_run();
        let (store, background) = (&harness.stack.store, &harness.stack.background);
        let body = file.body().to_string();
        let sent = create_and_send_parts(store, background, &task, body.as_bytes(), dry_run);
        let (run, _) = sent.await;
        let import = Import::new(&harness, &task, file, run, &InFlight::default());
        loop {
            let row = import.stored_run().await;
            if row.state != State::Uploading {
                return import;
            }
            let worker = import.worker(Faults::new(self.fault_plan()));
            let runner = worker.runner(&harness.runner());
            let now = Timestamp::now();
            let complete = uploads::complete(&runner.store, &runner.background, row, &task, now);
            drop(worker.run_until_crash(complete).await);
            import.in_flight.drained().await;
        }
    }

    /// Sends a request that runs out of time; `None` if its run was not handed over.
    async fn hand_over(&mut self, tag: String) -> Option<Import> {
        let (task, file) = self.prepare(tag).await;
        let harness = Arc::clone(&self.harness);
        let (mut plan, mut batches) = (self.fault_plan(), 0);
        let faults = Faults::new(move |request: OutgoingRequest<'_>| {
            batches += usize::from(request.operation == BATCH_EXECUTE_STATEMENT);
            match request.operation {
                BATCH_EXECUTE_STATEMENT if batches > 1 => Fault::Throttled,
                _ => plan(request),
            }
        });
        let (times, gate) = (short_request_times(), Gate::default());
        let (response, sent) = send_request(&harness, &task, file, faults, times, &gate).await;
        let import = match sent {
            Ok(import) => import,
            Err(file) => {
                assert_resend_completes(&harness, &task, &file).await;
                return None;
            }
        };
        if import.stored_run().await.job.is_some() {
            return Some(import);
        }
        // It may have succeeded even if the response says otherwise.
        let run = import.finish_without_faults().await;
        match run.status {
            Some(Status::Failure) => assert_failed_without_hand_over(&import, response).await,
            _ => import.verify(&run, ConcurrentWrites::None).await,
        }
        None
    }
}
