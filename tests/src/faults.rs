//! What meets a worker's requests to the store, the bucket and the queues: requests and answers that
//! are lost or late, throttling, conflicts, and the worker's death. It stands between the SDKs'
//! clients and their connections, so what an SDK tries again is a request of its own here.
//!
//! A request that is let through takes effect whatever becomes of who sent it, as it does on an
//! account: of a worker that dies, what is under way still arrives.

mod applied;
mod way;
mod wire;

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use muster_aws::Store;
use muster_import::Runner;
use tokio::sync::watch;

use crate::between::{self, through};

pub use self::applied::{Applied, Effect};
pub use self::wire::Trouble;
pub use crate::between::Service;

/// The operation that sends statements.
pub const BATCH: &str = "BatchExecuteStatement";

/// How long the SDK waits for one answer, and for all tries of a call.
const ATTEMPT: Duration = Duration::from_millis(250);
const CALL: Duration = Duration::from_millis(1_500);

/// What meets one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Passes,
    /// It does not arrive.
    LostRequest,
    /// It takes effect, and the answer does not arrive.
    LostAnswer,
    /// It takes effect, and the answer comes after this.
    LateAnswer(Duration),
    /// It takes effect after this, whether or not anybody still waits for it.
    LateRequest(Duration),
    /// It is too much, all of it. It has no effect.
    Throttled,
    /// Another transaction is at the same rows. It has no effect; requests that can meet no
    /// transaction pass.
    Conflict,
    /// Those statements of a batch whose places the pattern has (place modulo 8) get such answers.
    /// Requests that are no batch pass.
    Statements(u8, Trouble),
    /// The worker dies before it has sent it.
    CrashBefore,
    /// The worker dies when it has taken effect.
    CrashAfter,
}

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'r> {
    /// Whom.
    pub service: Service,
    /// What, as the service names it; S3's requests by method.
    pub operation: &'r str,
    /// Its number among those of the worker, from 0.
    pub number: usize,
}

impl Asked<'_> {
    /// Whether it can have an effect.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.service.is_changed_by(self.operation)
    }
}

type Plan = Box<dyn FnMut(Asked<'_>) -> Fault + Send>;

/// Something that is done from beginning to end.
pub type Later = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is not over yet: requests of any worker that have been sent and have not taken effect, and
/// whatever else was counted among them.
#[derive(Debug, Clone)]
pub struct UnderWay(Arc<watch::Sender<usize>>);

impl Default for UnderWay {
    fn default() -> Self {
        Self(Arc::new(watch::channel(0).0))
    }
}

impl UnderWay {
    /// Waits until there are none.
    pub async fn arrived(&self) {
        let mut count = self.0.subscribe();
        // The sender lives as long as `self` does.
        drop(count.wait_for(|count| *count == 0).await);
    }

    /// Counts something among them for as long as the answer lives.
    #[must_use]
    pub fn another(&self) -> OnItsWay {
        self.0.send_modify(|count| *count += 1);
        OnItsWay(self.clone())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.0.borrow() == 0
    }
}

/// One of them.
#[derive(Debug)]
pub struct OnItsWay(UnderWay);

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// What meets the requests of one worker.
pub struct Faults {
    plan: Mutex<Plan>,
    /// What others do just before the request of this number.
    meanwhile: Mutex<Option<(usize, Later)>>,
    sent: AtomicUsize,
    met: AtomicBool,
    death: watch::Sender<bool>,
    under_way: UnderWay,
    applied: Option<Applied>,
    /// Whether its SDKs wait for answers as long as on an account.
    patient: bool,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}

impl Faults {
    /// A worker whose requests meet what `plan` says of each.
    pub fn new(plan: impl FnMut(Asked<'_>) -> Fault + Send + 'static) -> Self {
        Self {
            plan: Mutex::new(Box::new(plan)),
            meanwhile: Mutex::default(),
            sent: AtomicUsize::new(0),
            met: AtomicBool::new(false),
            death: watch::channel(false).0,
            under_way: UnderWay::default(),
            applied: None,
            patient: false,
        }
    }

    /// One that nothing happens to, however busy the machine is.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| Fault::Passes).patient()
    }

    /// Its SDKs wait for answers as long as on an account.
    #[must_use]
    pub fn patient(self) -> Self {
        Self {
            patient: true,
            ..self
        }
    }

    /// One that meets this at request `number`, and nothing else.
    #[must_use]
    pub fn at(number: usize, fault: Fault) -> Self {
        Self::new(move |asked| match asked.number == number {
            true => fault.clone(),
            false => Fault::Passes,
        })
    }

    /// One that meets this at its write `number`, from 0, and nothing else. To die around a read is
    /// to die around the write before it.
    #[must_use]
    pub fn at_write(number: usize, fault: Fault) -> Self {
        let mut writes = 0;
        Self::new(move |asked| {
            writes += usize::from(asked.writes());
            match asked.writes() && writes == number + 1 {
                true => fault.clone(),
                false => Fault::Passes,
            }
        })
    }

    /// Others do this just before its request of that number.
    #[must_use]
    pub fn meanwhile(self, others: Option<(usize, Later)>) -> Self {
        let meanwhile = Mutex::new(others);
        Self { meanwhile, ..self }
    }

    /// Whether others still wait for that request.
    #[must_use]
    pub fn others_wait(&self) -> bool {
        self.others().is_some()
    }

    fn others(&self) -> MutexGuard<'_, Option<(usize, Later)>> {
        self.meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts its requests among these as long as they are under way.
    #[must_use]
    pub fn among(mut self, under_way: &UnderWay) -> Self {
        self.under_way = under_way.clone();
        self
    }

    /// Puts down there what its statements do in the name of a run.
    #[must_use]
    pub fn noting(mut self, applied: &Applied) -> Self {
        self.applied = Some(applied.clone());
        self
    }

    /// Whether any of its requests met anything.
    #[must_use]
    pub fn were_met(&self) -> bool {
        self.met.load(Ordering::SeqCst)
    }

    /// Does `work` as long as the worker lives; `None`: it died over it. What it has sent arrives.
    pub async fn alive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut death = self.death.subscribe();
        tokio::select! {
            biased;
            _ = death.wait_for(|dead| *dead) => None,
            done = work => Some(done),
        }
    }

    /// The store as this worker has it, whose SDK tries again at once. It is waited for as long as
    /// ever: only lost connections are tried again.
    #[must_use]
    pub fn store(self: &Arc<Self>, store: &Store) -> Store {
        let config = store.client().config();
        let between = through(self, config.http_client());
        let config = config.to_builder().http_client(between);
        let config = config.retry_config(quick());
        store.through(aws_sdk_dynamodb::Client::from_conf(config.build()))
    }

    /// What works on runs, as this worker has it: its SDKs try again soon what gets no answer.
    #[must_use]
    pub fn runner(self: &Arc<Self>, runner: &Runner) -> Runner {
        let mut runner = runner.clone();
        let store = self.store(&runner.store);
        let config = store.client().config();
        let config = config
            .to_builder()
            .timeout_config(self.timeouts(config.timeout_config()));
        runner.store = store.through(aws_sdk_dynamodb::Client::from_conf(config.build()));
        let objects = &mut runner.background.objects;
        let config = objects.client.config();
        let timeouts = self.timeouts(config.timeout_config());
        let between = through(self, config.http_client());
        let config = config.to_builder().http_client(between);
        let config = config.retry_config(quick()).timeout_config(timeouts);
        objects.client = aws_sdk_s3::Client::from_conf(config.build());
        let queues = &mut runner.background.queues;
        let config = queues.client.config();
        let timeouts = self.timeouts(config.timeout_config());
        let between = through(self, config.http_client());
        let config = config.to_builder().http_client(between);
        let config = config.retry_config(quick()).timeout_config(timeouts);
        queues.client = aws_sdk_sqs::Client::from_conf(config.build());
        runner
    }

    /// How long this worker's SDKs wait, given how long they do on an account.
    fn timeouts(&self, usual: Option<&TimeoutConfig>) -> TimeoutConfig {
        match usual.filter(|_| self.patient) {
            Some(usual) => usual.clone(),
            None => TimeoutConfig::builder()
                .connect_timeout(ATTEMPT)
                .operation_attempt_timeout(ATTEMPT)
                .operation_timeout(CALL)
                .build(),
        }
    }

    async fn roll(&self, request: &HttpRequest) -> Fault {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let others = self.others().take_if(|(at, _)| *at == number);
        if let Some((_, others)) = others {
            others.await;
        }
        let (service, operation) = between::asked(request);
        let asked = Asked {
            service,
            operation: &operation,
            number,
        };
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = plan(asked);
        if fault != Fault::Passes {
            self.met.store(true, Ordering::SeqCst);
        }
        fault
    }

    fn die(&self) {
        self.death.send_replace(true);
    }

    fn is_dead(&self) -> bool {
        *self.death.borrow()
    }
}

fn quick() -> RetryConfig {
    RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(2))
}
