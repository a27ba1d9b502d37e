//! Presents NDJSON as the text of a JSON array, byte for byte after an inserted opening bracket:
//! the end of a line becomes a comma if another line with a record follows. Brackets and strings
//! are tracked through each line, so that two lines never become one record, nor one line two:
//! where that could happen, a byte that is invalid everywhere in JSON is inserted. The reader finds
//! all other errors.

use std::io::{self, Read};
use std::ops::Range;

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A byte that is invalid in JSON: neither white space nor allowed in a string.
const INVALID_BYTE: u8 = 1;

pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// Part of the buffer that is ready to be returned.
    ready: Range<usize>,
    line: LineState,
    /// True if the end of a line has not been returned yet: it becomes a comma or white space,
    /// depending on what follows.
    line_end_pending: bool,
    state: ArrayState,
    /// Bytes of the lines, including the byte order mark, that [`Self::rewrite`] has processed.
    offset: u64,
    /// Bytes of the byte order mark.
    mark_bytes: u64,
    /// Bytes before the first line end within a record.
    first_broken_line: Option<u64>,
}

#[derive(PartialEq, Eq)]
enum ArrayState {
    Before,
    Inside,
    After,
}

/// Parser state within a line.
#[derive(Default)]
struct LineState {
    /// True if the line has anything but white space.
    has_content: bool,
    depth: u64,
    in_string: bool,
    /// True if the previous byte started an escape.
    escaped: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            ready: 0..0,
            line: LineState::default(),
            line_end_pending: false,
            state: ArrayState::Before,
            offset: 0,
            mark_bytes: 0,
            first_broken_line: None,
        }
    }

    pub(super) const fn source(&self) -> &R {
        &self.source
    }

    pub(super) const fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Returns the offset in the lines that corresponds to byte `offset` of the array.
    pub(super) const fn as_sent(&self, offset: u64) -> u64 {
        offset.saturating_sub(1) + self.mark_bytes
    }

    /// Returns the number of bytes before the first line end within a record.
    pub(super) const fn first_broken_line(&self) -> Option<u64> {
        self.first_broken_line
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.state == ArrayState::Before {
            return self.open();
        }
        let kept = usize::from(self.line_end_pending);
        self.set_byte(0, b'\n');
        let room = self.buffer.get_mut(kept..).unwrap_or_default();
        let length = self.source.read(room)?;
        if length > 0 {
            self.rewrite(kept..kept + length);
        } else {
            self.set_byte(kept, b']');
            self.ready = 0..kept + 1;
            self.state = ArrayState::After;
        }
        Ok(())
    }

    /// Drops a byte order mark and inserts the opening bracket.
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
        self.mark_bytes = bracket as u64;
        self.offset = self.mark_bytes;
        self.state = ArrayState::Inside;
        self.set_byte(bracket, b'[');
        self.rewrite(bracket + 1..end);
        self.ready.start = bracket;
        Ok(())
    }

    /// Rewrites the lines in this part of the buffer as part of the array. A pending line end
    /// precedes the part.
    fn rewrite(&mut self, part: Range<usize>) {
        let start = part.start - usize::from(self.line_end_pending);
        let mut pending = self.line_end_pending.then_some(start);
        let mut end = part.end;
        let mut at = part.start;
        while let Some(byte) = self.buffer.get(at..end).and_then(|bytes| bytes.first()) {
            let has_content = self.line.has_content;
            let role = self.line.classify(*byte);
            if self.line.has_content
                && !has_content
                && let Some(line_end) = pending.take()
            {
                self.set_byte(line_end, b',');
            }
            match role {
                ByteRole::Inside => {}
                ByteRole::LineEnd => pending = pending.or(Some(at)),
                ByteRole::Stray => self.set_byte(at, INVALID_BYTE),
                ByteRole::BrokenLine => {
                    let offset = self.offset + (at - part.start) as u64;
                    self.first_broken_line.get_or_insert(offset);
                    self.set_byte(at, INVALID_BYTE);
                }
            }
            at += 1;
            if self.line.in_string && !self.line.escaped {
                let rest = self.buffer.get(at..end).unwrap_or_default();
                at += memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
            }
        }
        self.offset += (part.end - part.start) as u64;
        self.line_end_pending = pending.is_some();
        if let Some(line_end) = pending {
            self.buffer.copy_within(line_end + 1..end, line_end);
            end -= 1;
        }
        self.ready = start..end;
    }

    fn set_byte(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.buffer.get_mut(at) {
            *place = byte;
        }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && self.state != ArrayState::After {
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

/// Role of a byte in its line.
enum ByteRole {
    /// Part of a record, or white space.
    Inside,
    /// The end of the line, outside a record.
    LineEnd,
    /// The end of the line, within a record.
    BrokenLine,
    /// A comma or bracket that would join or end records of the array.
    Stray,
}

impl LineState {
    fn classify(&mut self, byte: u8) -> ByteRole {
        if self.in_string {
            match byte {
                b'\n' => return ByteRole::BrokenLine,
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return ByteRole::Inside;
        }
        match byte {
            b'\n' if self.depth > 0 => return ByteRole::BrokenLine,
            b'\n' if self.has_content => {
                self.has_content = false;
                return ByteRole::LineEnd;
            }
            b' ' | b'\t' | b'\r' | b'\n' => return ByteRole::Inside,
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' | b',' if self.depth == 0 => {
                self.has_content = true;
                return ByteRole::Stray;
            }
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        self.has_content = true;
        ByteRole::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the array a few bytes at a time; returns it and the final state.
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

    /// The position of a comma within the white space between two records depends on the step size.
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
    fn lines_without_a_whole_record_are_never_joined() {
        assert_becomes("{\"a\":1\n\"b\":2}", "[{\"a\":1\u{1}\"b\":2}]");
        assert_becomes("{\"a\":{}\n{}", "[{\"a\":{}\u{1}{}]");
        assert_becomes("\"x}\ny\"\n1", "[\"x}\u{1}y\",1]");
        assert_becomes("\"\\\"\n\"", "[\"\\\"\u{1}\"]");
        assert_becomes("1,2\n]\n}", "[1\u{1}2,\u{1},\u{1}]");
        let (_, lines) = array_of("\u{feff}{}\n{\"a\":\n1}\n{\n}", 2);
        assert_eq!(lines.first_broken_line(), Some(11));
    }

    #[test]
    fn strings_are_unchanged() {
        assert_becomes(r#"{"a":"},{\"b\\"}"#, r#"[{"a":"},{\"b\\"}]"#);
    }
}
