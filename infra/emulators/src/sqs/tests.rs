//! The emulator's behaviour as seen through the SDK. Each test pins one thing imports rely on, or
//! one request that the service refuses.

use std::future::ready;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName as Attribute,
    QueueAttributeName as QueueAttribute, SendMessageBatchRequestEntry,
};

use super::*;
use crate::loopback;
use crate::template::{DeadLetters, REGION};

const NAME: &str = "muster-local-chunks";
const DEAD: &str = "muster-local-chunks-dead";
/// Visibility timeout for tests that wait until it ends.
const SHORT_VISIBILITY: Duration = Duration::from_millis(200);
const LONG_VISIBILITY: Duration = Duration::from_secs(60);

struct SqsHarness {
    server: Sqs,
    client: Client,
    url: String,
}

fn start(visibility: Duration) -> SqsHarness {
    let dead_letters = DeadLetters {
        queue: DEAD.to_owned(),
        max_receives: 2,
    };
    let queues = [(NAME, Some(dead_letters)), (DEAD, None)];
    let queues = queues.map(|(name, dead_letters)| QueueDefinition {
        name: name.to_owned(),
        visibility,
        dead_letters,
    });
    let server = Sqs::start(loopback::listen(0).unwrap(), &queues).unwrap();
    SqsHarness {
        client: client(&server.endpoint()),
        url: server.url(NAME),
        server,
    }
}

/// Creates a client with arbitrary credentials.
fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .build();
    Client::from_conf(config)
}

impl SqsHarness {
    async fn send(&self, body: &str, group: Option<&str>) {
        let sent = self.client.send_message().queue_url(&self.url);
        let sent = sent.message_body(body);
        let sent = sent.set_message_group_id(group.map(str::to_owned));
        sent.send().await.unwrap();
    }

    async fn receive(&self, limit: i32, wait_seconds: i32) -> Vec<Message> {
        receive(&self.client, &self.url, limit, wait_seconds).await
    }

    async fn delete(&self, message: &Message) {
        let deleted = self.client.delete_message().queue_url(&self.url);
        let deleted = deleted.receipt_handle(message.receipt_handle().unwrap());
        deleted.send().await.unwrap();
    }

    async fn batch(&self, entries: &[(&str, &str)]) -> Result<SendMessageBatchOutput, String> {
        let entries = entries.iter().map(|(id, body)| {
            let entry = SendMessageBatchRequestEntry::builder().id(*id);
            entry.message_body(*body).build().unwrap()
        });
        let sent = self.client.send_message_batch().queue_url(&self.url);
        let sent = sent.set_entries(Some(entries.collect())).send().await;
        sent.map_err(|error| code(&error))
    }

    /// Returns the numbers of visible and in-flight messages.
    async fn counts(&self) -> (String, String) {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.attribute_names(QueueAttribute::All);
        let attributes = request.send().await.unwrap().attributes.unwrap();
        let of = |name| attributes[&name].clone();
        (
            of(QueueAttribute::ApproximateNumberOfMessages),
            of(QueueAttribute::ApproximateNumberOfMessagesNotVisible),
        )
    }
}

async fn receive(client: &Client, url: &str, limit: i32, wait_seconds: i32) -> Vec<Message> {
    let received = client.receive_message().queue_url(url);
    let received = received.max_number_of_messages(limit);
    let received = received.wait_time_seconds(wait_seconds);
    let received = received.message_system_attribute_names(Attribute::All);
    received.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|one| one.body().unwrap()).collect()
}

fn code<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata,
{
    error.code().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_message_has_its_attributes_and_can_be_deleted_twice() {
    let harness = start(LONG_VISIBILITY);
    let before = Timestamp::now().as_millisecond();
    harness.send("{\"run\":\"1\"}", Some("acme")).await;
    assert_eq!(harness.counts().await, ("1".to_owned(), "0".to_owned()));
    let [message] = &harness.receive(10, 0).await[..] else {
        panic!("one message");
    };
    assert_eq!(message.body(), Some("{\"run\":\"1\"}"));
    let attributes = message.attributes().unwrap();
    let of = |name| attributes[&name].as_str();
    assert_eq!(of(Attribute::ApproximateReceiveCount), "1");
    assert_eq!(of(Attribute::MessageGroupId), "acme");
    let sent: i64 = of(Attribute::SentTimestamp).parse().unwrap();
    assert!((before..=Timestamp::now().as_millisecond()).contains(&sent));
    assert_eq!(harness.counts().await, ("0".to_owned(), "1".to_owned()));
    harness.delete(message).await;
    harness.delete(message).await;
    assert_eq!(harness.counts().await, ("0".to_owned(), "0".to_owned()));
    harness.server.stop().await.unwrap();
}

#[tokio::test]
async fn md5_digests_match_the_body() {
    let harness = start(LONG_VISIBILITY);
    let sent = harness.client.send_message().queue_url(&harness.url);
    let sent = sent.message_body("hello").send().await.unwrap();
    let digest = Some("5d41402abc4b2a76b9719d911017c592");
    assert_eq!(sent.md5_of_message_body(), digest);
    assert_eq!(harness.receive(1, 0).await[0].md5_of_body(), digest);
}

#[tokio::test]
async fn a_long_poll_returns_as_soon_as_a_message_is_sent() {
    let harness = start(LONG_VISIBILITY);
    let (client, url) = (harness.client.clone(), harness.url.clone());
    let waiting = tokio::spawn(async move { receive(&client, &url, 1, 20).await });
    harness.send("a", None).await;
    assert_eq!(bodies(&waiting.await.unwrap()), ["a"]);
}

#[tokio::test]
async fn a_long_poll_returns_a_message_that_becomes_visible_until_it_is_dead() {
    let harness = start(SHORT_VISIBILITY);
    harness.send("a", Some("acme")).await;
    let first = harness.receive(1, 0).await;
    let second = harness.receive(1, 20).await;
    assert_eq!(second[0].message_id(), first[0].message_id());
    assert_ne!(second[0].receipt_handle(), first[0].receipt_handle());
    let count = &second[0].attributes().unwrap()[&Attribute::ApproximateReceiveCount];
    assert_eq!(count, "2");

    let dead = harness.server.url(DEAD);
    let (client, to) = (harness.client.clone(), dead.clone());
    let waiting = tokio::spawn(async move { receive(&client, &to, 1, 20).await });
    assert_eq!(harness.receive(1, 1).await, [], "two receives are allowed");
    let dead = waiting.await.unwrap();
    assert_eq!(bodies(&dead), ["a"]);
    assert_eq!(dead[0].message_id(), first[0].message_id());
    let group = &dead[0].attributes().unwrap()[&Attribute::MessageGroupId];
    assert_eq!(group, "acme");
}

#[tokio::test]
async fn a_receiver_can_change_the_visibility_timeout() {
    let harness = start(LONG_VISIBILITY);
    harness.send("a", None).await;
    let received = harness.client.receive_message().queue_url(&harness.url);
    let received = received.visibility_timeout(0).send().await.unwrap();
    assert_eq!(bodies(received.messages()), ["a"]);
    let [message] = &harness.receive(1, 0).await[..] else {
        panic!("visible at once");
    };
    let change = |seconds| {
        let changed = harness.client.change_message_visibility();
        let changed = changed.queue_url(&harness.url).visibility_timeout(seconds);
        changed
            .receipt_handle(message.receipt_handle().unwrap())
            .send()
    };
    change(30).await.unwrap();
    assert_eq!(harness.counts().await, ("0".to_owned(), "1".to_owned()));
    change(0).await.unwrap();
    assert_eq!(harness.counts().await, ("1".to_owned(), "0".to_owned()));
    let late = change(30).await.unwrap_err();
    assert!(late.as_service_error().unwrap().is_message_not_inflight());
}

#[tokio::test]
async fn a_large_group_does_not_delay_other_groups() {
    let harness = start(LONG_VISIBILITY);
    for number in 0..5 {
        harness.send(&format!("a{number}"), Some("a")).await;
    }
    harness.send("b", Some("b")).await;
    let received = harness.receive(2, 0).await;
    assert_eq!(bodies(&received), ["a0", "b"]);
}

#[tokio::test]
async fn batch_entries_succeed_and_fail_independently() {
    let harness = start(LONG_VISIBILITY);
    let sent = harness
        .batch(&[("1", "a"), ("2", "\u{0}"), ("3", "c")])
        .await;
    let sent = sent.unwrap();
    let ids: Vec<_> = sent.successful().iter().map(|entry| entry.id()).collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(sent.failed()[0].id(), "2");
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    assert!(sent.failed()[0].sender_fault());

    let received = harness.receive(10, 0).await;
    assert_eq!(bodies(&received), ["a", "c"]);
    let receipts = received.iter().map(|one| one.receipt_handle().unwrap());
    let entries = receipts.chain(["nonsense"]).enumerate();
    let entries = entries.map(|(number, receipt)| {
        let entry = DeleteMessageBatchRequestEntry::builder();
        let entry = entry.id(number.to_string()).receipt_handle(receipt);
        entry.build().unwrap()
    });
    let deleted = harness
        .client
        .delete_message_batch()
        .queue_url(&harness.url);
    let deleted = deleted.set_entries(Some(entries.collect()));
    let deleted = deleted.send().await.unwrap();
    assert_eq!(deleted.successful().len(), 2);
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert_eq!(harness.counts().await, ("0".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn an_invalid_batch_is_refused_as_a_whole() {
    let harness = start(LONG_VISIBILITY);
    let many: Vec<_> = (0..11).map(|number| number.to_string()).collect();
    let many: Vec<_> = many.iter().map(|id| (id.as_str(), "a")).collect();
    let large = "x".repeat(600_000);
    for (entries, error_code) in [
        (&[][..], "EmptyBatchRequest"),
        (&many, "TooManyEntriesInBatchRequest"),
        (&[("1", "a"), ("1", "b")], "BatchEntryIdsNotDistinct"),
        (&[("a b", "a")], "InvalidBatchEntryId"),
        (&[("1", &large), ("2", &large)], "BatchRequestTooLong"),
    ] {
        let refused = harness.batch(entries).await.unwrap_err();
        assert_eq!(refused, format!("AWS.SimpleQueueService.{error_code}"));
    }
    assert_eq!(harness.counts().await.0, "0");
}

#[tokio::test]
async fn a_message_has_at_most_a_mebibyte() {
    let harness = start(LONG_VISIBILITY);
    let send = async |bytes| {
        let sent = harness.client.send_message().queue_url(&harness.url);
        sent.message_body("\n".repeat(bytes)).send().await
    };
    send(1 << 20).await.unwrap();
    let refused = send((1 << 20) + 1).await.unwrap_err();
    assert_eq!(code(&refused), "InvalidParameterValue");
}

#[tokio::test]
async fn an_unknown_queue_is_an_error() {
    let harness = start(LONG_VISIBILITY);
    let find = |name| harness.client.get_queue_url().queue_name(name).send();
    let found = find(NAME).await.unwrap();
    assert_eq!(found.queue_url(), Some(harness.url.as_str()));
    let none = find("nowhere").await.unwrap_err();
    assert!(none.as_service_error().unwrap().is_queue_does_not_exist());
    let none = harness.client.send_message().message_body("a");
    let none = none.queue_url(format!("{}x", harness.url)).send().await;
    assert!(
        none.unwrap_err()
            .as_service_error()
            .unwrap()
            .is_queue_does_not_exist()
    );
}

#[tokio::test]
async fn a_purge_deletes_all_messages() {
    let harness = start(LONG_VISIBILITY);
    harness.send("a", None).await;
    let purged = harness.client.purge_queue().queue_url(&harness.url);
    purged.send().await.unwrap();
    assert_eq!(harness.receive(1, 0).await, []);
}

#[tokio::test]
async fn unsupported_requests_are_refused() {
    let harness = start(LONG_VISIBILITY);
    let listed = harness.client.list_queues().send().await.unwrap_err();
    assert_eq!(code(&listed), "AWS.SimpleQueueService.UnsupportedOperation");
    let fifo = harness.client.send_message().queue_url(&harness.url);
    let fifo = fifo.message_body("a");
    let refused = fifo.message_deduplication_id("a").send().await;
    let refused = refused.unwrap_err();
    assert_eq!(code(&refused), "InvalidParameterValue");
    assert!(
        refused
            .message()
            .unwrap()
            .contains("MessageDeduplicationId")
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let plain = client.get(&harness.url).send().await;
    assert_eq!(plain.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn stopping_ends_long_polls() {
    let harness = start(LONG_VISIBILITY);
    let service = Arc::clone(&harness.server.service);
    let input = json!({"QueueUrl": harness.url, "WaitTimeSeconds": 20}).to_string();
    let input = parse(input.as_bytes()).unwrap();
    let mut waiting = pin!(service.receive(&input));
    tokio::select! {
        biased;
        result = &mut waiting => panic!("there is nothing to receive, found {result:?}"),
        () = ready(()) => {}
    }
    let started = Instant::now();
    harness.server.stop().await.unwrap();
    assert_eq!(waiting.await.unwrap(), json!({"Messages": []}));
    assert!(started.elapsed() < Duration::from_secs(10));
}
