//! NDJSON as the text of a JSON array, byte for byte behind the bracket that is put before it: the
//! end of a line becomes a comma if another line with a record follows. Brackets and strings are
//! followed through each line, so that a record is never made of two lines, nor two of one: where
//! that could happen, a byte is put that JSON has nowhere. What else is no JSON the reader finds.

use std::io::{self, Read};
use std::ops::Range;

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Nothing in JSON: neither white space, nor allowed in a string.
const NOTHING: u8 = 1;

pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer is yet to be handed out.
    ready: Range<usize>,
    line: Line,
    /// Whether the end of a line waits to be handed out: it is a comma or white space, depending
    /// on what follows.
    held: bool,
    progress: Progress,
    /// Bytes of the lines, the byte order mark included, that went through [`Self::rewrite`].
    offset: u64,
    /// Bytes of the byte order mark.
    mark: u64,
    /// Bytes before the first end of a line that is within a record.
    broken: Option<u64>,
}

#[derive(PartialEq, Eq)]
enum Progress {
    Unopened,
    Within,
    Closed,
}

/// What the bytes of a line, up to some place, have left open.
#[derive(Default)]
struct Line {
    /// Whether it has anything but white space.
    begun: bool,
    depth: u64,
    in_string: bool,
    /// Whether the byte before began an escape.
    escaped: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER],
            ready: 0..0,
            line: Line::default(),
            held: false,
            progress: Progress::Unopened,
            offset: 0,
            mark: 0,
            broken: None,
        }
    }

    pub(super) const fn source(&self) -> &R {
        &self.source
    }

    /// The byte of the lines that byte `offset` of the array stands for.
    pub(super) const fn sent(&self, offset: u64) -> u64 {
        offset.saturating_sub(1) + self.mark
    }

    /// Bytes before the first end of a line that is within a record.
    pub(super) const fn broken(&self) -> Option<u64> {
        self.broken
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.progress == Progress::Unopened {
            return self.open();
        }
        let kept = usize::from(self.held);
        self.put(0, b'\n');
        let room = self.buffer.get_mut(kept..).unwrap_or_default();
        let length = self.source.read(room)?;
        if length > 0 {
            self.rewrite(kept..kept + length);
        } else {
            self.put(kept, b']');
            self.ready = 0..kept + 1;
            self.progress = Progress::Closed;
        }
        Ok(())
    }

    /// Drops a byte order mark and puts the bracket before everything.
    fn open(&mut self) -> io::Result<()> {
        let mut end = 1;
        while end <= BYTE_ORDER_MARK.len() {
            let room = self.buffer.get_mut(end..).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => break,
                Ok(length) => end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let read = self.buffer.get(1..end).unwrap_or_default();
        let bracket = if read.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        self.mark = bracket as u64;
        self.offset = self.mark;
        self.progress = Progress::Within;
        self.put(bracket, b'[');
        self.rewrite(bracket + 1..end);
        self.ready.start = bracket;
        Ok(())
    }

    /// Makes part of the array of the lines in this part of the buffer. The end of a line that was
    /// held is before it.
    fn rewrite(&mut self, part: Range<usize>) {
        let start = part.start - usize::from(self.held);
        let mut pending = self.held.then_some(start);
        let mut end = part.end;
        let mut at = part.start;
        while let Some(byte) = self.buffer.get(at..end).and_then(|bytes| bytes.first()) {
            let begun = self.line.begun;
            let taken = self.line.take(*byte);
            if self.line.begun
                && !begun
                && let Some(line_end) = pending.take()
            {
                self.put(line_end, b',');
            }
            match taken {
                Taken::Inside => {}
                Taken::End => pending = pending.or(Some(at)),
                Taken::Stray => self.put(at, NOTHING),
                Taken::Break => {
                    let offset = self.offset + (at - part.start) as u64;
                    self.broken.get_or_insert(offset);
                    self.put(at, NOTHING);
                }
            }
            at += 1;
            if self.line.in_string && !self.line.escaped {
                let rest = self.buffer.get(at..end).unwrap_or_default();
                at += memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
            }
        }
        self.offset += (part.end - part.start) as u64;
        self.held = pending.is_some();
        if let Some(line_end) = pending {
            self.buffer.copy_within(line_end + 1..end, line_end);
            end -= 1;
        }
        self.ready = start..end;
    }

    fn put(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.buffer.get_mut(at) {
            *place = byte;
        }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && self.progress != Progress::Closed {
            self.refill()?;
        }
        let ready = self.buffer.get(self.ready.clone()).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        if let (Some(room), Some(bytes)) = (buffer.get_mut(..length), ready.get(..length)) {
            room.copy_from_slice(bytes);
        }
        self.ready.start += length;
        Ok(length)
    }
}

/// What a byte is in its line.
enum Taken {
    /// Part of a record, or white space.
    Inside,
    /// The end of the line, with nothing open.
    End,
    /// The end of the line, within a record.
    Break,
    /// A comma or bracket that would join or end the records of the array.
    Stray,
}

impl Line {
    fn take(&mut self, byte: u8) -> Taken {
        if self.in_string {
            match byte {
                b'\n' => return Taken::Break,
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return Taken::Inside;
        }
        match byte {
            b'\n' if self.depth > 0 => return Taken::Break,
            b'\n' if self.begun => {
                self.begun = false;
                return Taken::End;
            }
            b' ' | b'\t' | b'\r' | b'\n' => return Taken::Inside,
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' | b',' if self.depth == 0 => {
                self.begun = true;
                return Taken::Stray;
            }
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        self.begun = true;
        Taken::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The array, read a few bytes at a time, and what became of it.
    fn array_of(text: &str, step: usize) -> (String, Lines<impl Read>) {
        struct Steps<'t>(&'t [u8], usize);
        impl Read for Steps<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = self.1.min(self.0.len()).min(buffer.len());
                self.0.read(&mut buffer[..length])
            }
        }
        let mut lines = Lines::new(Steps(text.as_bytes(), step));
        let mut array = Vec::new();
        let mut byte = [0; 1];
        while lines.read(&mut byte).unwrap() > 0 {
            array.push(byte[0]);
        }
        (String::from_utf8(array).unwrap(), lines)
    }

    /// Where a comma is among the white space between two records depends on the steps.
    #[track_caller]
    fn assert_becomes(text: &str, array: &str) {
        let sorted = |array: &str| array.replace("\n,", ",\n").replace(" ,", ", ");
        for step in 1..text.len() + 2 {
            let (found, _) = array_of(text, step);
            assert_eq!(found.len(), array.len());
            let mut found = sorted(&found);
            while found != sorted(&found) {
                found = sorted(&found);
            }
            assert_eq!(found, array, "{text:?} in steps of {step}");
        }
    }

    #[test]
    fn the_end_of_a_line_becomes_a_comma_if_another_record_follows() {
        assert_becomes("{}\n{\"a\":[1]}", "[{},{\"a\":[1]}]");
        assert_becomes("{}\n{}\n", "[{},{}\n]");
        assert_becomes("{}\r\n{}\r\n", "[{}\r,{}\r\n]");
        assert_becomes("\u{feff}{}\n7\nnull", "[{},7,null]");
    }

    #[test]
    fn blank_lines_are_white_space_and_keep_their_ends() {
        assert_becomes("", "[]");
        assert_becomes("\u{feff}", "[]");
        assert_becomes("\n \n", "[\n \n]");
        assert_becomes("\n\n1\n\n \n2\n\n", "[\n\n1,\n \n2\n\n]");
    }

    #[test]
    fn lines_that_are_no_whole_record_are_never_joined() {
        assert_becomes("{\"a\":1\n\"b\":2}", "[{\"a\":1\u{1}\"b\":2}]");
        assert_becomes("{\"a\":{}\n{}", "[{\"a\":{}\u{1}{}]");
        assert_becomes("\"x}\ny\"\n1", "[\"x}\u{1}y\",1]");
        assert_becomes("\"\\\"\n\"", "[\"\\\"\u{1}\"]");
        assert_becomes("1,2\n]\n}", "[1\u{1}2,\u{1},\u{1}]");
        let (_, lines) = array_of("\u{feff}{}\n{\"a\":\n1}\n{\n}", 2);
        assert_eq!(lines.broken(), Some(11));
    }

    #[test]
    fn strings_are_left_alone() {
        assert_becomes(r#"{"a":"},{\"b\\"}"#, r#"[{"a":"},{\"b\\"}]"#);
    }
}
