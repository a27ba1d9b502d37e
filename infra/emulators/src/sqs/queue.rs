//! A standard queue without clock or network. It guarantees what the service does and no more: each
//! message at least once, in any order, with fairness between message groups.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

/// A message that is visible, in flight, or on its way to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Id assigned on sending; it never changes.
    pub id: String,
    /// Body.
    pub body: String,
    /// Message group for fair delivery; messages without one form a group of their own.
    pub group: Option<String>,
    /// Time of sending.
    pub sent: Timestamp,
    /// Number of receives.
    pub receives: u32,
    /// Time of the first receive.
    pub first_received: Option<Timestamp>,
}

/// A received message and its receipt handle.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message, with this receive counted.
    pub message: Message,
    /// Receipt handle, valid for this receive only.
    pub receipt: String,
}

/// The result of a receive.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages that are now in flight.
    pub deliveries: Vec<Delivery>,
    /// Messages that exceeded `max_receives` and were removed for the dead-letter queue.
    pub dead: Vec<Message>,
}

/// Numbers of messages.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Receivable messages.
    pub visible: usize,
    /// Received messages that are neither deleted nor visible again.
    pub in_flight: usize,
    /// Messages whose delay has not passed.
    pub delayed: usize,
}

/// An error of a receipt handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptError {
    /// The handle is malformed.
    Invalid,
    /// The message is deleted, visible, or was received again.
    NotInFlight,
}

/// A standard queue.
#[derive(Debug)]
pub struct Queue {
    /// Default time for which a received message stays hidden.
    visibility: Duration,
    /// Receives after which a message is dead; `None` for no limit.
    max_receives: Option<u32>,
    /// Messages by sequence number.
    messages: HashMap<u64, Message>,
    next_number: u64,
    /// Visible messages by group; numbers of deleted messages are skipped on receive.
    waiting: BTreeMap<Option<String>, VecDeque<u64>>,
    /// Groups with visible messages, next first.
    turns: VecDeque<Option<String>>,
    /// Delayed and in-flight messages by the time they become visible.
    hidden: BTreeSet<(Timestamp, u64)>,
}

impl Queue {
    /// Creates an empty queue.
    pub fn new(visibility: Duration, max_receives: Option<u32>) -> Self {
        Self {
            visibility,
            max_receives,
            messages: HashMap::new(),
            next_number: 0,
            waiting: BTreeMap::new(),
            turns: VecDeque::new(),
            hidden: BTreeSet::new(),
        }
    }

    /// Returns the default visibility timeout.
    pub const fn visibility(&self) -> Duration {
        self.visibility
    }

    /// Adds a message that becomes visible `delay` after `now`.
    pub fn send(&mut self, message: Message, delay: Duration, now: Timestamp) {
        let number = self.next_number;
        self.next_number += 1;
        self.messages.insert(number, message);
        if delay.is_zero() {
            self.show(number);
        } else {
            self.hidden.insert((after(now, delay), number));
        }
    }

    /// Receives at most `limit` messages and hides them for `visibility`, or the queue's default.
    pub fn receive(
        &mut self,
        limit: usize,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Received {
        self.show_due(now);
        let until = after(now, visibility.unwrap_or(self.visibility));
        let mut received = Received::default();
        while received.deliveries.len() < limit {
            let Some((number, mut message)) = self.take_next() else {
                break;
            };
            if self.max_receives.is_some_and(|max| message.receives >= max) {
                received.dead.push(message);
                continue;
            }
            message.receives += 1;
            message.first_received.get_or_insert(now);
            self.messages.insert(number, message.clone());
            self.hidden.insert((until, number));
            let receipt = format!("{number}:{}:{}", message.receives, message.id);
            received.deliveries.push(Delivery { message, receipt });
        }
        received
    }

    /// Deletes a received message. A receipt of an earlier receive deletes nothing, as the service
    /// permits, and is not an error; neither is deleting twice.
    pub fn delete(&mut self, receipt: &str) -> Result<(), ReceiptError> {
        if let Some(number) = self.resolve_receipt(receipt)? {
            self.messages.remove(&number);
            self.hidden.retain(|(_, hidden)| *hidden != number);
        }
        Ok(())
    }

    /// Makes an in-flight message visible `timeout` after `now`.
    pub fn change_visibility(
        &mut self,
        receipt: &str,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), ReceiptError> {
        self.show_due(now);
        let number = self
            .resolve_receipt(receipt)?
            .ok_or(ReceiptError::NotInFlight)?;
        let hidden = self.hidden.iter().find(|(_, hidden)| *hidden == number);
        let hidden = hidden.copied().ok_or(ReceiptError::NotInFlight)?;
        self.hidden.remove(&hidden);
        self.hidden.insert((after(now, timeout), number));
        Ok(())
    }

    /// Deletes all messages, in flight or not.
    pub fn purge(&mut self) {
        self.messages.clear();
        self.waiting.clear();
        self.turns.clear();
        self.hidden.clear();
    }

    /// Counts the messages.
    pub fn counts(&mut self, now: Timestamp) -> Counts {
        self.show_due(now);
        let received = |number| self.messages.get(number).is_some_and(|m| m.receives > 0);
        let hidden = self.hidden.iter();
        let in_flight = hidden.filter(|(_, number)| received(number)).count();
        Counts {
            visible: self.messages.len() - self.hidden.len(),
            in_flight,
            delayed: self.hidden.len() - in_flight,
        }
    }

    /// Returns the time at which the next hidden message becomes visible.
    pub fn next_visible(&self) -> Option<Timestamp> {
        self.hidden.first().map(|(at, _)| *at)
    }

    /// Makes messages visible whose hidden time has passed.
    fn show_due(&mut self, now: Timestamp) {
        while let Some(&(at, number)) = self.hidden.first()
            && at <= now
        {
            self.hidden.pop_first();
            self.show(number);
        }
    }

    /// Makes a message visible.
    fn show(&mut self, number: u64) {
        let Some(message) = self.messages.get(&number) else {
            return;
        };
        let waiting = self.waiting.entry(message.group.clone()).or_default();
        if waiting.is_empty() {
            self.turns.push_back(message.group.clone());
        }
        waiting.push_back(number);
    }

    /// Removes the next message of the group whose turn it is.
    fn take_next(&mut self) -> Option<(u64, Message)> {
        loop {
            let group = self.turns.pop_front()?;
            let waiting = self.waiting.get_mut(&group)?;
            let number = waiting.pop_front();
            if waiting.is_empty() {
                self.waiting.remove(&group);
            } else {
                self.turns.push_back(group);
            }
            let number = number?;
            if let Some(message) = self.messages.remove(&number) {
                return Some((number, message));
            }
        }
    }

    /// Returns the number of the message if the receipt is still valid.
    fn resolve_receipt(&self, receipt: &str) -> Result<Option<u64>, ReceiptError> {
        let mut parts = receipt.splitn(3, ':');
        let number = parts.next().and_then(|part| part.parse().ok());
        let receives = parts.next().and_then(|part| part.parse::<u32>().ok());
        let (Some(number), Some(receives), Some(id)) = (number, receives, parts.next()) else {
            return Err(ReceiptError::Invalid);
        };
        let message = self.messages.get(&number);
        let is_valid = message.is_some_and(|found| found.id == id && found.receives == receives);
        Ok(is_valid.then_some(number))
    }
}

fn after(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBILITY: Duration = Duration::from_secs(30);

    fn queue() -> Queue {
        Queue::new(VISIBILITY, Some(2))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn message(body: &str, group: Option<&str>) -> Message {
        Message {
            id: format!("id-{body}"),
            body: body.to_owned(),
            group: group.map(str::to_owned),
            sent: at(0),
            receives: 0,
            first_received: None,
        }
    }

    fn send(queue: &mut Queue, body: &str) {
        queue.send(message(body, None), Duration::ZERO, at(0));
    }

    fn bodies(received: &Received) -> Vec<&str> {
        let deliveries = received.deliveries.iter();
        deliveries.map(|one| one.message.body.as_str()).collect()
    }

    /// Receives one message and returns its receipt.
    fn receipt(queue: &mut Queue, second: i64) -> String {
        let mut received = queue.receive(1, None, at(second));
        received.deliveries.pop().unwrap().receipt
    }

    #[test]
    fn a_received_message_is_hidden_and_redelivered_unless_deleted() {
        let mut queue = queue();
        send(&mut queue, "a");
        let first = queue.receive(10, None, at(100));
        assert_eq!(bodies(&first), ["a"]);
        assert_eq!(first.deliveries[0].message.receives, 1);
        assert_eq!(queue.receive(10, None, at(129)), Received::default());
        let second = queue.receive(10, None, at(130));
        let again = &second.deliveries[0];
        assert_eq!(again.message.receives, 2);
        assert_eq!(again.message.first_received, Some(at(100)));
        queue.delete(&again.receipt).unwrap();
        assert_eq!(queue.receive(10, None, at(1000)), Received::default());
        assert_eq!(queue.counts(at(1000)), Counts::default());
    }

    #[test]
    fn a_receive_can_set_its_visibility_timeout() {
        let mut queue = queue();
        send(&mut queue, "a");
        queue.receive(1, Some(Duration::from_secs(5)), at(0));
        assert_eq!(queue.next_visible(), Some(at(5)));
        assert_eq!(bodies(&queue.receive(1, None, at(5))), ["a"]);
    }

    #[test]
    fn a_receipt_of_an_earlier_receive_deletes_nothing() {
        let mut queue = queue();
        send(&mut queue, "a");
        let old = receipt(&mut queue, 0);
        let new = receipt(&mut queue, 30);
        queue.delete(&old).unwrap();
        assert_eq!(queue.counts(at(31)).in_flight, 1);
        queue.delete(&new).unwrap();
        queue.delete(&new).unwrap();
        assert_eq!(queue.counts(at(31)), Counts::default());
    }

    #[test]
    fn a_visible_message_can_be_deleted_by_its_last_receipt() {
        let mut queue = queue();
        for body in ["a", "b"] {
            send(&mut queue, body);
        }
        let first = receipt(&mut queue, 0);
        assert_eq!(queue.counts(at(60)).visible, 2);
        queue.delete(&first).unwrap();
        assert_eq!(queue.counts(at(60)).visible, 1);
        assert_eq!(bodies(&queue.receive(10, None, at(60))), ["b"]);
    }

    #[test]
    fn a_malformed_or_foreign_receipt_deletes_nothing() {
        let mut queue = queue();
        send(&mut queue, "a");
        queue.receive(1, None, at(0));
        for wrong in ["", "a", "0", "0:1", "x:1:id-a", "0:x:id-a"] {
            assert_eq!(queue.delete(wrong), Err(ReceiptError::Invalid), "{wrong}");
        }
        queue.delete("0:1:id-of-another").unwrap();
        assert_eq!(queue.counts(at(0)).in_flight, 1);
    }

    #[test]
    fn a_message_is_dead_after_max_receives() {
        let mut queue = queue();
        send(&mut queue, "a");
        send(&mut queue, "b");
        queue.receive(1, None, at(0));
        queue.receive(2, None, at(30));
        let received = queue.receive(10, None, at(60));
        assert_eq!(bodies(&received), ["b"], "received once so far");
        assert_eq!(received.dead.len(), 1);
        assert_eq!(
            (&*received.dead[0].body, received.dead[0].receives),
            ("a", 2)
        );
        assert_eq!(queue.counts(at(60)).in_flight, 1);
    }

    #[test]
    fn groups_take_turns_regardless_of_their_size() {
        let mut queue = queue();
        for body in ["a1", "a2", "a3"] {
            queue.send(message(body, Some("a")), Duration::ZERO, at(0));
        }
        for body in ["b1", "b2"] {
            queue.send(message(body, Some("b")), Duration::ZERO, at(0));
        }
        send(&mut queue, "none");
        assert_eq!(
            bodies(&queue.receive(10, None, at(0))),
            ["a1", "b1", "none", "a2", "b2", "a3"]
        );
    }

    #[test]
    fn visibility_can_be_changed_only_in_flight() {
        let mut queue = queue();
        send(&mut queue, "a");
        let receipt = receipt(&mut queue, 0);
        let longer = Duration::from_secs(100);
        queue.change_visibility(&receipt, longer, at(10)).unwrap();
        assert_eq!(queue.next_visible(), Some(at(110)));
        queue
            .change_visibility(&receipt, Duration::ZERO, at(20))
            .unwrap();
        assert_eq!(queue.counts(at(20)).visible, 1);
        let late = queue.change_visibility(&receipt, longer, at(21));
        assert_eq!(late, Err(ReceiptError::NotInFlight));
    }

    #[test]
    fn a_delayed_message_is_neither_visible_nor_in_flight() {
        let mut queue = queue();
        queue.send(message("a", None), Duration::from_secs(7), at(0));
        let counts = queue.counts(at(6));
        assert_eq!(
            (counts.visible, counts.in_flight, counts.delayed),
            (0, 0, 1)
        );
        assert_eq!(bodies(&queue.receive(1, None, at(7))), ["a"]);
    }

    #[test]
    fn a_purge_deletes_all_messages() {
        let mut queue = queue();
        send(&mut queue, "a");
        send(&mut queue, "b");
        queue.receive(1, None, at(0));
        queue.purge();
        assert_eq!(queue.counts(at(100)), Counts::default());
        assert_eq!(queue.receive(10, None, at(100)), Received::default());
    }
}
