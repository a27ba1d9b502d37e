//! What meets the calls of a function to the store: requests and answers that are lost, another
//! request in between, the function's death.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use muster_aws::Store;
use tokio::sync::Notify;

/// Something that is done from beginning to end.
pub(crate) type Later = Pin<Box<dyn Future<Output = ()> + Send>>;

const TARGET: &str = "x-amz-target";
/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1/";

/// What meets the calls of one request, each attempt of the SDK counted from 0.
pub(crate) struct Trouble {
    pub(crate) attempts: AtomicUsize,
    /// From this one on the function is dead: nothing reaches the store.
    pub(crate) crash: Option<usize>,
    pub(crate) lost_requests: BTreeSet<usize>,
    pub(crate) lost_answers: BTreeSet<usize>,
    /// Another request, from beginning to end, just before this attempt.
    pub(crate) meanwhile: Mutex<Option<(usize, Later)>>,
    pub(crate) http: reqwest::Client,
    pub(crate) death: Notify,
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trouble")
    }
}

impl Trouble {
    /// None at all, so far.
    pub(crate) fn none(http: reqwest::Client) -> Self {
        Self {
            attempts: AtomicUsize::new(0),
            crash: None,
            lost_requests: BTreeSet::new(),
            lost_answers: BTreeSet::new(),
            meanwhile: Mutex::default(),
            http,
            death: Notify::new(),
        }
    }

    /// The store as one request has it that meets this, and tries again at once.
    pub(crate) fn on(self: &Arc<Self>, store: &Store) -> Store {
        let mut store = store.clone();
        let quick = RetryConfig::standard()
            .with_initial_backoff(Duration::from_millis(1))
            .with_max_backoff(Duration::from_millis(2));
        let config = store.client.config().to_builder().retry_config(quick);
        let config = config.interceptor(Troubled(Arc::clone(self)));
        store.client = Client::from_conf(config.build());
        store
    }

    fn meanwhile(&self, attempt: usize) -> Option<Later> {
        let mut slot = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        slot.take_if(|(at, _)| *at == attempt)
            .map(|(_, later)| later)
    }
}

#[derive(Debug, Clone)]
struct Troubled(Arc<Trouble>);

impl Intercept for Troubled {
    fn name(&self) -> &'static str {
        "Troubled"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Self(trouble) = self;
        let attempt = trouble.attempts.fetch_add(1, Ordering::SeqCst);
        if trouble.crash.is_some_and(|crash| attempt >= crash) {
            trouble.death.notify_one();
            return Err("the function is dead".into());
        }
        // Only of a function that lives: what it leaves behind goes on while others come.
        if let Some(other) = trouble.meanwhile(attempt) {
            let runtime = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| runtime.block_on(other));
        }
        let request = context.request_mut();
        let answer_is_lost = trouble.lost_answers.contains(&attempt);
        if answer_is_lost {
            // It takes effect by another way, on which its answer ends.
            let body = request.body().bytes().unwrap_or_default().to_vec();
            let mut sent = trouble.http.post(request.uri()).body(body);
            for name in [TARGET, "content-type"] {
                let value = request.headers().get(name).unwrap_or_default();
                sent = sent.header(name, value);
            }
            let runtime = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| runtime.block_on(sent.send()))?;
        }
        if answer_is_lost || trouble.lost_requests.contains(&attempt) {
            request.set_uri(NOWHERE)?;
        }
        Ok(())
    }
}
