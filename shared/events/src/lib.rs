//! What the functions behind queues share: taking messages apart, and saying which of them are to
//! be delivered again.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

/// Does `work` for each message of an event, one after the other. Messages that fail, or that
/// nobody can read, are named in the answer: the queue delivers them again, and puts aside those
/// that it has delivered too often.
pub async fn each<'w, M, E>(
    event: SqsEvent,
    work: impl Fn(M) -> BoxFuture<'w, Result<(), E>> + Sync,
) -> SqsBatchResponse
where
    M: DeserializeOwned,
    E: Display,
{
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        if !one(&id, &message, &work).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Whether a message is done with.
async fn one<'w, M, E>(
    id: &str,
    message: &SqsMessage,
    work: &(impl Fn(M) -> BoxFuture<'w, Result<(), E>> + Sync),
) -> bool
where
    M: DeserializeOwned,
    E: Display,
{
    let body = message.body.as_deref().unwrap_or_default();
    let Ok(parsed) = serde_json::from_str(body) else {
        // Not what is wrong with it: that would quote it.
        tracing::error!(message.id = id, "a message cannot be read");
        return false;
    };
    match AssertUnwindSafe(work(parsed)).catch_unwind().await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(message.id = id, %error, "a message is to be delivered again");
            false
        }
        Err(_panic) => {
            tracing::error!(message.id = id, "the work on a message panicked");
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
    async fn only_messages_that_failed_are_delivered_again() {
        let work = |number: u64| {
            let work = async move {
                match number {
                    1 => Ok(()),
                    2 => Err("no"),
                    _ => panic!("{number}"),
                }
            };
            work.boxed()
        };
        let response = each(event(&["1", "2", "3", "poison", "1"]), work).await;
        let failed = response.batch_item_failures.iter();
        let failed: Vec<_> = failed.map(|it| it.item_identifier.as_str()).collect();
        assert_eq!(failed, ["1", "2", "3"]);
    }
}
