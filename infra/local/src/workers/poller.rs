//! Polls a queue and calls a function with each message, as AWS Lambda's event source mapping does
//! on an account.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::call::call_isolated;

/// Long-poll wait, shorter than any client's timeout.
const POLL_WAIT_SECONDS: i32 = 5;
/// Backoff after a failed poll.
const POLL_BACKOFF: Duration = Duration::from_secs(1);

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueMessage {
    /// Body.
    pub body: String,
    /// Number of receives, this one included.
    pub receive_count: u32,
    /// Id, the same for each receive.
    pub message_id: String,
}

/// Tasks that poll a queue. Dropping it lets calls in progress finish and receives nothing more;
/// `stop` waits for that.
#[derive(Debug)]
pub(super) struct QueuePoller {
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
}

/// The state of a polling task.
struct PollTask<H> {
    client: Client,
    queue_url: String,
    stopped: watch::Receiver<()>,
    handler: Arc<H>,
}

impl QueuePoller {
    /// Starts `concurrency` tasks that receive one message at a time and call `handler` with it. A
    /// message is deleted after its call succeeded; after a failure or a panic it is redelivered
    /// when its visibility timeout ends.
    pub(super) fn start<H, R, E>(
        client: Client,
        queue_url: String,
        concurrency: usize,
        handler: H,
    ) -> Self
    where
        H: Fn(QueueMessage) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let (stop, stopped) = watch::channel(());
        let handler = Arc::new(handler);
        let mut tasks = JoinSet::new();
        for _ in 0..concurrency {
            let task = PollTask {
                client: client.clone(),
                queue_url: queue_url.clone(),
                stopped: stopped.clone(),
                handler: Arc::clone(&handler),
            };
            tasks.spawn(task.run());
        }
        Self { stop, tasks }
    }

    /// Receives nothing more and waits for calls in progress.
    pub(super) async fn stop(self) {
        let Self { stop, tasks } = self;
        drop(stop);
        tasks.join_all().await;
    }
}

impl<H, R, E> PollTask<H>
where
    H: Fn(QueueMessage) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    async fn run(mut self) {
        let mut stopped = self.stopped.clone();
        loop {
            let message = tokio::select! {
                biased;
                // Stopped or dropped.
                _ = stopped.changed() => return,
                received = self.receive() => received,
            };
            match message {
                Ok(Some(message)) => self.process(message).await,
                Ok(None) => {}
                Err(error) => {
                    let error = DisplayErrorContext(error);
                    tracing::warn!(queue = self.queue_url, %error, "failed to receive messages");
                    tokio::select! {
                        _ = self.stopped.changed() => return,
                        () = tokio::time::sleep(POLL_BACKOFF) => {}
                    }
                }
            }
        }
    }

    async fn receive(&self) -> Result<Option<Message>, SdkError<ReceiveMessageError>> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(1)
            .wait_time_seconds(POLL_WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await?;
        Ok(received.messages.and_then(|mut messages| messages.pop()))
    }

    async fn process(&self, message: Message) {
        let receive_count = message
            .attributes()
            .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount))
            .and_then(|count| count.parse().ok());
        let received = QueueMessage {
            body: message.body.unwrap_or_default(),
            receive_count: receive_count.unwrap_or(1),
            message_id: message.message_id.unwrap_or_default(),
        };
        let message_id = received.message_id.clone();
        let handler = Arc::clone(&self.handler);
        if let Err(error) = call_isolated(async move { handler(received).await }).await {
            tracing::warn!(queue = self.queue_url, message_id, %error, "the call failed; the message will be redelivered");
            return;
        }
        let deleted = self.client.delete_message().queue_url(&self.queue_url);
        let deleted = deleted.set_receipt_handle(message.receipt_handle);
        if let Err(error) = deleted.send().await {
            let error = DisplayErrorContext(error);
            tracing::warn!(queue = self.queue_url, message_id, %error, "failed to delete a processed message; it will be redelivered");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;

    use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
    use aws_sdk_sqs::types::QueueAttributeName;
    use muster_emulators::loopback;
    use muster_emulators::sqs::Sqs;
    use muster_emulators::template::{DeadLetters, QueueDefinition, REGION};
    use tokio::sync::{Barrier, Semaphore, mpsc};

    use super::*;

    const NAME: &str = "muster-local-chunks";
    const DEAD: &str = "muster-local-chunks-dead";
    /// Visibility timeout for tests that wait until it ends.
    const SHORT_VISIBILITY: Duration = Duration::from_millis(100);
    const LONG_VISIBILITY: Duration = Duration::from_secs(60);

    struct QueueHarness {
        server: Sqs,
        client: Client,
        url: String,
    }

    fn start(visibility: Duration) -> QueueHarness {
        let dead_letters = DeadLetters {
            queue: DEAD.to_owned(),
            max_receives: 3,
        };
        let queues = [(NAME, Some(dead_letters)), (DEAD, None)];
        let queues = queues.map(|(name, dead_letters)| QueueDefinition {
            name: name.to_owned(),
            visibility,
            dead_letters,
        });
        let server = Sqs::start(loopback::listen(0).unwrap(), &queues).unwrap();
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(server.endpoint())
            .region(Region::from_static(REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .build();
        QueueHarness {
            client: Client::from_conf(config),
            url: server.url(NAME),
            server,
        }
    }

    impl QueueHarness {
        async fn send(&self, body: &str) {
            let sent = self.client.send_message().queue_url(&self.url);
            sent.message_body(body).send().await.unwrap();
        }

        fn poll<H, R>(&self, concurrency: usize, handler: H) -> QueuePoller
        where
            H: Fn(QueueMessage) -> R + Send + Sync + 'static,
            R: Future<Output = Result<(), String>> + Send + 'static,
        {
            QueuePoller::start(self.client.clone(), self.url.clone(), concurrency, handler)
        }

        /// Counts the visible and in-flight messages of the queue.
        async fn message_count(&self) -> usize {
            let request = self.client.get_queue_attributes().queue_url(&self.url);
            let request = request.attribute_names(QueueAttributeName::All);
            let attributes = request.send().await.unwrap().attributes.unwrap();
            let of = |name| attributes[&name].parse::<usize>().unwrap();
            of(QueueAttributeName::ApproximateNumberOfMessages)
                + of(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        }
    }

    #[tokio::test]
    async fn each_message_is_handled_and_deleted() {
        let harness = start(LONG_VISIBILITY);
        for body in ["a", "b", "c"] {
            harness.send(body).await;
        }
        let (done, mut handled) = mpsc::unbounded_channel();
        let poller = harness.poll(2, move |message| {
            let done = done.clone();
            async move { done.send(message).map_err(|error| error.to_string()) }
        });
        let mut bodies = Vec::new();
        for _ in 0..3 {
            let message = handled.recv().await.unwrap();
            assert_eq!(message.receive_count, 1);
            bodies.push(message.body);
        }
        bodies.sort();
        assert_eq!(bodies, ["a", "b", "c"]);
        poller.stop().await;
        assert_eq!(harness.message_count().await, 0);
        harness.server.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_message_whose_call_fails_or_panics_is_redelivered_until_it_is_dead() {
        let harness = start(SHORT_VISIBILITY);
        harness.send("a").await;
        let (attempted, mut attempts) = mpsc::unbounded_channel();
        let poller = harness.poll(1, move |message| {
            let count = message.receive_count;
            attempted.send((message.message_id, count)).unwrap();
            assert_ne!(count, 1, "on purpose");
            async move {
                assert_ne!(count, 2, "on purpose");
                Err("failed".to_owned())
            }
        });
        let (id, first) = attempts.recv().await.unwrap();
        assert_eq!(first, 1);
        assert_eq!(attempts.recv().await, Some((id.clone(), 2)));
        assert_eq!(attempts.recv().await, Some((id.clone(), 3)));
        let dead = harness.client.receive_message();
        let dead = dead
            .queue_url(harness.server.url(DEAD))
            .wait_time_seconds(20);
        let dead = dead.send().await.unwrap();
        assert_eq!(dead.messages()[0].message_id(), Some(id.as_str()));
        poller.stop().await;
        assert_eq!(
            attempts.recv().await,
            None,
            "there are three receives, no fourth"
        );
    }

    #[tokio::test]
    async fn calls_run_concurrently_up_to_the_limit() {
        let harness = start(LONG_VISIBILITY);
        for body in ["a", "b", "c"] {
            harness.send(body).await;
        }
        // Opens only when three calls are in progress.
        let barrier = Arc::new(Barrier::new(4));
        let of_calls = Arc::clone(&barrier);
        let poller = harness.poll(3, move |_| {
            let barrier = Arc::clone(&of_calls);
            async move {
                barrier.wait().await;
                Ok(())
            }
        });
        barrier.wait().await;
        poller.stop().await;
        assert_eq!(harness.message_count().await, 0);
    }

    #[tokio::test]
    async fn stopping_waits_for_calls_in_progress_and_receives_nothing_more() {
        let harness = start(LONG_VISIBILITY);
        harness.send("a").await;
        let (started, mut starts) = mpsc::unbounded_channel();
        let may_end = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&may_end);
        let poller = harness.poll(1, move |message| {
            let permits = Arc::clone(&permits);
            started.send(message.body).unwrap();
            async move {
                permits.acquire().await.unwrap().forget();
                Ok(())
            }
        });
        assert_eq!(starts.recv().await.as_deref(), Some("a"));
        harness.send("b").await;
        let mut stopping = pin!(poller.stop());
        tokio::select! {
            biased;
            () = &mut stopping => panic!("the call is still in progress"),
            () = ready(()) => {}
        }
        may_end.add_permits(2);
        stopping.await;
        assert_eq!(starts.recv().await, None);
        assert_eq!(harness.message_count().await, 1);
    }

    #[tokio::test]
    async fn a_failed_poll_does_not_affect_other_pollers() {
        let harness = start(LONG_VISIBILITY);
        let (done, mut handled) = mpsc::unbounded_channel();
        let handler = move |message: QueueMessage| {
            let done = done.clone();
            async move { done.send(message.body).map_err(|error| error.to_string()) }
        };
        let unknown_url = format!("{}x", harness.url);
        let unknown_queue =
            QueuePoller::start(harness.client.clone(), unknown_url, 1, handler.clone());
        let poller = harness.poll(1, handler);
        harness.send("a").await;
        assert_eq!(handled.recv().await.as_deref(), Some("a"));
        unknown_queue.stop().await;
        poller.stop().await;
    }
}
