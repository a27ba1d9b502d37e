//! What AWS Lambda's event source mapping does on an account: fetches messages from a queue and
//! calls a function with each, many at once.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Seconds a fetch waits for a message: less than any client waits for an answer.
const WAIT: i32 = 5;
/// How long a worker lets a queue alone that does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// A message that a function is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// What was sent.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The same each time.
    pub message_id: String,
}

/// Workers that empty a queue. Dropping it lets running calls finish and fetches nothing more;
/// `stop` waits for that.
#[derive(Debug)]
pub struct Pump {
    stop: watch::Sender<()>,
    workers: JoinSet<()>,
}

/// What a worker needs.
struct Worker<H> {
    client: Client,
    queue_url: String,
    stopped: watch::Receiver<()>,
    handler: Arc<H>,
}

impl Pump {
    /// Lets `workers` at once fetch messages of the queue and call `handler`, each with one message
    /// at a time. A message is deleted once its call has succeeded; after a failure or a panic it
    /// comes again when it is visible again.
    pub fn start<H, R, E>(client: Client, queue_url: String, workers: usize, handler: H) -> Self
    where
        H: Fn(Delivered) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let (stop, stopped) = watch::channel(());
        let handler = Arc::new(handler);
        let mut running = JoinSet::new();
        for _ in 0..workers {
            let worker = Worker {
                client: client.clone(),
                queue_url: queue_url.clone(),
                stopped: stopped.clone(),
                handler: Arc::clone(&handler),
            };
            running.spawn(worker.run());
        }
        Self {
            stop,
            workers: running,
        }
    }

    /// Fetches nothing more and lets running calls finish.
    pub async fn stop(self) {
        let Self { stop, workers } = self;
        drop(stop);
        workers.join_all().await;
    }
}

impl<H, R, E> Worker<H>
where
    H: Fn(Delivered) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    async fn run(mut self) {
        let mut stopped = self.stopped.clone();
        loop {
            let message = tokio::select! {
                biased;
                // Told to stop, or forgotten.
                _ = stopped.changed() => return,
                fetched = self.fetch() => fetched,
            };
            match message {
                Ok(Some(message)) => self.process(message).await,
                Ok(None) => {}
                Err(error) => {
                    let error = DisplayErrorContext(error);
                    tracing::warn!(queue = self.queue_url, %error, "no messages can be fetched");
                    tokio::select! {
                        _ = self.stopped.changed() => return,
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
    }

    async fn fetch(&self) -> Result<Option<Message>, SdkError<ReceiveMessageError>> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(1)
            .wait_time_seconds(WAIT)
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
        let delivered = Delivered {
            body: message.body.unwrap_or_default(),
            receive_count: receive_count.unwrap_or(1),
            message_id: message.message_id.unwrap_or_default(),
        };
        let message_id = delivered.message_id.clone();
        let handler = Arc::clone(&self.handler);
        if let Err(error) = invoke(async move { handler(delivered).await }).await {
            tracing::warn!(queue = self.queue_url, message_id, %error, "a message comes again");
            return;
        }
        let deleted = self.client.delete_message().queue_url(&self.queue_url);
        let deleted = deleted.set_receipt_handle(message.receipt_handle);
        if let Err(error) = deleted.send().await {
            let error = DisplayErrorContext(error);
            tracing::warn!(queue = self.queue_url, message_id, %error, "a message that is done was not deleted and comes again");
        }
    }
}

/// Calls a function on a task of its own, so that its panic ends nothing else.
pub(crate) async fn invoke<R, E>(call: R) -> Result<(), String>
where
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    match tokio::spawn(call).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        // Its message, which may hold data, is the panic hook's.
        Err(ended) if ended.is_panic() => Err("it panicked".to_owned()),
        Err(ended) => Err(ended.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;

    use aws_sdk_sqs::types::QueueAttributeName;
    use tokio::sync::{Barrier, Semaphore, mpsc};

    use super::*;
    use crate::loopback;
    use crate::sqs::{Sqs, emulation};
    use crate::template::{DeadLetters, QueueDefinition};

    const NAME: &str = "muster-local-chunks";
    const DEAD: &str = "muster-local-chunks-dead";
    /// Short, where a test waits for it to end.
    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(60);

    struct Local {
        server: Sqs,
        client: Client,
        url: String,
    }

    fn local(visibility: Duration) -> Local {
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
        Local {
            client: emulation::client(&server.endpoint()),
            url: server.url(NAME),
            server,
        }
    }

    impl Local {
        async fn send(&self, body: &str) {
            let sent = self.client.send_message().queue_url(&self.url);
            sent.message_body(body).send().await.unwrap();
        }

        fn pump<H, R>(&self, workers: usize, handler: H) -> Pump
        where
            H: Fn(Delivered) -> R + Send + Sync + 'static,
            R: Future<Output = Result<(), String>> + Send + 'static,
        {
            Pump::start(self.client.clone(), self.url.clone(), workers, handler)
        }

        /// Messages of the queue, visible and in flight.
        async fn left(&self) -> usize {
            let asked = self.client.get_queue_attributes().queue_url(&self.url);
            let asked = asked.attribute_names(QueueAttributeName::All);
            let found = asked.send().await.unwrap().attributes.unwrap();
            let of = |name| found[&name].parse::<usize>().unwrap();
            of(QueueAttributeName::ApproximateNumberOfMessages)
                + of(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        }
    }

    #[tokio::test]
    async fn each_message_is_handled_and_deleted() {
        let local = local(LONG);
        for body in ["a", "b", "c"] {
            local.send(body).await;
        }
        let (done, mut handled) = mpsc::unbounded_channel();
        let pump = local.pump(2, move |message| {
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
        pump.stop().await;
        assert_eq!(local.left().await, 0);
        local.server.stop().await.unwrap();
    }

    #[tokio::test]
    async fn what_fails_or_panics_comes_again_until_it_is_dead() {
        let local = local(SHORT);
        local.send("a").await;
        let (tried, mut tries) = mpsc::unbounded_channel();
        let pump = local.pump(1, move |message| {
            let count = message.receive_count;
            tried.send((message.message_id, count)).unwrap();
            assert_ne!(count, 1, "on purpose");
            async move {
                assert_ne!(count, 2, "on purpose");
                Err("failed".to_owned())
            }
        });
        let (id, first) = tries.recv().await.unwrap();
        assert_eq!(first, 1);
        assert_eq!(tries.recv().await, Some((id.clone(), 2)));
        assert_eq!(tries.recv().await, Some((id.clone(), 3)));
        let dead = local.client.receive_message();
        let dead = dead.queue_url(local.server.url(DEAD)).wait_time_seconds(20);
        let dead = dead.send().await.unwrap();
        assert_eq!(dead.messages()[0].message_id(), Some(id.as_str()));
        pump.stop().await;
        assert_eq!(tries.recv().await, None, "three receives, no fourth");
    }

    #[tokio::test]
    async fn as_many_messages_are_handled_at_once_as_there_are_workers() {
        let local = local(LONG);
        for body in ["a", "b", "c"] {
            local.send(body).await;
        }
        // Opens only if three have come.
        let all = Arc::new(Barrier::new(4));
        let together = Arc::clone(&all);
        let pump = local.pump(3, move |_| {
            let together = Arc::clone(&together);
            async move {
                together.wait().await;
                Ok(())
            }
        });
        all.wait().await;
        pump.stop().await;
        assert_eq!(local.left().await, 0);
    }

    #[tokio::test]
    async fn stopping_lets_a_running_call_finish_and_fetches_nothing_more() {
        let local = local(LONG);
        local.send("a").await;
        let (started, mut starts) = mpsc::unbounded_channel();
        let may_end = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&may_end);
        let pump = local.pump(1, move |message| {
            let permits = Arc::clone(&permits);
            started.send(message.body).unwrap();
            async move {
                permits.acquire().await.unwrap().forget();
                Ok(())
            }
        });
        assert_eq!(starts.recv().await.as_deref(), Some("a"));
        local.send("b").await;
        let mut stopping = pin!(pump.stop());
        tokio::select! {
            biased;
            () = &mut stopping => panic!("the call is still at it"),
            () = ready(()) => {}
        }
        may_end.add_permits(2);
        stopping.await;
        assert_eq!(starts.recv().await, None);
        assert_eq!(local.left().await, 1);
    }

    #[tokio::test]
    async fn a_pump_outlives_the_silence_of_its_queue() {
        let local = local(LONG);
        let (done, mut handled) = mpsc::unbounded_channel();
        let handler = move |message: Delivered| {
            let done = done.clone();
            async move { done.send(message.body).map_err(|error| error.to_string()) }
        };
        let nowhere = format!("{}x", local.url);
        let lost = Pump::start(local.client.clone(), nowhere, 1, handler.clone());
        let pump = local.pump(1, handler);
        local.send("a").await;
        assert_eq!(handled.recv().await.as_deref(), Some("a"));
        lost.stop().await;
        pump.stop().await;
    }
}
