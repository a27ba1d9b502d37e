//! Imports in the background whose functions a test calls itself, one after the other: uploads a
//! file, and takes the messages out of the queues.

use aws_sdk_sqs::Client;
use jiff::Timestamp;
use muster_aws::runs::RunId;
use muster_aws::tasks::Task;
use muster_aws::{Background, Store};
use muster_import::uploads::{CompleteOutcome, complete};
use serde::de::DeserializeOwned;

use crate::uploads::create_and_send_parts;

/// Creates, sends and completes an upload, as the function `imports` does for a client. Returns the
/// run and the number of parts.
pub async fn upload(
    store: &Store,
    background: &Background,
    task: &Task,
    file: &[u8],
    dry_run: bool,
) -> (RunId, u64) {
    let (run, parts) = create_and_send_parts(store, background, task, file, dry_run).await;
    let now = Timestamp::now();
    let row = store.runs().get(&run, now).await.expect("reading the run");
    let row = row.expect("the run exists");
    let completed = complete(store, background, row, task, now).await;
    assert!(
        matches!(completed, Ok(CompleteOutcome::Began(_))),
        "{completed:?}"
    );
    (run, parts)
}

/// Receives and deletes up to ten messages of a queue.
pub async fn receive_messages<M: DeserializeOwned>(client: &Client, url: &str) -> Vec<M> {
    let received = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10);
    let received = received.send().await.expect("receiving messages");
    let mut messages = Vec::new();
    for message in received.messages.unwrap_or_default() {
        let receipt = message.receipt_handle.expect("a receipt handle");
        let deleted = client
            .delete_message()
            .queue_url(url)
            .receipt_handle(receipt);
        deleted.send().await.expect("deleting a message");
        let body = message.body.expect("a message body");
        messages.push(serde_json::from_str(&body).expect("a message of this type"));
    }
    messages
}
