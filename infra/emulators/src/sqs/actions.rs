//! The actions on queues and their validation. Time is an argument; the server implements long
//! polls.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};
use serde_json::{Map, Value, json};

use super::batch::{ActionResult, check_batch, run_batch};
use super::queue::{Delivery, Message, Queue, ReceiptError};
use super::wire::{
    BatchRequest, ChangeMessageVisibility, DeleteEntry, DeleteMessage, ErrorCode,
    GetQueueAttributes, GetQueueUrl, PurgeQueue, ReceiveMessage, SendEntry, SendMessage, SqsError,
};
use crate::template::{QueueDefinition, REGION};

/// Maximum size of a message, and of all messages of a batch.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Maximum length of a message group's id.
const MAX_GROUP_ID_CHARS: usize = 128;
/// Maximum visibility timeout of a message.
const MAX_VISIBILITY_SECONDS: i64 = 43_200;
/// Maximum delay of a message.
const MAX_DELAY_SECONDS: i64 = 900;
/// Maximum wait of a receive.
const MAX_WAIT_SECONDS: i64 = 20;

/// The account id in queue URLs and ARNs.
const ACCOUNT_ID: &str = "000000000000";

/// All queues by name.
pub struct Queues {
    endpoint: String,
    queues: BTreeMap<String, Queue>,
    /// Name of the dead-letter queue by queue name.
    dead_letters: BTreeMap<String, String>,
}

/// The result of a receive.
pub struct ReceiveOutcome {
    /// The messages of the response.
    pub messages: Vec<Value>,
    /// The time at which the next hidden message becomes visible.
    pub next_visible: Option<Timestamp>,
    /// True if messages moved to the dead-letter queue.
    pub moved_dead_letters: bool,
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
        format!("{}/{ACCOUNT_ID}/{name}", self.endpoint)
    }

    pub fn send_message(&mut self, input: SendMessage, now: Timestamp) -> ActionResult {
        let SendMessage {
            queue_url,
            message_body,
            delay_seconds,
            message_group_id,
        } = input;
        let queue = self.queue(&queue_url)?;
        send(queue, message_body, message_group_id, delay_seconds, now)
    }

    pub fn send_message_batch(
        &mut self,
        input: BatchRequest<SendEntry>,
        now: Timestamp,
    ) -> ActionResult {
        let queue = self.queue(&input.queue_url)?;
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let bytes: usize = input.entries.iter().map(|e| e.message_body.len()).sum();
        if bytes > MAX_MESSAGE_BYTES {
            let message = format!("the messages of a batch exceed {MAX_MESSAGE_BYTES} bytes");
            return Err(SqsError::new(ErrorCode::BatchRequestTooLong, message));
        }
        Ok(run_batch(input.entries, |entry| {
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
    ) -> Result<ReceiveOutcome, SqsError> {
        let limit = input.max_number_of_messages;
        let limit = within("MaxNumberOfMessages", limit, 1..=10)?.unwrap_or(1);
        let visibility = visibility(input.visibility_timeout)?;
        let queue = self.queue(&input.queue_url)?;
        let limit = usize::try_from(limit).unwrap_or(1);
        let received = queue.receive(limit, visibility, now);
        let next_visible = queue.next_visible();
        let moved_dead_letters = !received.dead.is_empty();
        if let Some(dead_letters) = self.dead_letters.get(name_of(&input.queue_url))
            && let Some(dead_letters) = self.queues.get_mut(dead_letters)
        {
            for message in received.dead {
                dead_letters.send(message, Duration::ZERO, now);
            }
        }
        let deliveries = received.deliveries.into_iter();
        Ok(ReceiveOutcome {
            messages: deliveries.map(|one| message_json(one, input)).collect(),
            next_visible,
            moved_dead_letters,
        })
    }

    pub fn delete_message(&mut self, input: &DeleteMessage) -> ActionResult {
        let queue = self.queue(&input.queue_url)?;
        queue.delete(&input.receipt_handle)?;
        Ok(json!({}))
    }

    pub fn delete_message_batch(&mut self, input: BatchRequest<DeleteEntry>) -> ActionResult {
        let queue = self.queue(&input.queue_url)?;
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        Ok(run_batch(
            input.entries,
            |DeleteEntry { id, receipt_handle }| {
                let deleted = queue.delete(&receipt_handle);
                (id, deleted.map(|()| json!({})).map_err(SqsError::from))
            },
        ))
    }

    pub fn change_message_visibility(
        &mut self,
        input: &ChangeMessageVisibility,
        now: Timestamp,
    ) -> ActionResult {
        let timeout = visibility(Some(input.visibility_timeout))?.unwrap_or_default();
        let queue = self.queue(&input.queue_url)?;
        queue.change_visibility(&input.receipt_handle, timeout, now)?;
        Ok(json!({}))
    }

    pub fn get_queue_url(&mut self, input: &GetQueueUrl) -> ActionResult {
        self.queue(&input.queue_name)?;
        Ok(json!({"QueueUrl": self.url(&input.queue_name)}))
    }

    pub fn get_queue_attributes(
        &mut self,
        input: &GetQueueAttributes,
        now: Timestamp,
    ) -> ActionResult {
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
            (
                "QueueArn",
                format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"),
            ),
        ];
        let mut attributes = Map::new();
        for requested in &input.attribute_names {
            let before = attributes.len();
            let found = all
                .iter()
                .filter(|(name, _)| requested == "All" || requested == name);
            attributes.extend(found.map(|(name, value)| ((*name).to_owned(), json!(value))));
            if attributes.len() == before {
                let message = format!("unsupported attribute {requested}");
                return Err(SqsError::new(ErrorCode::InvalidAttributeName, message));
            }
        }
        Ok(json!({"Attributes": attributes}))
    }

    pub fn purge_queue(&mut self, input: &PurgeQueue) -> ActionResult {
        self.queue(&input.queue_url)?.purge();
        Ok(json!({}))
    }

    fn queue(&mut self, url: &str) -> Result<&mut Queue, SqsError> {
        let name = name_of(url);
        self.queues.get_mut(name).ok_or_else(|| {
            let message = format!("no such queue: {name}");
            SqsError::new(ErrorCode::QueueDoesNotExist, message)
        })
    }
}

impl ReceiveMessage {
    /// Returns the wait time.
    pub fn wait(&self) -> Result<Duration, SqsError> {
        let wait = seconds("WaitTimeSeconds", self.wait_time_seconds, MAX_WAIT_SECONDS)?;
        Ok(wait.unwrap_or_default())
    }
}

impl From<ReceiptError> for SqsError {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::Invalid => {
                Self::new(ErrorCode::ReceiptHandleIsInvalid, "invalid receipt handle")
            }
            ReceiptError::NotInFlight => Self::new(
                ErrorCode::MessageNotInFlight,
                "the message is deleted, visible, or was received again",
            ),
        }
    }
}

/// Returns a queue's name, the last segment of its URL.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn send(
    queue: &mut Queue,
    body: String,
    group: Option<String>,
    delay: Option<i64>,
    now: Timestamp,
) -> ActionResult {
    let invalid = |message: String| SqsError::new(ErrorCode::InvalidParameterValue, message);
    if body.is_empty() || body.len() > MAX_MESSAGE_BYTES {
        return Err(invalid(format!(
            "expected a message of 1 to {MAX_MESSAGE_BYTES} bytes"
        )));
    }
    if !body.chars().all(is_allowed) {
        return Err(SqsError::new(
            ErrorCode::InvalidMessageContents,
            "a message must contain only characters allowed in XML 1.0",
        ));
    }
    let is_valid = |group: &String| {
        (1..=MAX_GROUP_ID_CHARS).contains(&group.len())
            && group.bytes().all(|b| b.is_ascii_graphic())
    };
    if !group.as_ref().is_none_or(is_valid) {
        let message = "MessageGroupId must have 1 to 128 letters, digits and punctuation marks";
        return Err(invalid(message.to_owned()));
    }
    let delay = seconds("DelaySeconds", delay, MAX_DELAY_SECONDS)?.unwrap_or_default();
    let message = Message {
        id: format!("{:032x}", rand::random::<u128>()),
        body,
        group,
        sent: now,
        receives: 0,
        first_received: None,
    };
    let response = json!({"MessageId": message.id, "MD5OfMessageBody": md5(&message.body)});
    queue.send(message, delay, now);
    Ok(response)
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Returns a message as JSON, with the requested attributes.
fn message_json(delivery: Delivery, input: &ReceiveMessage) -> Value {
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
    let requested = input.message_system_attribute_names.iter();
    let requested = requested.chain(&input.attribute_names).map(String::as_str);
    let requested: BTreeSet<&str> = requested.collect();
    let attributes: Map<String, Value> = attributes
        .into_iter()
        .filter(|(name, _)| requested.contains("All") || requested.contains(name))
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

fn visibility(timeout: Option<i64>) -> Result<Option<Duration>, SqsError> {
    seconds("VisibilityTimeout", timeout, MAX_VISIBILITY_SECONDS)
}

/// Checks a number of seconds and returns it as a duration.
fn seconds(name: &str, value: Option<i64>, max: i64) -> Result<Option<Duration>, SqsError> {
    Ok(within(name, value, 0..=max)?.map(Duration::from_secs))
}

/// Checks that a number is within its limits.
fn within(
    name: &str,
    value: Option<i64>,
    limits: RangeInclusive<i64>,
) -> Result<Option<u64>, SqsError> {
    let Some(value) = value else {
        return Ok(None);
    };
    match u64::try_from(value) {
        Ok(number) if limits.contains(&value) => Ok(Some(number)),
        _ => Err(SqsError::new(
            ErrorCode::InvalidParameterValue,
            format!(
                "invalid {name} {value}: expected {} to {}",
                limits.start(),
                limits.end()
            ),
        )),
    }
}
