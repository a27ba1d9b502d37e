//! SQS on this machine: the standard queues of the template, over the service's JSON protocol.
//! They are in memory, also where everything else is kept in a directory: a queue is a hint, the
//! run is the truth, and the sweeper sends again what stands still. Any credentials will do.

mod actions;
#[cfg(test)]
pub(crate) mod emulation;
mod queue;
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

use crate::http::HttpServer;
use crate::template::QueueDefinition;
use actions::{Queues, Receipt};
use wire::{Code, ReceiveMessage, Refusal, json_answer, parse};

/// A message of 1 MiB can take six times as much in JSON.
const BODY_BYTES: usize = 8 << 20;

/// A running emulator. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct Sqs {
    server: HttpServer,
    service: Arc<Service>,
}

struct Service {
    queues: Mutex<Queues>,
    /// Something was sent, became visible, or it all ends.
    changed: Notify,
    stopping: AtomicBool,
}

/// `Queues` holds what people sent.
impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl Sqs {
    /// Serves these queues on `listener`. It answers as soon as this returns.
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
        // SDKs differ in which path they send to: the root, or the queue's.
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .with_state(Arc::clone(&service));
        Ok(Self {
            server: HttpServer::start(listener, router)?,
            service,
        })
    }

    /// Where SDK clients find it, such as `http://127.0.0.1:8002`.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The URL of the queue `name`.
    pub fn url(&self, name: &str) -> String {
        self.service.queues().url(name)
    }

    /// Answers who waits for a message, stops accepting and lets other requests finish.
    pub async fn stop(self) -> io::Result<()> {
        let Self { server, service } = self;
        service.stopping.store(true, Ordering::SeqCst);
        service.changed.notify_waiters();
        server.stop().await
    }
}

async fn answer(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|to| to.to_str().ok());
    let action = target.and_then(|target| target.strip_prefix("AmazonSQS."));
    let done = match action {
        Some("ReceiveMessage") => match parse(&body) {
            Ok(input) => service.receive(&input).await,
            Err(refusal) => Err(refusal),
        },
        Some(action) => service.act(action, &body),
        None => Err(Refusal::new(
            Code::UnsupportedOperation,
            "only the JSON protocol is spoken here: the header X-Amz-Target names the action",
        )),
    };
    match done {
        Ok(done) => json_answer(StatusCode::OK, &done),
        Err(refusal) => refusal.into_response(),
    }
}

impl Service {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every action that does not wait.
    fn act(&self, action: &str, body: &[u8]) -> Result<Value, Refusal> {
        let now = Timestamp::now();
        let mut queues = self.queues();
        let done = match action {
            "SendMessage" => queues.send_message(parse(body)?, now),
            "SendMessageBatch" => queues.send_message_batch(parse(body)?, now),
            "DeleteMessage" => queues.delete_message(&parse(body)?),
            "DeleteMessageBatch" => queues.delete_message_batch(parse(body)?),
            "ChangeMessageVisibility" => queues.change_message_visibility(&parse(body)?, now),
            "GetQueueUrl" => queues.get_queue_url(&parse(body)?),
            "GetQueueAttributes" => queues.get_queue_attributes(&parse(body)?, now),
            "PurgeQueue" => queues.purge_queue(&parse(body)?),
            _ => Err(Refusal::new(
                Code::UnsupportedOperation,
                format!("{action} is not emulated"),
            )),
        };
        self.changed.notify_waiters();
        done
    }

    /// Waits for a message as long as it was asked to.
    async fn receive(&self, input: &ReceiveMessage) -> Result<Value, Refusal> {
        let deadline = Instant::now() + input.wait()?;
        loop {
            // Listening before looking: what comes between the two is not missed.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = Timestamp::now();
            let Receipt {
                messages,
                next,
                moved,
            } = self.queues().receive_message(input, now)?;
            if moved {
                self.changed.notify_waiters();
            }
            let over = Instant::now() >= deadline || self.stopping.load(Ordering::SeqCst);
            if over || !messages.is_empty() {
                return Ok(json!({"Messages": messages}));
            }
            let next = next.map(|at| Duration::try_from(at.duration_since(now)));
            let next = next.and_then(Result::ok);
            let wake = next.map_or(deadline, |next| deadline.min(Instant::now() + next));
            tokio::select! {
                () = changed => {}
                () = sleep_until(wake) => {}
            }
        }
    }
}
