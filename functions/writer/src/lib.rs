//! The function `writer`, behind the queue of chunks: plans or applies each. How stands in
//! `muster-import`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use muster_aws::background::ChunkMessage;
use muster_import::Runner;

/// Does what the messages of an event ask for, and says which are to be delivered again.
pub async fn handle(runner: &Runner, event: SqsEvent) -> SqsBatchResponse {
    muster_events::each(event, |message: ChunkMessage| runner.write(message)).await
}
