//! The function `processor`, triggered by the queue of uploads: reads each upload and cuts it into
//! chunks, with `muster-import`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use muster_aws::background::ProcessMessage;
use muster_import::Runner;

/// Handles the messages of an event, and returns those that must be redelivered.
pub async fn handle(runner: &Runner, event: SqsEvent) -> SqsBatchResponse {
    muster_events::for_each_message(event, |message: ProcessMessage| runner.process(message)).await
}
