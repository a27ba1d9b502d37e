//! Line and column numbers for error messages.

use std::fmt;
use std::io::{self, Read};

/// A position in a text, both numbers from 1. Columns count characters; a byte order mark does not
/// count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

impl Position {
    /// Returns the position of byte number `offset` of a text in memory.
    #[must_use]
    pub fn of(text: &[u8], offset: usize) -> Self {
        // Reading from memory cannot fail.
        Self::locate(text, offset as u64).unwrap_or(Self { line: 1, column: 1 })
    }

    /// Returns the position of the byte after the first `offset` bytes of `text`.
    ///
    /// # Errors
    /// Returns an error if reading the text fails.
    pub fn locate(text: impl Read, offset: u64) -> io::Result<Self> {
        let mut text = text.take(offset);
        let mut position = Self { line: 1, column: 1 };
        let mut buffer = vec![0; 64 * 1024];
        let mut start = true;
        loop {
            let length = text.read(&mut buffer)?;
            let Some(mut bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
                return Ok(position);
            };
            if std::mem::take(&mut start) {
                bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            }
            let count_newlines = memchr::memchr_iter(b'\n', bytes).count() as u64;
            if count_newlines > 0 {
                position.line += count_newlines;
                position.column = 1;
                let last = memchr::memrchr(b'\n', bytes).map_or(0, |newline| newline + 1);
                bytes = bytes.get(last..).unwrap_or(&[]);
            }
            // Continuation bytes of a character do not count.
            position.column += bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Counts the newlines in `bytes`.
pub(super) fn count_newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(text: &str, offset: u64) -> (u64, u64) {
        let position = Position::locate(text.as_bytes(), offset).unwrap();
        (position.line, position.column)
    }

    #[test]
    fn lines_and_columns_start_at_1_and_count_characters() {
        assert_eq!(locate("[1]", 0), (1, 1));
        assert_eq!(locate("[\n  é!", 6), (2, 4));
        assert_eq!(locate("a\r\nb\n", 5), (3, 1));
        assert_eq!(locate("\u{feff}[x", 4), (1, 2));
    }
}
