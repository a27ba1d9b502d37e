//! Idempotency keys (PROTOCOL §11): a request that is sent again under its key gets the answer that
//! was given before, and has no second effect. A key is put with the transaction that begins its
//! run and answered, or deleted, with the one that ends it; those are [`crate::holds`]'s. Here a
//! key is looked up, and what is long about its answer is kept.
//!
//! Rows: `KEY#<tenant>#<hash>` / `KEY` names the run and holds the first part of the answer, `…` /
//! `ANSWER#<run>#<part>` the others. A part is seen only through the row of the key, so those of a
//! run that never ended are never mixed with another's.

use std::time::Duration;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::row::{self, Attributes, EXPIRES_AT, Key, millis};
use crate::runs::RunId;
use crate::tokens::sha256_hex;
use crate::{Store, StoreError};

/// How long a key is kept after its run has begun, and again after it was answered.
pub const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Parts are written before the key is answered, and must outlive it.
const PART_KEPT: Duration = Duration::from_secs(25 * 3_600);
/// Bytes of an answer in the row of its key: nearly every answer needs no other.
const HEAD_BYTES: usize = 100_000;
/// Bytes of each further part; a row ends at 400 KB.
const PART_BYTES: usize = 300_000;
/// Parts that are written or read at the same time.
const AT_ONCE: usize = 3;
const WHAT: &str = "an idempotency key";

/// A request as its key knows it. Keys and bodies may hold anything about people: both are hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The key's partition.
    pk: String,
    /// Of the body.
    body: String,
}

impl RequestKey {
    /// The same text is the same key only for the same tenant, task, path and query.
    #[must_use]
    pub fn new(tenant: &str, task: u64, path: &str, query: &str, text: &str, body: &[u8]) -> Self {
        let mut parts = Vec::new();
        for part in [&task.to_string(), path, query, text] {
            // With its length in front, none can continue another.
            parts.extend((part.len() as u64).to_be_bytes());
            parts.extend(part.as_bytes());
        }
        Self {
            pk: format!("KEY#{tenant}#{}", sha256_hex(&parts)),
            body: sha256_hex(body),
        }
    }
}

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// Nothing that counts: a run may begin.
    Free(KeyUse),
    /// The key of another body.
    OtherBody,
    /// A run that has not ended.
    Running {
        /// When its hold ends.
        until: Timestamp,
    },
    /// The answer of a run that has ended.
    Answered {
        /// The run.
        run: RunId,
        /// What it was answered with.
        answer: Answer,
    },
}

/// A key that was found free, for the run that is to begin under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    key: RequestKey,
    /// The dead run that was found there.
    left_by: Option<RunId>,
}

/// An answer as the client gets it, JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
}

/// An answer of which all is kept but what stands here: the rest of it comes with the run's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    status: u16,
    /// The beginning of the body.
    head: String,
    /// How many further parts there are.
    parts: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyRow {
    run: RunId,
    body: String,
    #[serde(with = "millis")]
    until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<KeptAnswer>,
    expires_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Part {
    text: String,
    expires_at: i64,
}

fn key(pk: &str) -> Key {
    Key::new(pk, "KEY")
}

fn part_key(pk: &str, run: &RunId, part: usize) -> Key {
    Key::new(pk, format!("ANSWER#{run}#{part:04}"))
}

/// The first `bytes` of a text, or as many as end with a character, and the rest.
fn cut(text: &str, bytes: usize) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(bytes))
}

/// The rows of what does not fit into the row of the key, each made when it is asked for: together
/// they may be large.
fn part_rows(
    pk: &str,
    run: &RunId,
    mut rest: &str,
    expires_at: i64,
) -> impl Iterator<Item = Result<Attributes, StoreError>> + Send {
    let mut number = 0;
    std::iter::from_fn(move || {
        let (text, after) = cut(rest, PART_BYTES);
        if text.is_empty() {
            return None;
        }
        let part = Part {
            text: text.to_owned(),
            expires_at,
        };
        let row = row::encode(WHAT, &part_key(pk, run, number), &part);
        rest = after;
        number += 1;
        Some(row)
    })
}

impl KeptAnswer {
    /// A short answer, all of which stands in the row of the key.
    #[must_use]
    pub fn whole(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            head: answer.body.clone(),
            parts: 0,
        }
    }
}

impl KeyUse {
    /// The name under which hold and open row remember the key.
    pub(crate) fn name(&self) -> &str {
        &self.key.pk
    }

    /// The key, to look again at.
    #[must_use]
    pub const fn key(&self) -> &RequestKey {
        &self.key
    }

    /// Puts the key for `run`, unless another run has come first: only what was found there, or
    /// nothing, gives way.
    pub(crate) fn put(
        &self,
        table: &str,
        run: &RunId,
        until: Timestamp,
        answer: Option<&KeptAnswer>,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = KeyRow {
            run: *run,
            body: self.key.body.clone(),
            until,
            answer: answer.cloned(),
            expires_at: row::expiry(row::later(now, KEPT)),
        };
        let left = match self.left_by {
            None => "",
            Some(_) => " OR (#run = :left AND attribute_not_exists(#answer))",
        };
        let mut put = Put::builder()
            .table_name(table)
            .set_item(Some(row::encode(WHAT, &key(&self.key.pk), &row)?))
            .condition_expression(format!(
                "attribute_not_exists(pk) OR #expires_at <= :now{left}"
            ))
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":now", row::number(now.as_second()));
        if let Some(left) = self.left_by {
            put = put
                .expression_attribute_names("#run", "run")
                .expression_attribute_names("#answer", "answer")
                .expression_attribute_values(":left", row::text(left));
        }
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    /// What becomes of the key with the end of its run: the answer, or nothing at all.
    pub(crate) fn end(
        &self,
        table: &str,
        run: &RunId,
        answer: Option<&KeptAnswer>,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let Some(answer) = answer else {
            return delete(table, &self.key.pk);
        };
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key(&self.key.pk).attributes()))
            .update_expression("SET #answer = :answer, #expires_at = :expires_at")
            .condition_expression("#run = :run")
            .expression_attribute_names("#run", "run")
            .expression_attribute_names("#answer", "answer")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":run", row::text(run.to_string()))
            .expression_attribute_values(":answer", row::encode_value(WHAT, answer)?)
            .expression_attribute_values(
                ":expires_at",
                row::number(row::expiry(row::later(now, KEPT))),
            );
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

/// Deletes the key of a run that ends without an answer. To be written together with that end,
/// whose condition sees to it that the key is still this run's.
pub(crate) fn delete(table: &str, name: &str) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key(name).attributes()))
        .build()?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

impl Store {
    /// What stands under a key just now.
    ///
    /// # Errors
    /// What the store says.
    pub async fn look_up_key(
        &self,
        wanted: &RequestKey,
        now: Timestamp,
    ) -> Result<KeyState, StoreError> {
        let free = |left_by| {
            Ok(KeyState::Free(KeyUse {
                key: wanted.clone(),
                left_by,
            }))
        };
        let row: Option<KeyRow> = self.read_row(WHAT, &key(&wanted.pk), now).await?;
        let Some(row) = row else {
            return free(None);
        };
        if row.body != wanted.body {
            return Ok(KeyState::OtherBody);
        }
        if let Some(answer) = row.answer {
            let answer = self.read_answer(wanted, &row.run, answer, now).await?;
            return Ok(KeyState::Answered {
                run: row.run,
                answer,
            });
        }
        let run = self.get_run(&row.run, now).await?;
        if row.until <= now || run.is_none_or(|run| run.state.is_terminal()) {
            return free(Some(row.run));
        }
        Ok(KeyState::Running { until: row.until })
    }

    /// Keeps an answer until [`Store::finish`] gives it to the key, by what this returns. Writing
    /// the same again changes nothing.
    ///
    /// # Errors
    /// What the store says; some parts may then be written.
    pub async fn keep_answer(
        &self,
        key: &KeyUse,
        run: &RunId,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<KeptAnswer, StoreError> {
        let (head, rest) = cut(&answer.body, HEAD_BYTES);
        let expires_at = row::expiry(row::later(now, PART_KEPT));
        let rows = part_rows(&key.key.pk, run, rest, expires_at);
        let written: Vec<()> = stream::iter(rows)
            .map(|row| async move { self.put_patiently(row?).await })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(KeptAnswer {
            status: answer.status,
            head: head.to_owned(),
            parts: written.len(),
        })
    }

    async fn read_answer(
        &self,
        wanted: &RequestKey,
        run: &RunId,
        kept: KeptAnswer,
        now: Timestamp,
    ) -> Result<Answer, StoreError> {
        let KeptAnswer {
            status,
            head: mut body,
            parts,
        } = kept;
        let parts: Vec<Part> = stream::iter(0..parts)
            .map(|part| async move {
                let part: Option<Part> = self
                    .read_row(WHAT, &part_key(&wanted.pk, run, part), now)
                    .await?;
                part.ok_or_else(|| StoreError::Row {
                    row: WHAT,
                    reason: "a part of its answer is missing".to_owned(),
                })
            })
            .buffered(AT_ONCE)
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
    fn a_key_is_one_of_its_tenant_task_path_query_and_text() {
        let key = |tenant, task, path, query, text| {
            RequestKey::new(tenant, task, path, query, text, b"[]").pk
        };
        let keys = [
            key("acme", 206, "/206", "debug", "k"),
            key("globex", 206, "/206", "debug", "k"),
            key("acme", 20, "/206", "debug", "k"),
            key("acme", 206, "/0206", "debug", "k"),
            key("acme", 206, "/206", "", "k"),
            key("acme", 206, "/206", "debug", "K"),
            key("acme", 206, "/206", "debu", "gk"),
        ];
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "number {place}");
        }
        assert_eq!(keys[0], key("acme", 206, "/206", "debug", "k"));
    }

    #[test]
    fn neither_the_text_nor_the_body_is_kept() {
        let key = RequestKey::new("acme", 1, "/", "", "jack.woo", b"[\"jack.woo\"]");
        assert!(!format!("{key:?}").contains("jack"));
    }

    #[test]
    fn an_answer_is_cut_between_characters_and_loses_none() {
        let body = "é".repeat(450_001);
        let (head, rest) = cut(&body, 100_001);
        assert_eq!(head.len(), 100_000);
        let run = RunId::generate(Timestamp::UNIX_EPOCH);
        let parts: Vec<Part> = part_rows("KEY#acme#1", &run, rest, 0)
            .map(|row| row::decode(WHAT, row.unwrap()).unwrap())
            .collect();
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part.text.len() <= PART_BYTES));
        let texts: String = parts.into_iter().map(|part| part.text).collect();
        assert_eq!([head, &texts].concat(), body);
        assert_eq!(cut("short", HEAD_BYTES), ("short", ""));
    }
}
