//! Random schedules of everything that can happen to an import in the background: to its requests,
//! messages and workers, with concurrent writes to its users, and cancels. Then the faults stop, and
//! the run must end; whatever happened, each record is applied at most once, and the counts are
//! exact.
//!
//! A schedule is determined by its seed, which a failure names, except for the order in which
//! concurrent workers run. `MUSTER_CRASHES=10000` runs more, `MUSTER_CRASH=17` only that one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_import::Times;
use muster_tests::SeededScenarios;
use muster_tests::faults::{Fault, Faults, OutgoingRequest, StatementFault};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

use crate::concurrent_writes::{set_login, set_name};
use crate::hand_over::short_request_times;
use crate::harness::{Harness, QueueMessage, short_times};
use crate::import::{DeliveryOutcome, Import, import_synchronously};
use crate::verifier::ConcurrentWrites;

const SCHEDULES: SeededScenarios = SeededScenarios {
    seed_variable: "MUSTER_CRASH",
    count_variable: "MUSTER_CRASHES",
    default_count: 40,
    max_per_stack: 25,
    // As many as keep two cores busy.
    stacks: if cfg!(debug_assertions) { 2 } else { 4 },
};
/// Schedules that run on a stack at the same time: they spend most of their time waiting. A debug
/// build computes more meanwhile, and a writer without a core for a second makes no progress.
const PARALLEL_SCHEDULES: usize = if cfg!(debug_assertions) { 3 } else { 6 };
/// Maximum number of functions of a run at the same time.
const MAX_WORKERS: usize = 3;

/// The kind of faults that a worker has.
#[derive(Debug, Clone, Copy)]
enum FaultProfile {
    None,
    /// It crashes at a request.
    Crash {
        at: usize,
        before: bool,
    },
    /// Requests are lost; otherwise, responses.
    Loss {
        of_requests: bool,
    },
    /// Requests are delayed; otherwise, responses.
    Delay {
        of_requests: bool,
    },
    /// Whole requests are throttled or conflict.
    Rejection,
    /// Single statements have this fault.
    Statements(StatementFault),
}

impl FaultProfile {
    fn random(rng: &mut SmallRng) -> Self {
        match rng.random_range(0..20) {
            0..5 => Self::None,
            5..11 => Self::Crash {
                at: rng.random_range(0..25),
                before: rng.random_bool(0.5),
            },
            11..13 => Self::Loss {
                of_requests: rng.random_bool(0.5),
            },
            13..16 => Self::Delay {
                of_requests: rng.random_bool(0.7),
            },
            16 => Self::Rejection,
            17 => Self::Statements(StatementFault::Throttled),
            18 => Self::Statements(StatementFault::Conflict),
            _ => Self::Statements(StatementFault::OutcomeUnknown),
        }
    }

    fn fault(self, number: usize, rng: &mut SmallRng) -> Fault {
        match self {
            Self::Crash { at, before } if at == number => match before {
                true => Fault::CrashBefore,
                false => Fault::CrashAfter,
            },
            Self::Loss { of_requests } if rng.random_bool(0.15) => match of_requests {
                true => Fault::LostRequest,
                false => Fault::LostResponse,
            },
            Self::Delay { of_requests } if rng.random_bool(0.1) => {
                let delay = Duration::from_millis(rng.random_range(20..2_000));
                match of_requests {
                    true => Fault::DelayedRequest(delay),
                    false => Fault::DelayedResponse(delay),
                }
            }
            Self::Rejection if rng.random_bool(0.3) => match rng.random_bool(0.5) {
                true => Fault::Throttled,
                false => Fault::Conflict,
            },
            Self::Statements(fault) if rng.random_bool(0.7) => {
                Fault::Statements(rng.random(), fault)
            }
            _ => Fault::None,
        }
    }
}

/// A random schedule of one import.
pub struct Schedule {
    pub seed: u64,
    pub harness: Arc<Harness>,
    pub rng: SmallRng,
    faults_stopped: Arc<AtomicBool>,
    concurrent_writes: ConcurrentWrites,
    may_be_cancelled: bool,
}

type Workers = JoinSet<(QueueMessage, DeliveryOutcome)>;

impl Schedule {
    fn new(seed: u64, harness: Arc<Harness>) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let concurrent_writes = match rng.random_bool(0.3) {
            true => ConcurrentWrites::Some,
            false => ConcurrentWrites::None,
        };
        Self {
            seed,
            harness,
            faults_stopped: Arc::default(),
            concurrent_writes,
            may_be_cancelled: rng.random_bool(0.25),
            rng,
        }
    }

    /// Returns the faults of a new worker.
    fn faults(&mut self) -> Faults {
        Faults::new(self.fault_plan())
    }

    /// Returns a function that chooses the faults of a new worker.
    pub fn fault_plan(&mut self) -> impl FnMut(OutgoingRequest<'_>) -> Fault + Send + use<> {
        let mut rng = SmallRng::seed_from_u64(self.rng.random());
        let profile = FaultProfile::random(&mut rng);
        let faults_stopped = Arc::clone(&self.faults_stopped);
        move |request| match faults_stopped.load(Ordering::SeqCst) {
            true => Fault::None,
            false => profile.fault(request.number, &mut rng),
        }
    }

    async fn run(mut self) {
        let import = self.begin().await;
        let mut workers = Workers::new();
        let mut messages = Vec::new();
        for _ in 0..self.rng.random_range(6..30) {
            self.step(&import, &mut messages, &mut workers).await;
            if import.stored_run().await.state.is_terminal() {
                break;
            }
        }
        self.faults_stopped.store(true, Ordering::SeqCst);
        if self.rng.random_bool(0.5) {
            // The remaining messages are delivered; otherwise they are lost.
            for message in messages {
                drop(import.deliver(&message, Faults::none()).await);
            }
        }
        let run = import.finish_without_faults().await;
        workers.join_all().await;
        import.verify(&run, self.concurrent_writes).await;
    }

    async fn step(
        &mut self,
        import: &Import,
        messages: &mut Vec<QueueMessage>,
        workers: &mut Workers,
    ) {
        messages.extend(import.receive().await);
        while let Some(ended) = workers.try_join_next() {
            let (message, outcome) = ended.expect("a function panicked");
            // A message that was not acknowledged is delivered again; one that was may be as well.
            let redelivery = match outcome {
                DeliveryOutcome::Acknowledged => 0.1,
                DeliveryOutcome::Failed(_) | DeliveryOutcome::Crashed => 0.7,
            };
            if self.rng.random_bool(redelivery) {
                messages.push(message);
            }
        }
        match self.rng.random_range(0..20) {
            0..10 if !messages.is_empty() && workers.len() < MAX_WORKERS => {
                let position = self.rng.random_range(0..messages.len());
                let message = match self.rng.random_bool(0.2) {
                    true => messages[position].clone(),
                    false => messages.swap_remove(position),
                };
                let (import, faults) = (import.clone(), self.faults());
                workers.spawn(async move {
                    let (outcome, _) = import.deliver(&message, faults).await;
                    (message, outcome)
                });
            }
            10 if !messages.is_empty() => {
                messages.pop();
            }
            10..13 => {
                import.sweep(self.faults()).await;
            }
            13 if self.may_be_cancelled => {
                drop(import.cancel(self.faults()).await);
            }
            14..16 if self.concurrent_writes == ConcurrentWrites::Some => {
                self.write_concurrently(import).await;
            }
            16 => {
                let pause = Duration::from_millis(self.rng.random_range(200..1_000));
                tokio::time::sleep(pause).await;
            }
            _ => {
                let pause = Duration::from_millis(self.rng.random_range(0..40));
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Writes one user of the file, or all of them, as somebody else.
    async fn write_concurrently(&mut self, import: &Import) {
        let record = self.rng.random_range(0..import.file.kinds.len());
        let (login, aside) = (
            import.file.login(record),
            format!("aside{record}.{}", import.file.tag),
        );
        let (login_before, request) = match self.rng.random_range(0..4) {
            0 => {
                let tenant = self.rng.random_range(0..2);
                let other = self.harness.create_task(tenant, |_| ()).await;
                let mut body = import.file.body();
                for record in body.as_array_mut().expect("a list of records") {
                    record["n"] = "other".into();
                }
                import_synchronously(&self.harness, &other, &body).await;
                return;
            }
            1 => (&login, set_name("put")),
            2 => (&login, set_login(&aside)),
            _ => (&aside, set_login(&login)),
        };
        if let Some(user) = self.harness.user(login_before).await {
            self.harness.change_user(0, user.id, request).await;
        }
    }
}

/// Runs schedules on a stack of their own.
async fn on_a_stack(seeds: Vec<u64>) {
    let times = Times {
        chunk_tries: 5,
        process_tries: 5,
        sweep_grace: short_request_times().sweep_grace,
        ..short_times()
    };
    let harness = Harness::start_with(3, times).await;
    let mut seeds = seeds.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < PARALLEL_SCHEDULES
            && let Some(seed) = seeds.next()
        {
            let schedule = Schedule::new(seed, Arc::clone(&harness));
            running.spawn(async move { (seed, tokio::spawn(schedule.run()).await) });
        }
        let Some(ended) = running.join_next().await else {
            return;
        };
        let (seed, result) = ended.expect("the task is not cancelled");
        assert!(
            result.is_ok(),
            "MUSTER_CRASH={seed} cargo test -p muster-tests --test crashes schedules  # runs only this one"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_schedule_each_record_is_applied_once_and_the_run_ends() {
    SCHEDULES.run_on_stacks(on_a_stack).await;
}
