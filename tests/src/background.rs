//! Imports in the background whose functions are called by hand, one after the other: their files
//! come by upload, their messages are taken out of the queues.

use aws_sdk_sqs::Client;
use jiff::Timestamp;
use muster_aws::runs::RunId;
use muster_aws::tasks::Task;
use muster_aws::{Background, Store};
use muster_import::uploads::{Completed, complete};
use serde::de::DeserializeOwned;

use crate::uploads::announced_and_sent;

/// Announces, sends and completes a file, as the function `imports` does for a client; the run, and
/// how many parts there were.
pub async fn uploaded(
    store: &Store,
    background: &Background,
    task: &Task,
    file: &[u8],
    dry_run: bool,
) -> (RunId, u64) {
    let (run, count) = announced_and_sent(store, background, task, file, dry_run).await;
    let now = Timestamp::now();
    let row = store.get_run(&run, now).await.expect("the store");
    let completed = complete(store, background, row.expect("the run"), task, now).await;
    assert!(
        matches!(completed, Ok(Completed::Began(_))),
        "{completed:?}"
    );
    (run, count)
}

/// Up to ten messages of a queue, which are taken out of it.
pub async fn received<M: DeserializeOwned>(client: &Client, url: &str) -> Vec<M> {
    let fetched = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10);
    let fetched = fetched.send().await.expect("the queue");
    let mut messages = Vec::new();
    for message in fetched.messages.unwrap_or_default() {
        let receipt = message.receipt_handle.expect("a receipt");
        let deleted = client
            .delete_message()
            .queue_url(url)
            .receipt_handle(receipt);
        deleted.send().await.expect("the queue");
        let body = message.body.expect("a body");
        messages.push(serde_json::from_str(&body).expect("a message"));
    }
    messages
}
