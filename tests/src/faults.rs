//! Injects faults into a worker's requests to the store, the bucket and the queues: lost or delayed
//! requests and responses, throttling, conflicts, and the worker's crash. The faults sit between the
//! SDKs' clients and their connections, so an SDK's retry is a request of its own here.
//!
//! A request that passes takes effect even if its sender is gone by then, as it does on an AWS
//! account: the requests that a crashed worker has in flight still arrive.

mod connector;
mod effects;
mod gate;
mod in_flight;
mod responses;

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

use crate::interceptor::{self, intercepted};

pub use self::effects::{Effect, EffectLog};
pub use self::gate::Gate;
pub use self::in_flight::{InFlight, InFlightGuard};
pub use self::responses::StatementFault;
pub use crate::interceptor::{BATCH_EXECUTE_STATEMENT, Service, TRANSACT_WRITE_ITEMS};

/// The SDK's timeout for one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(250);
/// The SDK's timeout for all attempts of a call.
const CALL_TIMEOUT: Duration = Duration::from_millis(1_500);

/// A fault of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// The request does not arrive.
    LostRequest,
    /// The request takes effect, and its response is lost.
    LostResponse,
    /// The request takes effect, and its response arrives after this delay.
    DelayedResponse(Duration),
    /// The request takes effect after this delay, even if nobody waits for it any more.
    DelayedRequest(Duration),
    /// The request takes effect once the gate is open, even if nobody waits for it any more.
    GatedRequest(Gate),
    /// The request takes effect, and its response arrives once the gate is open.
    GatedResponse(Gate),
    /// The whole request is throttled and has no effect.
    Throttled,
    /// The request conflicts with another transaction and has no effect. Requests that cannot
    /// conflict pass.
    Conflict,
    /// The statements of a batch at the positions in the bit pattern (position modulo 8) get this
    /// fault. Requests that are not batches pass.
    Statements(u8, StatementFault),
    /// The worker crashes before it sends the request.
    CrashBefore,
    /// The worker crashes after the request has taken effect.
    CrashAfter,
}

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutgoingRequest<'r> {
    /// The service it is sent to.
    pub service: Service,
    /// The operation, by the service's name for it; for S3, the HTTP method.
    pub operation: &'r str,
    /// Its number among the worker's requests, from 0.
    pub number: usize,
}

impl OutgoingRequest<'_> {
    /// Returns true if the request can have an effect.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.service.is_changed_by(self.operation)
    }
}

type Plan = Box<dyn FnMut(OutgoingRequest<'_>) -> Fault + Send>;

/// A concurrent action that completes in the middle of a worker's work.
pub type ConcurrentAction = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The faults of one worker's requests.
pub struct Faults {
    plan: Mutex<Plan>,
    /// An action of others, and the number of the request that it runs before.
    action: Mutex<Option<(usize, ConcurrentAction)>>,
    sent: AtomicUsize,
    injected: AtomicBool,
    crashed: watch::Sender<bool>,
    in_flight: InFlight,
    effects: Option<EffectLog>,
    /// True if its SDK clients have [`ATTEMPT_TIMEOUT`] and [`CALL_TIMEOUT`]; otherwise they have none.
    has_timeouts: bool,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}

impl Faults {
    /// Creates faults that `plan` chooses for each request.
    pub fn new(plan: impl FnMut(OutgoingRequest<'_>) -> Fault + Send + 'static) -> Self {
        Self {
            plan: Mutex::new(Box::new(plan)),
            action: Mutex::default(),
            sent: AtomicUsize::new(0),
            injected: AtomicBool::new(false),
            crashed: watch::channel(false).0,
            in_flight: InFlight::default(),
            effects: None,
            has_timeouts: true,
        }
    }

    /// Creates a worker without faults or timeouts.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| Fault::None).without_timeouts()
    }

    /// Disables the timeouts of the SDK clients: no request fails or is sent twice because the
    /// machine is slow.
    #[must_use]
    pub fn without_timeouts(self) -> Self {
        Self {
            has_timeouts: false,
            ..self
        }
    }

    /// Injects the fault into request `number`, from 0, and no other.
    #[must_use]
    pub fn at(number: usize, fault: Fault) -> Self {
        Self::new(move |request| match request.number == number {
            true => fault.clone(),
            false => Fault::None,
        })
    }

    /// Injects the fault into write `number`, from 0, and no other request. A crash around a read
    /// is the same as a crash after the write before it.
    #[must_use]
    pub fn at_write(number: usize, fault: Fault) -> Self {
        let mut writes = 0;
        Self::new(move |request| {
            writes += usize::from(request.is_write());
            match request.is_write() && writes == number + 1 {
                true => fault.clone(),
                false => Fault::None,
            }
        })
    }

    /// Runs an action of others to its end just before the request of that number.
    #[must_use]
    pub fn before_request(self, action: Option<(usize, ConcurrentAction)>) -> Self {
        let action = Mutex::new(action);
        Self { action, ..self }
    }

    /// Returns true if the action of others has not run yet.
    #[must_use]
    pub fn has_pending_action(&self) -> bool {
        self.action().is_some()
    }

    fn action(&self) -> MutexGuard<'_, Option<(usize, ConcurrentAction)>> {
        self.action.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the worker's requests in `in_flight`.
    #[must_use]
    pub fn counted_in(mut self, in_flight: &InFlight) -> Self {
        self.in_flight = in_flight.clone();
        self
    }

    /// Records the effects of the worker's statements in `effects`.
    #[must_use]
    pub fn recorded_in(mut self, effects: &EffectLog) -> Self {
        self.effects = Some(effects.clone());
        self
    }

    /// Returns true if any request had a fault.
    #[must_use]
    pub fn were_injected(&self) -> bool {
        self.injected.load(Ordering::SeqCst)
    }

    /// Runs `work` until it ends or the worker crashes; `None` if it crashed. Requests that were
    /// sent still arrive.
    pub async fn run_until_crash<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut crashed = self.crashed.subscribe();
        tokio::select! {
            biased;
            _ = crashed.wait_for(|crashed| *crashed) => None,
            done = work => Some(done),
        }
    }

    /// Returns the store with this worker's faults. Its SDK client has no short timeouts and
    /// retries lost connections at once.
    #[must_use]
    pub fn store(self: &Arc<Self>, store: &Store) -> Store {
        let config = store.client().config();
        let http_client = intercepted(self, config.http_client());
        let config = config.to_builder().http_client(http_client);
        let config = config.retry_config(fast_retries());
        store.through(aws_sdk_dynamodb::Client::from_conf(config.build()))
    }

    /// Returns the runner with this worker's faults. Its SDK clients have this worker's timeouts
    /// and retry at once.
    #[must_use]
    pub fn runner(self: &Arc<Self>, runner: &Runner) -> Runner {
        let mut runner = runner.clone();
        let timeouts = self.timeouts();
        let store = self.store(&runner.store);
        let config = store.client().config().to_builder();
        let config = config.timeout_config(timeouts.clone());
        runner.store = store.through(aws_sdk_dynamodb::Client::from_conf(config.build()));
        let objects = &mut runner.background.objects;
        let config = objects.client.config();
        let http_client = intercepted(self, config.http_client());
        let config = config.to_builder().http_client(http_client);
        let config = config.retry_config(fast_retries());
        let config = config.timeout_config(timeouts.clone());
        objects.client = aws_sdk_s3::Client::from_conf(config.build());
        let queues = &mut runner.background.queues;
        let config = queues.client.config();
        let http_client = intercepted(self, config.http_client());
        let config = config.to_builder().http_client(http_client);
        let config = config.retry_config(fast_retries()).timeout_config(timeouts);
        queues.client = aws_sdk_sqs::Client::from_conf(config.build());
        runner
    }

    fn timeouts(&self) -> TimeoutConfig {
        if !self.has_timeouts {
            return TimeoutConfig::disabled();
        }
        TimeoutConfig::builder()
            .connect_timeout(ATTEMPT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build()
    }

    async fn next_fault(&self, request: &HttpRequest) -> Fault {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let action = self.action().take_if(|(at, _)| *at == number);
        if let Some((_, action)) = action {
            action.await;
        }
        let (service, operation) = interceptor::operation(request);
        let request = OutgoingRequest {
            service,
            operation: &operation,
            number,
        };
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = plan(request);
        if fault != Fault::None {
            self.injected.store(true, Ordering::SeqCst);
        }
        fault
    }

    fn crash(&self) {
        self.crashed.send_replace(true);
    }

    fn has_crashed(&self) -> bool {
        *self.crashed.borrow()
    }
}

fn fast_retries() -> RetryConfig {
    RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(2))
}
