//! The functions behind queues and the schedule, called as AWS Lambda calls them: with events, many
//! at once. In the process of a stack, or in one of their own that can be killed.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use muster_import::Runner;

use crate::pump::{Delivered, Pump};
use crate::schedule::Schedule;

/// How many of each function run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Processors: uploads that are read at once.
    pub processors: usize,
    /// Writers: chunks that are written at once. Two keep the embedded store busy.
    pub writers: usize,
    /// How often the sweeper is called; `None`: never.
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
    /// No workers: queues fill up, and whoever wants something done does it.
    pub const NONE: Self = Self {
        processors: 0,
        writers: 0,
        sweep_every: None,
    };
}

/// Running workers. Dropping them lets running calls finish; `stop` waits for that.
#[derive(Debug)]
pub struct Workers {
    pumps: Vec<Pump>,
    schedule: Option<Schedule>,
}

impl Workers {
    /// Starts as many as `options` say.
    pub fn start(runner: &Runner, options: WorkerOptions) -> Self {
        let WorkerOptions {
            processors,
            writers,
            sweep_every,
        } = options;
        let queues = &runner.background.queues;
        let processing = runner.clone();
        let writing = runner.clone();
        let pumps = vec![
            Pump::start(
                queues.client.clone(),
                queues.imports_url().to_owned(),
                processors,
                move |delivered| {
                    let runner = processing.clone();
                    async move { answered(muster_processor::handle(&runner, event(delivered)).await) }
                },
            ),
            Pump::start(
                queues.client.clone(),
                queues.chunks_url().to_owned(),
                writers,
                move |delivered| {
                    let runner = writing.clone();
                    async move { answered(muster_writer::handle(&runner, event(delivered)).await) }
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
        Self { pumps, schedule }
    }

    /// Begins nothing more and lets running calls finish.
    pub async fn stop(self) {
        for pump in self.pumps {
            pump.stop().await;
        }
        if let Some(schedule) = self.schedule {
            schedule.stop().await;
        }
    }
}

/// The event that Lambda makes of a message.
fn event(delivered: Delivered) -> SqsEvent {
    let mut message = SqsMessage::default();
    message.message_id = Some(delivered.message_id);
    message.body = Some(delivered.body);
    let mut event = SqsEvent::default();
    event.records = vec![message];
    event
}

/// What Lambda makes of the function's answer.
fn answered(response: aws_lambda_events::sqs::SqsBatchResponse) -> Result<(), &'static str> {
    if response.batch_item_failures.is_empty() {
        Ok(())
    } else {
        Err("the function reports it as failed")
    }
}
