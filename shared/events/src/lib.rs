//! What the functions with an SQS trigger share: parsing messages, handling them one by one, and
//! reporting those that must be redelivered.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

/// Message attribute of SQS that counts the deliveries of a message.
const RECEIVE_COUNT: &str = "ApproximateReceiveCount";

/// Calls `handle` for each message of an event, one after the other, within a span of the message.
///
/// Returns the messages that failed or could not be parsed: the queue redelivers them, and moves
/// those that it has delivered too often to its dead-letter queue.
pub async fn for_each_message<'h, M, E>(
    event: SqsEvent,
    handle: impl Fn(M) -> BoxFuture<'h, Result<(), E>> + Sync,
) -> SqsBatchResponse
where
    M: DeserializeOwned,
    E: Display,
{
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        // At level ERROR, so that the span is open at every log level.
        let span = tracing::error_span!(
            "message",
            message.id = id,
            message.receive_count = message.attributes.get(RECEIVE_COUNT).map(String::as_str)
        );
        if !handle_one(&message, &handle).instrument(span).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Handles a message. Returns false if it must be redelivered.
async fn handle_one<'h, M, E>(
    message: &SqsMessage,
    handle: &(impl Fn(M) -> BoxFuture<'h, Result<(), E>> + Sync),
) -> bool
where
    M: DeserializeOwned,
    E: Display,
{
    let body = message.body.as_deref().unwrap_or_default();
    let Ok(parsed) = serde_json::from_str(body) else {
        // Without the parse error, which would quote the message.
        tracing::error!("failed to parse a message");
        return false;
    };
    match AssertUnwindSafe(handle(parsed)).catch_unwind().await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(%error, "failed to handle a message; the queue will redeliver it");
            false
        }
        Err(_panic) => {
            tracing::error!("panicked while handling a message; the queue will redeliver it");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bodies: &[&str]) -> SqsEvent {
        let mut event = SqsEvent::default();
        for (number, body) in bodies.iter().enumerate() {
            let mut message = SqsMessage::default();
            message.message_id = Some(number.to_string());
            message.body = Some((*body).to_owned());
            event.records.push(message);
        }
        event
    }

    #[tokio::test]
    async fn only_failed_messages_are_redelivered() {
        let handle = |number: u64| {
            let outcome = async move {
                match number {
                    1 => Ok(()),
                    2 => Err("no"),
                    _ => panic!("{number}"),
                }
            };
            outcome.boxed()
        };
        let response = for_each_message(event(&["1", "2", "3", "poison", "1"]), handle).await;
        let failed = response.batch_item_failures.iter();
        let failed: Vec<_> = failed.map(|it| it.item_identifier.as_str()).collect();
        assert_eq!(failed, ["1", "2", "3"]);
    }
}
