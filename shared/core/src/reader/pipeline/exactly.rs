//! Reading without trusting any split: element by element, and records that are too long piece by
//! piece.

use std::io::{self, Read};

use super::SharedState;
use crate::reader::error::ReadFailure;
use crate::reader::exact::{self, Reached};
use crate::reader::grammar::{InvalidJson, Reach};
use crate::reader::keys::KeyLog;
use crate::reader::long_record::LongRecord;
use crate::reader::sink::RecordSink;
use crate::rules::Rules;
use crate::validate::Element;

impl<R: Read, C, F: FnMut(u64, C) -> io::Result<()>> SharedState<R, C, F> {
    /// Reads the text without trusting any split, up to the first comma at or after `stop` bytes.
    pub(super) fn read_exactly<H: RecordSink<Batch = C>>(
        &mut self,
        rules: &Rules,
        sink: &H,
        mut stop: usize,
    ) {
        let mut log = KeyLog::default();
        while self.result.is_none() {
            let mut batch = sink.start_batch(self.text.rest());
            let mut count = 0;
            let reached = exact::read(
                rules,
                self.text.rest(),
                stop,
                self.text.is_complete(),
                self.records == 0,
                &mut log,
                |element| {
                    sink.push(&mut batch, count, element);
                    count += 1;
                },
            );
            let next = match reached {
                Ok(
                    Reached::Border { next }
                    | Reached::Closed { next }
                    | Reached::TooLong { next }
                    | Reached::Incomplete { next },
                ) => next,
                Err(InvalidJson { at, reason }) => {
                    self.records += u64::from(count);
                    self.fail(self.text.offset() + at as u64, reason);
                    return;
                }
            };
            sink.finish_batch(&mut batch, exact::elements_read(self.text.rest(), &reached));
            self.emit(self.text.offset(), batch, count, log.take());
            if self.result.is_some() {
                return;
            }
            self.text.advance(next);
            stop = stop.saturating_sub(next);
            match reached {
                Ok(Reached::Incomplete { .. }) => {
                    if !self.text.read_more() {
                        self.end_with_failure();
                    }
                }
                Ok(Reached::Closed { .. }) => self.expect_end(),
                // What follows the record can be read in chunks again.
                Ok(Reached::TooLong { .. }) => return self.skip_long_record(rules, sink),
                Ok(Reached::Border { .. }) | Err(_) => return,
            }
        }
    }

    /// Reads a record that is too long, passes on what can be kept of it, and reads what follows it.
    fn skip_long_record<H: RecordSink<Batch = C>>(&mut self, rules: &Rules, sink: &H) {
        let offset = self.text.offset();
        let mut record = LongRecord::new(rules);
        loop {
            match record.read(self.text.rest()) {
                Ok(Reach::End(length)) => {
                    self.text.advance(length);
                    break;
                }
                Ok(Reach::More(length) | Reach::Member(length)) => self.text.advance(length),
                Err(InvalidJson { at, reason }) => {
                    return self.fail(self.text.offset() + at as u64, reason);
                }
            }
            if self.text.is_complete() {
                let end = self.text.offset() + self.text.rest().len() as u64;
                return self.fail(end, exact::UNCLOSED);
            }
            if !self.text.read_more() {
                return self.end_with_failure();
            }
        }
        let kept = record.into_text();
        let mut batch = sink.start_batch(kept.as_bytes());
        let mut log = KeyLog::default();
        exact::with_slots(rules, &kept, &mut log, 0, |slots| {
            let mapped = slots.get(..rules.element_slot()).unwrap_or(slots);
            sink.push(&mut batch, 0, Element::TooLarge(mapped));
        });
        sink.finish_batch(&mut batch, kept.as_bytes());
        self.emit(offset, batch, 1, log.take());
        if self.result.is_none() {
            self.pass_delimiter();
        }
    }

    /// Reads the comma after a record, or the end of the array.
    fn pass_delimiter(&mut self) {
        match self.text.skip_space() {
            Some(b',') => self.text.advance(1),
            Some(b']') => {
                self.text.advance(1);
                self.expect_end();
            }
            Some(_) => self.fail(self.text.offset(), exact::AFTER_RECORD),
            None if self.text.is_complete() => self.fail(self.text.offset(), exact::UNCLOSED),
            None => self.end_with_failure(),
        }
    }

    fn end_with_failure(&mut self) {
        let failure = self.text.take_failure();
        self.result = failure.map(|error| Err(ReadFailure::Io(error)));
    }

    /// Checks that only white space follows the array.
    fn expect_end(&mut self) {
        let found = self.text.skip_space();
        if let Some(error) = self.text.take_failure() {
            self.result = Some(Err(ReadFailure::Io(error)));
        } else if found.is_some() {
            self.fail(
                self.text.offset(),
                "unexpected text after the end of the array",
            );
        } else if self.result.is_none() {
            self.result = Some(Ok(()));
        }
    }
}
