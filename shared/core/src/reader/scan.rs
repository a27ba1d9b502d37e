//! The strict grammar of JSON (RFC 8259) over bytes that may end anywhere: where a value ends, or
//! the first byte that cannot be. Builds nothing, recurses never, and tells "this is wrong" from
//! "more is needed", which serde_json does not do within numbers.

use super::cut::is_space;
use crate::limits;

/// Where and why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotJson {
    /// Index of the unexpected byte.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

/// Why no end of a value was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end before the value does; a number ends only where something else begins.
    End,
    NotJson(NotJson),
}

/// The index behind the value that begins at `start`, an element of the array of records.
pub(super) fn element(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    // What is beyond the longest record is never looked at, so that a refusal does not hang on
    // how much of the text is in memory.
    let longest = start.saturating_add(limits::RECORD_BYTES);
    let whole = bytes.len() <= longest;
    let mut scanner = Scanner {
        bytes: bytes.get(..longest.saturating_add(1)).unwrap_or(bytes),
        at: start,
        open: Vec::new(),
    };
    let end = scanner.value().map(|()| scanner.at);
    let too_long = match end {
        Ok(end) => end > longest,
        Err(Stop::End) => !whole,
        Err(Stop::NotJson(_)) => false,
    };
    if too_long {
        return Err(Stop::NotJson(NotJson {
            at: start,
            reason: "a record is longer than 8 MB",
        }));
    }
    end
}

/// Reads over a value in valid JSON: the index behind the one that begins at `start`.
pub(super) fn skip_value(bytes: &[u8], start: usize) -> usize {
    let mut scanner = Scanner {
        bytes,
        at: start,
        open: Vec::new(),
    };
    // Only a number can reach the end of valid JSON without being seen to end.
    match scanner.value() {
        Ok(()) | Err(Stop::End | Stop::NotJson(_)) => scanner.at,
    }
}

struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
    /// The brackets that close the open arrays and objects.
    open: Vec<u8>,
}

impl Scanner<'_> {
    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }

    fn peek_past_space(&mut self) -> Result<u8, Stop> {
        while is_space(self.peek()?) {
            self.at += 1;
        }
        self.peek()
    }

    fn wrong<T>(&self, reason: &'static str) -> Result<T, Stop> {
        Err(Stop::NotJson(NotJson {
            at: self.at,
            reason,
        }))
    }

    fn value(&mut self) -> Result<(), Stop> {
        loop {
            let opened = match self.peek_past_space()? {
                b'{' => self.open(b'}')?,
                b'[' => self.open(b']')?,
                b'"' => {
                    self.string()?;
                    false
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                    false
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => return self.wrong("expected a JSON value"),
            };
            if !opened && !self.close_and_continue()? {
                return Ok(());
            }
        }
    }

    /// Enters an array or object; `false` if it ends at once. An object's first key is read.
    fn open(&mut self, bracket: u8) -> Result<bool, Stop> {
        // The array of records is one level.
        if self.open.len() + 1 >= limits::NESTING {
            return self.wrong("arrays and objects are nested more than 1,024 levels deep");
        }
        self.open.push(bracket);
        self.at += 1;
        if self.peek_past_space()? == bracket {
            self.open.pop();
            self.at += 1;
            return Ok(false);
        }
        if bracket == b'}' {
            self.key()?;
        }
        Ok(true)
    }

    /// Goes on behind a value: `true` where another one begins, `false` if all is closed.
    fn close_and_continue(&mut self) -> Result<bool, Stop> {
        while let Some(bracket) = self.open.last().copied() {
            match self.peek_past_space()? {
                b',' => {
                    self.at += 1;
                    if bracket == b'}' {
                        self.key()?;
                    }
                    return Ok(true);
                }
                byte if byte == bracket => {
                    self.at += 1;
                    self.open.pop();
                }
                _ if bracket == b'}' => return self.wrong("expected `,` or `}` after a value"),
                _ => return self.wrong("expected `,` or `]` after a value"),
            }
        }
        Ok(false)
    }

    fn key(&mut self) -> Result<(), Stop> {
        if self.peek_past_space()? != b'"' {
            return self.wrong("expected a key in double quotes");
        }
        self.string()?;
        if self.peek_past_space()? != b':' {
            return self.wrong("expected `:` after a key");
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<bool, Stop> {
        for letter in word {
            if self.peek()? != *letter {
                return self.wrong("expected `true`, `false` or `null`");
            }
            self.at += 1;
        }
        Ok(false)
    }

    fn number(&mut self) -> Result<(), Stop> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek()? == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek()?, b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Stop> {
        if !self.peek()?.is_ascii_digit() {
            return self.wrong("expected a digit");
        }
        while self.peek()?.is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let end = self.string_bytes();
        // Whatever ended the string, bytes before it that are no text come first.
        let text = self.bytes.get(start..self.at).unwrap_or(&[]);
        if let Err(error) = std::str::from_utf8(text)
            && (error.error_len().is_some() || end != Err(Stop::End))
        {
            self.at = start + error.valid_up_to();
            return self.wrong("not UTF-8 text");
        }
        end
    }

    fn string_bytes(&mut self) -> Result<(), Stop> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                0..0x20 => return self.wrong("a control character that is not escaped"),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Stop> {
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return self.wrong("expected a hexadecimal digit");
                    }
                    self.at += 1;
                }
            }
            _ => return self.wrong("there is no such escape"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_end_within_a_value_are_no_fault() {
        let whole = r#"{"a":[-1.5e+3,"é\u00e9\n",true,null,{"b":false}],"c":0}"#;
        assert_eq!(element(whole.as_bytes(), 0), Ok(whole.len()));
        for end in 0..whole.len() {
            assert_eq!(
                element(&whole.as_bytes()[..end], 0),
                Err(Stop::End),
                "{end}"
            );
        }
    }

    #[test]
    fn a_value_in_valid_json_is_skipped() {
        let text = br#"[1,"a]",[2]]"#;
        assert_eq!(skip_value(text, 1), 2);
        assert_eq!(skip_value(text, 3), 7);
        assert_eq!(skip_value(text, 8), 11);
        assert_eq!(skip_value(b"12.5", 0), 4);
    }
}
