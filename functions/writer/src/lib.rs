//! The function `writer`, triggered by the queue of chunks: plans or applies each chunk, with
//! `muster-import`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use muster_aws::background::ChunkMessage;
use muster_import::Runner;

/// Handles the messages of an event, and returns those that must be redelivered.
pub async fn handle(runner: &Runner, event: SqsEvent) -> SqsBatchResponse {
    muster_events::for_each_message(event, |message: ChunkMessage| runner.write(message)).await
}
