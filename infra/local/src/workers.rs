//! The background functions, called concurrently and with events as AWS Lambda calls them. They run
//! in the process of a stack or in one of their own, which can be killed.

mod call;
mod poller;
mod schedule;

use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use muster_import::Runner;

pub(crate) use schedule::every;

use poller::{QueueMessage, QueuePoller};
use schedule::Schedule;

/// Number of workers of each background function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Uploads read concurrently.
    pub processors: usize,
    /// Chunks written concurrently. Two saturate the embedded store.
    pub writers: usize,
    /// Interval of the sweeper; `None` for no sweeps.
    pub sweep_every: Option<Duration>,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            processors: 1,
            writers: 2,
            sweep_every: Some(Duration::from_secs(60)),
        }
    }
}

impl WorkerOptions {
    /// No workers: messages stay in the queues until the caller processes them.
    pub const NONE: Self = Self {
        processors: 0,
        writers: 0,
        sweep_every: None,
    };
}

/// Running workers. Dropping them lets calls in progress finish; `stop` waits for that.
#[derive(Debug)]
pub struct Workers {
    pollers: Vec<QueuePoller>,
    schedule: Option<Schedule>,
}

impl Workers {
    /// Starts the workers that `options` describe.
    pub fn start(runner: &Runner, options: WorkerOptions) -> Self {
        let WorkerOptions {
            processors,
            writers,
            sweep_every,
        } = options;
        let queues = &runner.background.queues;
        let processing = runner.clone();
        let writing = runner.clone();
        let pollers = vec![
            QueuePoller::start(
                queues.client.clone(),
                queues.imports_url().to_owned(),
                processors,
                move |message| {
                    let runner = processing.clone();
                    async move {
                        batch_result(muster_processor::handle(&runner, sqs_event(message)).await)
                    }
                },
            ),
            QueuePoller::start(
                queues.client.clone(),
                queues.chunks_url().to_owned(),
                writers,
                move |message| {
                    let runner = writing.clone();
                    async move { batch_result(muster_writer::handle(&runner, sqs_event(message)).await) }
                },
            ),
        ];
        let schedule = sweep_every.map(|period| {
            let runner = runner.clone();
            Schedule::start("sweeper", period, move || {
                let runner = runner.clone();
                async move { muster_sweeper::handle(&runner).await.map(drop) }
            })
        });
        Self { pollers, schedule }
    }

    /// Starts no more calls and waits for those in progress.
    pub async fn stop(self) {
        for poller in self.pollers {
            poller.stop().await;
        }
        if let Some(schedule) = self.schedule {
            schedule.stop().await;
        }
    }
}

/// Returns the event that Lambda creates for a message.
fn sqs_event(received: QueueMessage) -> SqsEvent {
    let mut message = SqsMessage::default();
    message.message_id = Some(received.message_id);
    message.body = Some(received.body);
    let mut event = SqsEvent::default();
    event.records = vec![message];
    event
}

/// Converts a function's response into the result of the message.
fn batch_result(response: aws_lambda_events::sqs::SqsBatchResponse) -> Result<(), &'static str> {
    if response.batch_item_failures.is_empty() {
        Ok(())
    } else {
        Err("the function reported a batch item failure")
    }
}
