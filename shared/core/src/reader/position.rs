//! Lines and columns, for people.

use std::fmt;
use std::io::{self, Read};

/// A place in a text, both numbers from 1. Columns count characters, a byte order mark is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

impl Position {
    /// The position of byte number `offset` of a text in memory.
    #[must_use]
    pub fn of(text: &[u8], offset: usize) -> Self {
        // Reading from memory cannot fail.
        Self::locate(text, offset as u64).unwrap_or(Self { line: 1, column: 1 })
    }

    /// The position of the byte that `offset` bytes come before in `text`.
    ///
    /// # Errors
    /// What reading the text gives.
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
            let newlines = memchr::memchr_iter(b'\n', bytes).count() as u64;
            if newlines > 0 {
                position.line += newlines;
                position.column = 1;
                let last = memchr::memrchr(b'\n', bytes).map_or(0, |newline| newline + 1);
                bytes = bytes.get(last..).unwrap_or(&[]);
            }
            // Bytes that continue a character are none of their own.
            position.column += bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(text: &str, offset: u64) -> (u64, u64) {
        let position = Position::locate(text.as_bytes(), offset).unwrap();
        (position.line, position.column)
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        assert_eq!(locate("[1]", 0), (1, 1));
        assert_eq!(locate("[\n  é!", 6), (2, 4));
        assert_eq!(locate("a\r\nb\n", 5), (3, 1));
        assert_eq!(locate("\u{feff}[x", 4), (1, 2));
    }
}
