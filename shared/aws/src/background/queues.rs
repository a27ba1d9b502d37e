//! The two queues. A message names work, it holds no data; a message that is lost, doubled or late
//! changes nothing but when the work is done.

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::rounds::Round;
use crate::runs::RunId;

/// Messages of one call.
const BATCH: usize = 10;
/// Calls at once.
const CALLS: usize = 4;
/// How often the messages that a call left out are sent again.
const TRIES: usize = 4;

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
    /// Whether the chunk is to be planned or applied.
    pub round: Round,
    /// The chunk, from 0.
    pub chunk: u32,
    /// What is to be done with it.
    pub work: Work,
}

/// What is to be done with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Plan or apply it.
    Write,
    /// Count what was applied of it, and see to it that nothing more is (PROTOCOL §9).
    Reconcile,
}

impl Work {
    /// As logs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Reconcile => "reconcile",
        }
    }
}

/// The queues behind a client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues {
    /// The SDK's client.
    pub client: aws_sdk_sqs::Client,
    imports: String,
    chunks: String,
}

impl Queues {
    pub(super) const fn new(client: aws_sdk_sqs::Client, imports: String, chunks: String) -> Self {
        Self {
            client,
            imports,
            chunks,
        }
    }

    /// The URL of the queue of imports.
    #[must_use]
    pub fn imports_url(&self) -> &str {
        &self.imports
    }

    /// The URL of the queue of chunks.
    #[must_use]
    pub fn chunks_url(&self) -> &str {
        &self.chunks
    }

    /// Queues a run of `tenant` for the processor.
    ///
    /// # Errors
    /// The queue's; whether it took the message is open.
    pub async fn send_process(&self, tenant: &str, run: RunId) -> Result<(), StoreError> {
        self.client
            .send_message()
            .queue_url(&self.imports)
            .message_body(body(&ProcessMessage { run })?)
            .message_group_id(tenant)
            .send()
            .await
            .map_err(StoreError::sdk("SendMessage"))?;
        Ok(())
    }

    /// Queues chunks of a run of `tenant` for the writers.
    ///
    /// # Errors
    /// The queue's; some messages may be queued then.
    pub async fn send_chunks(
        &self,
        tenant: &str,
        messages: &[ChunkMessage],
    ) -> Result<(), StoreError> {
        stream::iter(
            messages
                .chunks(BATCH)
                .map(<[_]>::to_vec)
                .collect::<Vec<_>>(),
        )
        .map(|batch| self.send_batch(tenant, batch))
        .buffer_unordered(CALLS)
        .try_collect()
        .await
    }

    async fn send_batch(
        &self,
        tenant: &str,
        mut batch: Vec<ChunkMessage>,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "SendMessageBatch";
        let mut trouble = None;
        for _ in 0..TRIES {
            let entries = batch.iter().enumerate().map(|(index, message)| {
                Ok(SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body(message)?)
                    .message_group_id(tenant)
                    .build()?)
            });
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.chunks)
                .set_entries(Some(entries.collect::<Result<_, StoreError>>()?))
                .send()
                .await
                .map_err(StoreError::sdk(OPERATION))?;
            let Some(failed) = answer.failed.first() else {
                return Ok(());
            };
            trouble = Some(StoreError::from_code(
                OPERATION,
                &failed.code,
                failed.message.as_deref(),
            ));
            let left: Vec<usize> = answer
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
        trouble.map_or(Ok(()), Err)
    }

    /// About how many messages wait for a writer.
    ///
    /// # Errors
    /// The queue's.
    pub async fn chunks_waiting(&self) -> Result<u64, StoreError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.chunks)
            .attribute_names(name.clone())
            .send()
            .await
            .map_err(StoreError::sdk("GetQueueAttributes"))?;
        let count = answer.attributes().and_then(|all| all.get(&name));
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }
}

fn body<T: Serialize>(message: &T) -> Result<String, StoreError> {
    serde_json::to_string(message).map_err(|_| StoreError::Row {
        row: "a message",
        reason: "it does not fit JSON".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_small_and_reads_as_it_was_written() {
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
