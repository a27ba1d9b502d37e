//! Looking up idempotency keys, and storing and reading their responses.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{Answer, KeyRow, KeyUse, RequestKey, StoredAnswer, key};
use super::{Idempotency, ROW};
use crate::dynamodb::row::{self, Attributes, Key};
use crate::error::StoreError;
use crate::runs::id::RunId;

/// Lifetime of a part: parts are written before the key gets its response, and must outlive the
/// key.
const PART_LIFETIME: Duration = Duration::from_secs(25 * 3_600);
/// Maximum bytes of a response in the row of its key; nearly every response fits.
const MAX_HEAD_BYTES: usize = 100_000;
/// Maximum bytes of each further part; DynamoDB limits a row to 400 KB.
const MAX_PART_BYTES: usize = 300_000;
/// Maximum parts written or read concurrently.
const CONCURRENT_PARTS: usize = 3;

/// State of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// No live run and no response: a run may start.
    Free(KeyUse),
    /// The key was used with another body.
    OtherBody,
    /// Its run has not ended.
    Running {
        /// Expiry of the run's lock.
        until: Timestamp,
    },
    /// The key has a response.
    Answered {
        /// The run.
        run: RunId,
        /// The stored response.
        answer: Answer,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct AnswerPart {
    text: String,
    expires_at: i64,
}

row::codec!(AnswerPart);

fn part_key(pk: &str, run: &RunId, part: usize) -> Key {
    Key::new(pk, format!("ANSWER#{run}#{part:04}"))
}

/// Splits a text after at most `bytes` bytes, between two characters.
fn cut(text: &str, bytes: usize) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(bytes))
}

/// Returns the rows of the parts that do not fit into the row of the key. Rows are built lazily,
/// because together they may be large.
fn part_rows(
    pk: &str,
    run: &RunId,
    mut rest: &str,
    expires_at: i64,
) -> impl Iterator<Item = Result<Attributes, StoreError>> + Send {
    let mut number = 0;
    std::iter::from_fn(move || {
        let (text, after) = cut(rest, MAX_PART_BYTES);
        if text.is_empty() {
            return None;
        }
        let part = AnswerPart {
            text: text.to_owned(),
            expires_at,
        };
        let row = row::encode(ROW, &part_key(pk, run, number), &part);
        rest = after;
        number += 1;
        Some(row)
    })
}

impl Idempotency<'_> {
    /// Returns the current state of a key.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn look_up(
        self,
        request: &RequestKey,
        now: Timestamp,
    ) -> Result<KeyState, StoreError> {
        let free = |left_by| {
            Ok(KeyState::Free(KeyUse {
                key: request.clone(),
                left_by,
            }))
        };
        let row: Option<KeyRow> = self.store.read_row(ROW, &key(&request.pk), now).await?;
        let Some(row) = row else {
            return free(None);
        };
        if row.body != request.body {
            return Ok(KeyState::OtherBody);
        }
        if let Some(answer) = row.answer {
            let answer = self.read_answer(request, &row.run, answer, now).await?;
            return Ok(KeyState::Answered {
                run: row.run,
                answer,
            });
        }
        let run = self.store.runs().get(&row.run, now).await?;
        if row.until <= now || run.is_none_or(|run| run.state.is_terminal()) {
            return free(Some(row.run));
        }
        Ok(KeyState::Running { until: row.until })
    }

    /// Writes the parts of a response that do not fit into the row of the key, and returns the rest
    /// for [`crate::runs::task_lock::TaskLocks::finish`], which stores it there. Repeating a call
    /// changes nothing.
    ///
    /// # Errors
    /// Returns an error if the store request fails; some parts may have been written.
    pub async fn store_answer(
        self,
        key: &KeyUse,
        run: &RunId,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<StoredAnswer, StoreError> {
        let (head, rest) = cut(&answer.body, MAX_HEAD_BYTES);
        let expires_at = row::expiry(row::later(now, PART_LIFETIME));
        let rows = part_rows(&key.key.pk, run, rest, expires_at);
        let written: Vec<()> = stream::iter(rows)
            .map(|row| async move { self.store.put_retrying(row?).await })
            .buffer_unordered(CONCURRENT_PARTS)
            .try_collect()
            .await?;
        Ok(StoredAnswer {
            status: answer.status,
            head: head.to_owned(),
            parts: written.len(),
        })
    }

    async fn read_answer(
        self,
        request: &RequestKey,
        run: &RunId,
        stored: StoredAnswer,
        now: Timestamp,
    ) -> Result<Answer, StoreError> {
        let StoredAnswer {
            status,
            head: mut body,
            parts,
        } = stored;
        let parts: Vec<AnswerPart> = stream::iter(0..parts)
            .map(|part| async move {
                let part: Option<AnswerPart> = self
                    .store
                    .read_row(ROW, &part_key(&request.pk, run, part), now)
                    .await?;
                part.ok_or_else(|| StoreError::Row {
                    row: ROW,
                    reason: "a part of its response is missing".to_owned(),
                })
            })
            .buffered(CONCURRENT_PARTS)
            .try_collect()
            .await?;
        body.extend(parts.into_iter().map(|part| part.text));
        Ok(Answer { status, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_response_is_split_between_characters_without_loss() {
        let body = "é".repeat(450_001);
        let (head, rest) = cut(&body, 100_001);
        assert_eq!(head.len(), 100_000);
        let run = RunId::generate(Timestamp::UNIX_EPOCH);
        let parts: Vec<AnswerPart> = part_rows("KEY#acme#1", &run, rest, 0)
            .map(|row| row::decode(ROW, row.unwrap()).unwrap())
            .collect();
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part.text.len() <= MAX_PART_BYTES));
        let texts: String = parts.into_iter().map(|part| part.text).collect();
        assert_eq!([head, &texts].concat(), body);
        assert_eq!(cut("short", MAX_HEAD_BYTES), ("short", ""));
    }
}
