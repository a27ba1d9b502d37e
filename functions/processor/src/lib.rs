//! The function `processor`, behind the queue of uploads: reads each to its end and makes chunks of it.
//! How stands in `muster-import`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use muster_aws::background::ProcessMessage;
use muster_import::Runner;

/// Does what the messages of an event ask for, and says which are to be delivered again.
pub async fn handle(runner: &Runner, event: SqsEvent) -> SqsBatchResponse {
    muster_events::each(event, |message: ProcessMessage| runner.process(message)).await
}
