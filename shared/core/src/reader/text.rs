//! The incoming text: bytes come from the source and leave in chunks of whole records, as judged by
//! their ends. The remainder between two chunks is kept.

use std::io::{self, Read};

use super::boundary::{last_boundary, skip_space, trim_space};
use super::position::count_newlines;
use crate::limits;

/// A chunk of the text: elements separated by commas.
#[derive(Debug)]
pub(super) struct TextChunk {
    /// Holds the bytes from `start` on, and stale data after them.
    buffer: Vec<u8>,
    start: usize,
    length: usize,
    /// Index of the comma after the elements, or of the bracket that closes the array.
    end: usize,
    /// True if `end` is the bracket; only white space follows it then.
    pub(super) closes: bool,
    /// True if it starts with the first element of the array.
    pub(super) opens: bool,
    /// Bytes of the text before the chunk.
    pub(super) offset: u64,
}

impl TextChunk {
    /// Returns the elements, without what follows them.
    pub(super) fn elements(&self) -> &[u8] {
        self.bytes().get(..self.end).unwrap_or(&[])
    }

    /// Returns all bytes, including those after the elements.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer
            .get(self.start..)
            .and_then(|bytes| bytes.get(..self.length))
            .unwrap_or(&[])
    }

    /// Returns the index of the comma or bracket after the elements.
    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// Returns the buffer for reuse.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

pub(super) struct TextReader<R> {
    source: R,
    /// Bytes of a chunk.
    chunk: usize,
    /// Read buffer. From `start` to `end` it holds the bytes that have not left: they begin at an
    /// element, or at white space before one.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the text before those in the buffer.
    offset: u64,
    /// Bytes of the text before the first element.
    opening: u64,
    /// True if the buffer reaches the end of the text.
    complete: bool,
    /// The error that ended reading.
    failure: Option<io::Error>,
}

/// Error if the text does not start with an array.
pub(super) enum OpenError {
    Io(io::Error),
    Syntax {
        offset: u64,
        reason: &'static str,
        /// Newlines read from there on.
        newlines_after: u64,
    },
}

impl<R: Read> TextReader<R> {
    /// Reads up to the bracket that opens the array, and some bytes more.
    pub(super) fn open(source: R, chunk: usize) -> Result<Self, OpenError> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let mut text = Self {
            source,
            chunk,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            opening: 0,
            complete: false,
            failure: None,
        };
        text.fill(chunk.max(BYTE_ORDER_MARK.len()));
        if text.rest().starts_with(BYTE_ORDER_MARK) {
            text.advance(BYTE_ORDER_MARK.len());
        }
        let reason = match text.skip_space() {
            Some(b'[') => {
                text.advance(1);
                text.opening = text.offset;
                return Ok(text);
            }
            Some(b'{') => "expected a JSON array of objects, found an object",
            Some(b'"') => "expected a JSON array of objects, found a string",
            Some(_) => "expected a JSON array of objects",
            None => "expected a JSON array of objects, found nothing",
        };
        Err(match text.failure.take() {
            Some(error) if text.rest().is_empty() => OpenError::Io(error),
            _ => OpenError::Syntax {
                offset: text.offset,
                reason,
                newlines_after: count_newlines(text.rest()),
            },
        })
    }

    /// Returns the bytes that were read and have not left.
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Returns the bytes of the text before [`Self::rest`].
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns `true` if the text ends with [`Self::rest`].
    pub(super) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Drops `length` bytes of the rest.
    pub(super) fn advance(&mut self, length: usize) {
        self.start += length;
        self.offset += length as u64;
    }

    /// Reads a chunk more, or as much again as there is, so that what has to be looked at from its
    /// start is not looked at too often. Returns `false` if that failed; [`Self::take_failure`] has
    /// the error.
    pub(super) fn read_more(&mut self) -> bool {
        let rest = self.rest().len();
        let more = rest.clamp(self.chunk, limits::MAX_RECORD_BYTES.max(self.chunk));
        self.fill(rest + more);
        self.failure.is_none()
    }

    /// Returns the error that ended reading.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Drops white space, reading on while there is nothing else. Returns the byte after it, unless
    /// the text ends or fails there.
    pub(super) fn skip_space(&mut self) -> Option<u8> {
        loop {
            let rest = self.rest();
            let length = rest.len() - skip_space(rest).len();
            self.advance(length);
            match self.rest().first() {
                Some(byte) => return Some(*byte),
                None if self.complete || self.failure.is_some() => return None,
                None => self.fill(self.chunk),
            }
        }
    }

    /// Returns the next chunk. Returns `None` if nothing looks like a boundary within the maximum
    /// record length, on a failure, and if the text does not end with the array: then it has to be
    /// read exactly.
    pub(super) fn next_chunk(&mut self, mut buffer: Vec<u8>) -> Option<TextChunk> {
        let mut size = self.chunk;
        let end = loop {
            self.fill(size);
            if self.failure.is_some() {
                return None;
            }
            let rest = self.rest();
            if self.complete {
                let text = trim_space(rest);
                if text.last() != Some(&b']') {
                    return None;
                }
                break text.len() - 1;
            }
            if let Some(border) = last_boundary(rest) {
                break border;
            }
            if rest.len() > limits::MAX_RECORD_BYTES {
                return None;
            }
            size = rest.len() * 2;
        };
        let rest = self.rest();
        let length = if self.complete { rest.len() } else { end + 1 };
        let kept = rest.get(length..).unwrap_or(&[]);
        let kept_length = kept.len();
        make_room(&mut buffer, kept_length);
        if let Some(room) = buffer.get_mut(..kept_length) {
            room.copy_from_slice(kept);
        }
        let chunk = TextChunk {
            buffer: std::mem::replace(&mut self.buffer, buffer),
            start: self.start,
            length,
            end,
            closes: self.complete,
            opens: self.offset == self.opening,
            offset: self.offset,
        };
        (self.start, self.end) = (0, kept_length);
        self.offset += length as u64;
        Some(chunk)
    }

    /// Takes back the chunks that left last, in their order.
    pub(super) fn put_back<'c>(&mut self, chunks: impl Iterator<Item = &'c TextChunk>) {
        let mut bytes = Vec::new();
        for chunk in chunks {
            bytes.extend_from_slice(chunk.bytes());
        }
        self.offset -= bytes.len() as u64;
        bytes.extend_from_slice(self.rest());
        (self.start, self.end) = (0, bytes.len());
        self.buffer = bytes;
    }

    /// Reads until `size` bytes are available.
    fn fill(&mut self, size: usize) {
        if self.end - self.start >= size {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        make_room(&mut self.buffer, size);
        while !self.complete && self.failure.is_none() {
            let Some(room) = self
                .buffer
                .get_mut(self.end..size)
                .filter(|room| !room.is_empty())
            else {
                break;
            };
            match self.source.read(room) {
                Ok(0) => self.complete = true,
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.failure = Some(error),
            }
        }
    }
}

/// Grows a vector to at least that length. It never shrinks, so that its memory is not cleared
/// again on reuse.
fn make_room(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
}
