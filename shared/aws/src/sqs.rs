//! The two queues. A message names work and holds no data; a lost, duplicated or late message only
//! changes when the work is done.

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::client::SendBoxed;
use crate::error::StoreError;
use crate::runs::RunId;
use crate::runs::chunks::Round;

/// Maximum messages of one call.
const MAX_BATCH: usize = 10;
/// Maximum concurrent calls.
const CONCURRENT_CALLS: usize = 4;
/// Maximum attempts to send the messages that a call rejected.
const MAX_SEND_ATTEMPTS: usize = 4;

/// Work for the processor: a run whose upload is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMessage {
    /// The run.
    pub run: RunId,
}

/// Work for a writer: a chunk of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkMessage {
    /// The run.
    pub run: RunId,
    /// The processor's attempt whose chunks count.
    pub attempt: String,
    /// The round: planning or applying.
    pub round: Round,
    /// The chunk, from 0.
    pub chunk: u32,
    /// The action on the chunk.
    pub work: Work,
}

/// The action on the chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Plan or apply it.
    Write,
    /// Count the records that were applied, and prevent any further writes (protocol.md#stopping).
    Reconcile,
}

impl Work {
    /// Returns the name for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Reconcile => "reconcile",
        }
    }
}

/// Client of the queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues {
    /// The SDK client.
    pub client: aws_sdk_sqs::Client,
    imports: String,
    chunks: String,
}

impl Queues {
    pub(crate) const fn new(client: aws_sdk_sqs::Client, imports: String, chunks: String) -> Self {
        Self {
            client,
            imports,
            chunks,
        }
    }

    /// Returns the URL of the queue of imports.
    #[must_use]
    pub fn imports_url(&self) -> &str {
        &self.imports
    }

    /// Returns the URL of the queue of chunks.
    #[must_use]
    pub fn chunks_url(&self) -> &str {
        &self.chunks
    }

    /// Queues a run of `tenant` for the processor.
    ///
    /// # Errors
    /// Returns an error if the request to the queue fails; the message may have been queued.
    pub async fn send_process(&self, tenant: &str, run: RunId) -> Result<(), StoreError> {
        self.client
            .send_message()
            .queue_url(&self.imports)
            .message_body(body(&ProcessMessage { run })?)
            .message_group_id(tenant)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("SendMessage"))?;
        Ok(())
    }

    /// Queues chunks of a run of `tenant` for the writers.
    ///
    /// # Errors
    /// Returns an error if the request to the queue fails; some messages may have been queued.
    pub async fn send_chunks(
        &self,
        tenant: &str,
        messages: &[ChunkMessage],
    ) -> Result<(), StoreError> {
        stream::iter(
            messages
                .chunks(MAX_BATCH)
                .map(<[_]>::to_vec)
                .collect::<Vec<_>>(),
        )
        .map(|batch| self.send_batch(tenant, batch))
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await
    }

    async fn send_batch(
        &self,
        tenant: &str,
        mut batch: Vec<ChunkMessage>,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "SendMessageBatch";
        let mut failure = None;
        for _ in 0..MAX_SEND_ATTEMPTS {
            let entries = batch.iter().enumerate().map(|(index, message)| {
                Ok(SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body(message)?)
                    .message_group_id(tenant)
                    .build()?)
            });
            let response = self
                .client
                .send_message_batch()
                .queue_url(&self.chunks)
                .set_entries(Some(entries.collect::<Result<_, StoreError>>()?))
                .send_boxed()
                .await
                .map_err(StoreError::sdk(OPERATION))?;
            let Some(failed) = response.failed.first() else {
                return Ok(());
            };
            failure = Some(StoreError::from_code(
                OPERATION,
                &failed.code,
                failed.message.as_deref(),
            ));
            let left: Vec<usize> = response
                .failed
                .iter()
                .filter_map(|entry| entry.id.parse().ok())
                .collect();
            let mut index = 0;
            batch.retain(|_| {
                index += 1;
                left.contains(&(index - 1))
            });
        }
        failure.map_or(Ok(()), Err)
    }

    /// Returns the approximate number of messages that wait for a writer.
    ///
    /// # Errors
    /// Returns an error if the request to the queue fails.
    pub async fn chunks_waiting(&self) -> Result<u64, StoreError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let response = self
            .client
            .get_queue_attributes()
            .queue_url(&self.chunks)
            .attribute_names(name.clone())
            .send_boxed()
            .await
            .map_err(StoreError::sdk("GetQueueAttributes"))?;
        let count = response.attributes().and_then(|all| all.get(&name));
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }
}

fn body<T: Serialize>(message: &T) -> Result<String, StoreError> {
    serde_json::to_string(message).map_err(|_| StoreError::Row {
        row: "a message",
        reason: "it cannot be encoded as JSON".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_compact_json_and_round_trips() {
        let run = RunId::generate(jiff::Timestamp::UNIX_EPOCH);
        let message = ChunkMessage {
            run,
            attempt: "a1".to_owned(),
            round: Round::Apply,
            chunk: 3,
            work: Work::Write,
        };
        let text = body(&message).unwrap();
        assert_eq!(
            text,
            format!(r#"{{"run":"{run}","attempt":"a1","round":"apply","chunk":3,"work":"write"}}"#)
        );
        assert_eq!(
            serde_json::from_str::<ChunkMessage>(&text).unwrap(),
            message
        );
    }
}
