//! What each action does to the queues, and which requests it refuses. Time is an argument; the
//! waiting of a long poll is the server's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};
use serde_json::{Map, Value, json};

use super::queue::{Delivery, Message, Queue, ReceiptError};
use super::wire::{
    Batch, ChangeMessageVisibility, Code, DeleteEntry, DeleteMessage, GetQueueAttributes,
    GetQueueUrl, PurgeQueue, ReceiveMessage, Refusal, SendEntry, SendMessage,
};
use crate::template::{QueueDefinition, REGION};

/// Bytes of a message, and of all messages of a batch.
const MESSAGE_BYTES: usize = 1 << 20;
/// Entries of a batch.
const BATCH: usize = 10;
/// Characters of a batch entry's id.
const ENTRY_ID: usize = 80;
/// Characters of a message group's id.
const GROUP_ID: usize = 128;
/// Seconds a message can be hidden, a message delayed, a receive wait.
const LONGEST_VISIBILITY: i64 = 43_200;
const LONGEST_DELAY: i64 = 900;
const LONGEST_WAIT: i64 = 20;

/// The account the queues are said to be in.
const ACCOUNT: &str = "000000000000";

type Answer = Result<Value, Refusal>;

/// Every queue by its name.
pub struct Queues {
    endpoint: String,
    queues: BTreeMap<String, Queue>,
    /// Where what dies in a queue goes.
    dead_letters: BTreeMap<String, String>,
}

/// What a receive came to.
pub struct Receipt {
    /// The messages, as they are answered.
    pub messages: Vec<Value>,
    /// When there may be more.
    pub next: Option<Timestamp>,
    /// Whether messages went to the dead letters.
    pub moved: bool,
}

impl Queues {
    pub fn new<'a>(
        endpoint: String,
        definitions: impl IntoIterator<Item = &'a QueueDefinition>,
    ) -> Self {
        let mut all = Self {
            endpoint,
            queues: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
        };
        for definition in definitions {
            let QueueDefinition {
                name,
                visibility,
                dead_letters,
            } = definition;
            let max_receives = dead_letters.as_ref().map(|dead| dead.max_receives);
            let queue = Queue::new(*visibility, max_receives);
            all.queues.insert(name.clone(), queue);
            if let Some(dead_letters) = dead_letters {
                all.dead_letters
                    .insert(name.clone(), dead_letters.queue.clone());
            }
        }
        all
    }

    pub fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.endpoint)
    }

    pub fn send_message(&mut self, input: SendMessage, now: Timestamp) -> Answer {
        let SendMessage {
            queue_url,
            message_body,
            delay_seconds,
            message_group_id,
        } = input;
        let queue = self.queue(&queue_url)?;
        send(queue, message_body, message_group_id, delay_seconds, now)
    }

    pub fn send_message_batch(&mut self, input: Batch<SendEntry>, now: Timestamp) -> Answer {
        let queue = self.queue(&input.queue_url)?;
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let bytes: usize = input.entries.iter().map(|e| e.message_body.len()).sum();
        if bytes > MESSAGE_BYTES {
            let message = format!("the messages of a batch have at most {MESSAGE_BYTES} bytes");
            return Err(Refusal::new(Code::BatchRequestTooLong, message));
        }
        Ok(each(input.entries, |entry| {
            let SendEntry {
                id,
                message_body,
                delay_seconds,
                message_group_id,
            } = entry;
            let sent = send(queue, message_body, message_group_id, delay_seconds, now);
            (id, sent)
        }))
    }

    pub fn receive_message(
        &mut self,
        input: &ReceiveMessage,
        now: Timestamp,
    ) -> Result<Receipt, Refusal> {
        let most = input.max_number_of_messages;
        let most = within("MaxNumberOfMessages", most, 1..=10)?.unwrap_or(1);
        let visibility = visibility(input.visibility_timeout)?;
        let queue = self.queue(&input.queue_url)?;
        let most = usize::try_from(most).unwrap_or(1);
        let received = queue.receive(most, visibility, now);
        let next = queue.next_visible();
        let moved = !received.dead.is_empty();
        if let Some(dead_letters) = self.dead_letters.get(name_of(&input.queue_url))
            && let Some(dead_letters) = self.queues.get_mut(dead_letters)
        {
            for message in received.dead {
                dead_letters.send(message, Duration::ZERO, now);
            }
        }
        let deliveries = received.deliveries.into_iter();
        Ok(Receipt {
            messages: deliveries.map(|one| delivered(one, input)).collect(),
            next,
            moved,
        })
    }

    pub fn delete_message(&mut self, input: &DeleteMessage) -> Answer {
        let queue = self.queue(&input.queue_url)?;
        queue.delete(&input.receipt_handle)?;
        Ok(json!({}))
    }

    pub fn delete_message_batch(&mut self, input: Batch<DeleteEntry>) -> Answer {
        let queue = self.queue(&input.queue_url)?;
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        Ok(each(input.entries, |DeleteEntry { id, receipt_handle }| {
            let deleted = queue.delete(&receipt_handle);
            (id, deleted.map(|()| json!({})).map_err(Refusal::from))
        }))
    }

    pub fn change_message_visibility(
        &mut self,
        input: &ChangeMessageVisibility,
        now: Timestamp,
    ) -> Answer {
        let timeout = visibility(Some(input.visibility_timeout))?.unwrap_or_default();
        let queue = self.queue(&input.queue_url)?;
        queue.change_visibility(&input.receipt_handle, timeout, now)?;
        Ok(json!({}))
    }

    pub fn get_queue_url(&mut self, input: &GetQueueUrl) -> Answer {
        self.queue(&input.queue_name)?;
        Ok(json!({"QueueUrl": self.url(&input.queue_name)}))
    }

    pub fn get_queue_attributes(&mut self, input: &GetQueueAttributes, now: Timestamp) -> Answer {
        let name = name_of(&input.queue_url);
        let queue = self.queue(name)?;
        let counts = queue.counts(now);
        let all = [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                counts.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                counts.delayed.to_string(),
            ),
            (
                "VisibilityTimeout",
                queue.visibility().as_secs().to_string(),
            ),
            ("QueueArn", format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")),
        ];
        let mut attributes = Map::new();
        for wanted in &input.attribute_names {
            let known = attributes.len();
            let found = all
                .iter()
                .filter(|(name, _)| wanted == "All" || wanted == name);
            attributes.extend(found.map(|(name, value)| ((*name).to_owned(), json!(value))));
            if attributes.len() == known {
                let message = format!("there is no attribute {wanted} here");
                return Err(Refusal::new(Code::InvalidAttributeName, message));
            }
        }
        Ok(json!({"Attributes": attributes}))
    }

    pub fn purge_queue(&mut self, input: &PurgeQueue) -> Answer {
        self.queue(&input.queue_url)?.purge();
        Ok(json!({}))
    }

    fn queue(&mut self, url: &str) -> Result<&mut Queue, Refusal> {
        let name = name_of(url);
        self.queues.get_mut(name).ok_or_else(|| {
            let message = format!("there is no queue {name}");
            Refusal::new(Code::QueueDoesNotExist, message)
        })
    }
}

impl ReceiveMessage {
    /// How long it waits for a message.
    pub fn wait(&self) -> Result<Duration, Refusal> {
        let wait = seconds("WaitTimeSeconds", self.wait_time_seconds, LONGEST_WAIT)?;
        Ok(wait.unwrap_or_default())
    }
}

impl From<ReceiptError> for Refusal {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::Invalid => Self::new(
                Code::ReceiptHandleIsInvalid,
                "the receipt handle is none of this queue",
            ),
            ReceiptError::NotInFlight => Self::new(
                Code::MessageNotInFlight,
                "the message is deleted, visible, or was received again",
            ),
        }
    }
}

/// A queue's name is the last part of its URL.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn send(
    queue: &mut Queue,
    body: String,
    group: Option<String>,
    delay: Option<i64>,
    now: Timestamp,
) -> Answer {
    let invalid = |message: String| Refusal::new(Code::InvalidParameterValue, message);
    if body.is_empty() || body.len() > MESSAGE_BYTES {
        return Err(invalid(format!("a message has 1 to {MESSAGE_BYTES} bytes")));
    }
    if !body.chars().all(can_be_sent) {
        return Err(Refusal::new(
            Code::InvalidMessageContents,
            "a message holds only characters that XML 1.0 has",
        ));
    }
    let fits = |group: &String| {
        (1..=GROUP_ID).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_graphic())
    };
    if !group.as_ref().is_none_or(fits) {
        let message = "MessageGroupId has 1 to 128 letters, digits and punctuation marks";
        return Err(invalid(message.to_owned()));
    }
    let delay = seconds("DelaySeconds", delay, LONGEST_DELAY)?.unwrap_or_default();
    let message = Message {
        id: format!("{:032x}", rand::random::<u128>()),
        body,
        group,
        sent: now,
        receives: 0,
        first_received: None,
    };
    let answer = json!({"MessageId": message.id, "MD5OfMessageBody": md5(&message.body)});
    queue.send(message, delay, now);
    Ok(answer)
}

fn can_be_sent(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// A message as it is answered, with the attributes that were asked for.
fn delivered(delivery: Delivery, input: &ReceiveMessage) -> Value {
    let Delivery { message, receipt } = delivery;
    let millis = |time: Timestamp| time.as_millisecond().to_string();
    let attributes = [
        (
            "ApproximateReceiveCount",
            Some(message.receives.to_string()),
        ),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.map(millis),
        ),
        ("SentTimestamp", Some(millis(message.sent))),
        ("MessageGroupId", message.group),
    ];
    let asked = input.message_system_attribute_names.iter();
    let asked = asked.chain(&input.attribute_names).map(String::as_str);
    let asked: BTreeSet<&str> = asked.collect();
    let attributes: Map<String, Value> = attributes
        .into_iter()
        .filter(|(name, _)| asked.contains("All") || asked.contains(name))
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
        .collect();
    json!({
        "MessageId": message.id,
        "ReceiptHandle": receipt,
        "MD5OfBody": md5(&message.body),
        "Body": message.body,
        "Attributes": attributes,
    })
}

fn md5(body: &str) -> String {
    let digest = Md5::checksum(body.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A batch as a whole; its entries are judged one by one.
fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Refusal> {
    let refused = |code, message: &str| Err(Refusal::new(code, message));
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match ids.len() {
        0 => return refused(Code::EmptyBatchRequest, "the batch is empty"),
        1..=BATCH => {}
        _ => {
            return refused(
                Code::TooManyEntriesInBatchRequest,
                "a batch has at most 10 entries",
            );
        }
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        if id.is_empty() || id.len() > ENTRY_ID || !id.bytes().all(fits) {
            return refused(
                Code::InvalidBatchEntryId,
                "an entry's Id has 1 to 80 letters, digits, hyphens and underscores",
            );
        }
        if !seen.insert(id) {
            return refused(
                Code::BatchEntryIdsNotDistinct,
                "two entries have the same Id",
            );
        }
    }
    Ok(())
}

/// Does the entries of a batch, each for itself.
fn each<E>(entries: Vec<E>, mut act: impl FnMut(E) -> (String, Answer)) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match act(entry) {
            (id, Ok(mut done)) => {
                if let Value::Object(done) = &mut done {
                    done.insert("Id".to_owned(), id.into());
                }
                successful.push(done);
            }
            (id, Err(refusal)) => failed.push(refusal.of_entry(&id)),
        }
    }
    json!({"Successful": successful, "Failed": failed})
}

fn visibility(timeout: Option<i64>) -> Result<Option<Duration>, Refusal> {
    seconds("VisibilityTimeout", timeout, LONGEST_VISIBILITY)
}

/// A duration within its limit.
fn seconds(name: &str, value: Option<i64>, most: i64) -> Result<Option<Duration>, Refusal> {
    Ok(within(name, value, 0..=most)?.map(Duration::from_secs))
}

/// A number within its limits.
fn within(
    name: &str,
    value: Option<i64>,
    limits: RangeInclusive<i64>,
) -> Result<Option<u64>, Refusal> {
    let Some(value) = value else {
        return Ok(None);
    };
    match u64::try_from(value) {
        Ok(number) if limits.contains(&value) => Ok(Some(number)),
        _ => Err(Refusal::new(
            Code::InvalidParameterValue,
            format!(
                "{name} is {value}, but must be between {} and {}",
                limits.start(),
                limits.end()
            ),
        )),
    }
}
