//! The text on its way in: bytes come from the source and leave in chunks of whole records, as
//! far as a look at their ends can tell. What is left between two chunks is kept.

use std::io::{self, Read};

use super::cut::{last_border, skip_space, trim_space};
use super::newlines;
use crate::limits;

/// A piece of the text: elements with commas between them.
#[derive(Debug)]
pub(super) struct Chunk {
    /// From `start` on it holds the bytes, and behind them what was there before.
    memory: Vec<u8>,
    start: usize,
    length: usize,
    /// Index of the comma behind the elements, or of the bracket that closes the array.
    end: usize,
    /// Whether it is the bracket; nothing but white space follows it then.
    pub(super) closes: bool,
    /// Whether it begins with the first element of the array.
    pub(super) opens: bool,
    /// Bytes of the text before it.
    pub(super) offset: u64,
}

impl Chunk {
    /// The elements, and whether what is behind them is included.
    pub(super) fn elements(&self) -> &[u8] {
        self.bytes().get(..self.end).unwrap_or(&[])
    }

    /// All bytes, those behind the elements included.
    pub(super) fn bytes(&self) -> &[u8] {
        self.memory
            .get(self.start..)
            .and_then(|bytes| bytes.get(..self.length))
            .unwrap_or(&[])
    }

    /// The index of the comma or bracket behind the elements.
    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// Its memory, to be used again.
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.memory
    }
}

pub(super) struct Text<R> {
    source: R,
    /// Bytes of a chunk.
    chunk: usize,
    /// Memory to read into. From `start` to `end` it holds what was read and has not left: it
    /// begins at an element, or at white space before one.
    memory: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the text before those.
    offset: u64,
    /// Bytes of the text before the first element.
    opening: u64,
    /// Whether they reach the end of the text.
    complete: bool,
    /// Why nothing more can be read.
    failure: Option<io::Error>,
}

/// Where the array does not begin, and what is there instead.
pub(super) enum NotOpened {
    Io(io::Error),
    Syntax {
        offset: u64,
        reason: &'static str,
        /// Newlines that were read from there on.
        newlines_behind: u64,
    },
}

impl<R: Read> Text<R> {
    /// Reads up to the bracket that opens the array, and a little more.
    pub(super) fn open(source: R, chunk: usize) -> Result<Self, NotOpened> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let mut text = Self {
            source,
            chunk,
            memory: Vec::new(),
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
            Some(b'{') => "found an object where a JSON array of objects belongs",
            Some(b'"') => "found a string where a JSON array of objects belongs",
            Some(_) => "expected a JSON array of objects",
            None => "there is nothing; a JSON array of objects belongs here",
        };
        Err(match text.failure.take() {
            Some(error) if text.rest().is_empty() => NotOpened::Io(error),
            _ => NotOpened::Syntax {
                offset: text.offset,
                reason,
                newlines_behind: newlines(text.rest()),
            },
        })
    }

    /// What was read and has not left.
    pub(super) fn rest(&self) -> &[u8] {
        self.memory.get(self.start..self.end).unwrap_or(&[])
    }

    /// Bytes of the text before [`Self::rest`].
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the text ends with [`Self::rest`].
    pub(super) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Drops `length` bytes of the rest.
    pub(super) fn advance(&mut self, length: usize) {
        self.start += length;
        self.offset += length as u64;
    }

    /// Reads about a chunk more. `false` says that it failed; [`Self::take_failure`] says why.
    pub(super) fn read_more(&mut self) -> bool {
        self.fill(self.rest().len() + self.chunk);
        self.failure.is_none()
    }

    /// Why reading failed.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Drops white space, reading on as long as there is nothing else. The byte behind it, unless
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

    /// The next chunk. `None` where nothing looks like a border within the length of a record, at
    /// a failure, and at an end that is none: there the text has to be read exactly.
    pub(super) fn next_chunk(&mut self, mut memory: Vec<u8>) -> Option<Chunk> {
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
            if let Some(border) = last_border(rest) {
                break border;
            }
            if rest.len() > limits::RECORD_BYTES {
                return None;
            }
            size = rest.len() * 2;
        };
        let rest = self.rest();
        let length = if self.complete { rest.len() } else { end + 1 };
        let kept = rest.get(length..).unwrap_or(&[]);
        let kept_length = kept.len();
        make_room(&mut memory, kept_length);
        if let Some(room) = memory.get_mut(..kept_length) {
            room.copy_from_slice(kept);
        }
        let chunk = Chunk {
            memory: std::mem::replace(&mut self.memory, memory),
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

    /// Takes chunks back that left last, in their order.
    pub(super) fn put_back<'c>(&mut self, chunks: impl Iterator<Item = &'c Chunk>) {
        let mut bytes = Vec::new();
        for chunk in chunks {
            bytes.extend_from_slice(chunk.bytes());
        }
        self.offset -= bytes.len() as u64;
        bytes.extend_from_slice(self.rest());
        (self.start, self.end) = (0, bytes.len());
        self.memory = bytes;
    }

    /// Reads until `size` bytes are there.
    fn fill(&mut self, size: usize) {
        if self.end - self.start >= size {
            return;
        }
        self.memory.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        make_room(&mut self.memory, size);
        while !self.complete && self.failure.is_none() {
            let Some(room) = self
                .memory
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

/// Makes a vector at least that long. It never gets shorter, so that its memory need not be
/// cleared again when it is used again.
fn make_room(memory: &mut Vec<u8>, length: usize) {
    if memory.len() < length {
        memory.resize(length, 0);
    }
}
