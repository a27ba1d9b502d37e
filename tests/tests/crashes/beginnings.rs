//! How the import of a schedule comes into the background: its client asks for that, uploads a file,
//! or sends one that takes longer than a request has.

use std::sync::Arc;

use jiff::Timestamp;
use muster_aws::tasks::Task;
use muster_core::run::{State, Status};
use muster_core::settings::SafetyThreshold;
use muster_import::uploads;
use muster_tests::faults::{Asked, BATCH, Fault, Faults, UnderWay};
use muster_tests::uploads::announced_and_sent;
use rand::RngExt as _;

use crate::file::File;
use crate::handing::{again, ended_alone, send_in_a_hurry};
use crate::import::{Import, import_now};
use crate::judge::Others;
use crate::schedules::Schedule;

impl Schedule {
    /// An import that is in the background.
    pub async fn begin(&mut self) -> Import {
        for attempt in 0.. {
            let tag = format!("s{}y{attempt}x", self.number);
            match self.dice.random_range(0..10) {
                0..5 => return self.asked_for(tag).await,
                5..8 => return self.uploaded(tag).await,
                _ => {
                    if let Some(import) = self.handed_over(tag).await {
                        return import;
                    }
                }
            }
        }
        unreachable!("an import is begun with sooner or later")
    }

    /// A task of its own, and a file whose users are as it says they are before.
    async fn prepared(&mut self, tag: String) -> (Task, File) {
        let planned = self.dice.random_bool(0.25);
        let task = self.stage.task(0, |task| {
            task.safety_threshold = planned.then_some(SafetyThreshold::Records(20));
        });
        let task = task.await;
        let file = File::random(tag, &mut self.dice);
        import_now(&self.stage, &task, &file.before()).await;
        (task, file)
    }

    fn is_dry(&mut self) -> bool {
        self.dice.random_bool(0.08)
    }

    /// The client asks until there is a run.
    async fn asked_for(&mut self, tag: String) -> Import {
        let (stage, (task, file)) = (Arc::clone(&self.stage), self.prepared(tag).await);
        let dry_run = self.is_dry();
        let under_way = UnderWay::default();
        loop {
            let faults = Arc::new(Faults::new(self.lot()).among(&under_way));
            let told = Import::queue(&stage, &task, &file, dry_run, &faults).await;
            under_way.arrived().await;
            let runs = Import::runs_of(&stage, &task).await;
            assert!(runs.len() <= 1, "runs of one hold: {runs:?}");
            if let Some(run) = runs.first() {
                assert!(told.is_none_or(|told| told == run.id), "another run");
                return Import::of(&stage, &task, file, run.id, &under_way);
            }
            assert_eq!(told, None, "told of a run that is none");
        }
    }

    /// The client sends its parts, and completes the upload until that has begun.
    async fn uploaded(&mut self, tag: String) -> Import {
        let (stage, (task, file)) = (Arc::clone(&self.stage), self.prepared(tag).await);
        let dry_run = self.is_dry();
        let (store, background) = (&stage.stack.store, &stage.stack.background);
        let body = file.body().to_string();
        let sent = announced_and_sent(store, background, &task, body.as_bytes(), dry_run);
        let (run, _) = sent.await;
        let import = Import::of(&stage, &task, file, run, &UnderWay::default());
        loop {
            let row = import.row().await;
            if row.state != State::Uploading {
                return import;
            }
            let faults = import.meets(Faults::new(self.lot()));
            let runner = faults.runner(&stage.runner());
            let now = Timestamp::now();
            let complete = uploads::complete(&runner.store, &runner.background, row, &task, now);
            drop(faults.alive(complete).await);
            import.under_way.arrived().await;
        }
    }

    /// The client waits, but not long enough; `None`: its import did not come so far.
    async fn handed_over(&mut self, tag: String) -> Option<Import> {
        let (stage, (task, file)) = (Arc::clone(&self.stage), self.prepared(tag).await);
        let (mut lot, mut batches) = (self.lot(), 0);
        let faults = Faults::new(move |asked: Asked<'_>| {
            batches += usize::from(asked.operation == BATCH);
            match asked.operation {
                BATCH if batches > 1 => Fault::Throttled,
                _ => lot(asked),
            }
        });
        let (told, sent) = send_in_a_hurry(&stage, &task, file, faults).await;
        let import = match sent {
            Ok(import) => import,
            Err(file) => {
                again(&stage, &task, &file).await;
                return None;
            }
        };
        if import.row().await.job.is_some() {
            return Some(import);
        }
        // Its end may have been reached all the same, whatever the client was told.
        let run = import.end_calmly().await;
        match run.status {
            Some(Status::Failure) => ended_alone(&import, told).await,
            _ => import.judge(&run, Others::None).await,
        }
        None
    }
}
