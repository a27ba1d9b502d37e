//! The SQS emulator: the standard queues of the template over the service's JSON protocol. Queues
//! are in memory even with a data directory: a message is only a hint, the run row holds the state,
//! and the sweeper resends the work of stalled runs. Any credentials are accepted.

mod actions;
mod batch;
mod queue;
#[cfg(test)]
mod tests;
mod wire;

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::loopback::HttpServer;
use crate::template::QueueDefinition;
use actions::{Queues, ReceiveOutcome};
use wire::{ErrorCode, ReceiveMessage, SqsError, json_response, parse};

/// A message of 1 MiB can take six times as much in JSON.
const MAX_BODY_BYTES: usize = 8 << 20;

/// A running emulator. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct Sqs {
    server: HttpServer,
    service: Arc<Service>,
}

struct Service {
    queues: Mutex<Queues>,
    /// Notified after each action and on shutdown.
    changed: Notify,
    stopping: AtomicBool,
}

/// Omits `Queues`, which holds message bodies.
impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl Sqs {
    /// Serves `queues` on `listener`. Accepts requests as soon as this returns.
    ///
    /// # Errors
    /// Returns an error if the listener cannot be used.
    pub fn start<'a>(
        listener: TcpListener,
        queues: impl IntoIterator<Item = &'a QueueDefinition>,
    ) -> io::Result<Self> {
        let endpoint = format!("http://{}", listener.local_addr()?);
        let service = Arc::new(Service {
            queues: Mutex::new(Queues::new(endpoint, queues)),
            changed: Notify::new(),
            stopping: AtomicBool::new(false),
        });
        // Some SDKs send to the root path, others to the queue's.
        let router = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(Arc::clone(&service));
        Ok(Self {
            server: HttpServer::start(listener, router)?,
            service,
        })
    }

    /// Returns the endpoint URL for SDK clients, such as `http://127.0.0.1:8002`.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// Returns the URL of the queue `name`.
    pub fn url(&self, name: &str) -> String {
        self.service.queues().url(name)
    }

    /// Ends long polls, stops accepting requests and waits for those in progress.
    ///
    /// # Errors
    /// Returns an error if the server failed.
    pub async fn stop(self) -> io::Result<()> {
        let Self { server, service } = self;
        service.stopping.store(true, Ordering::SeqCst);
        service.changed.notify_waiters();
        server.stop().await
    }
}

async fn handle(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|to| to.to_str().ok());
    let action = target.and_then(|target| target.strip_prefix("AmazonSQS."));
    let result = match action {
        Some("ReceiveMessage") => match parse(&body) {
            Ok(input) => service.receive(&input).await,
            Err(error) => Err(error),
        },
        Some(action) => service.run(action, &body),
        None => Err(SqsError::new(
            ErrorCode::UnsupportedOperation,
            "only the JSON protocol is supported: expected an action in the header X-Amz-Target",
        )),
    };
    match result {
        Ok(output) => json_response(StatusCode::OK, &output),
        Err(error) => error.into_response(),
    }
}

impl Service {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an action other than `ReceiveMessage`.
    fn run(&self, action: &str, body: &[u8]) -> Result<Value, SqsError> {
        let now = Timestamp::now();
        let mut queues = self.queues();
        let result = match action {
            "SendMessage" => queues.send_message(parse(body)?, now),
            "SendMessageBatch" => queues.send_message_batch(parse(body)?, now),
            "DeleteMessage" => queues.delete_message(&parse(body)?),
            "DeleteMessageBatch" => queues.delete_message_batch(parse(body)?),
            "ChangeMessageVisibility" => queues.change_message_visibility(&parse(body)?, now),
            "GetQueueUrl" => queues.get_queue_url(&parse(body)?),
            "GetQueueAttributes" => queues.get_queue_attributes(&parse(body)?, now),
            "PurgeQueue" => queues.purge_queue(&parse(body)?),
            _ => Err(SqsError::new(
                ErrorCode::UnsupportedOperation,
                format!("{action} is not supported"),
            )),
        };
        self.changed.notify_waiters();
        result
    }

    /// Receives messages, waiting at most `WaitTimeSeconds` for the first one.
    async fn receive(&self, input: &ReceiveMessage) -> Result<Value, SqsError> {
        let deadline = Instant::now() + input.wait()?;
        loop {
            // Registered before receiving, so that no notification in between is missed.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = Timestamp::now();
            let ReceiveOutcome {
                messages,
                next_visible,
                moved_dead_letters,
            } = self.queues().receive_message(input, now)?;
            if moved_dead_letters {
                self.changed.notify_waiters();
            }
            let done = Instant::now() >= deadline || self.stopping.load(Ordering::SeqCst);
            if done || !messages.is_empty() {
                return Ok(json!({"Messages": messages}));
            }
            let next = next_visible.map(|at| Duration::try_from(at.duration_since(now)));
            let next = next.and_then(Result::ok);
            let wake = next.map_or(deadline, |next| deadline.min(Instant::now() + next));
            tokio::select! {
                () = changed => {}
                () = sleep_until(wake) => {}
            }
        }
    }
}
