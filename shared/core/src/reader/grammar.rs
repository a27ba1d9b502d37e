//! The strict JSON grammar (RFC 8259) over bytes that may end anywhere: finds the end of a value,
//! or the first invalid byte. It builds nothing, does not recurse, and distinguishes invalid from
//! incomplete input, which serde_json does not do within numbers.

use super::boundary::is_space;
use crate::limits;

/// Location and reason of invalid JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidJson {
    /// Index of the unexpected byte.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

/// Reason why the end of a value was not found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GrammarError {
    /// The bytes end before the value does. A number ends only where another byte follows.
    Incomplete,
    Invalid(InvalidJson),
}

/// Returns the index after the value that starts at `start`, an element of the array of records.
pub(super) fn element(bytes: &[u8], start: usize) -> Result<usize, GrammarError> {
    // Bytes beyond the maximum record length are never inspected, so that a refusal does not depend
    // on how much of the text is in memory.
    let max_end = start.saturating_add(limits::MAX_RECORD_BYTES);
    let whole = bytes.len() <= max_end;
    let mut scanner = Scanner {
        bytes: bytes.get(..max_end.saturating_add(1)).unwrap_or(bytes),
        at: start,
        open: Vec::new(),
    };
    let end = scanner.value().map(|()| scanner.at);
    let too_long = match end {
        Ok(end) => end > max_end,
        Err(GrammarError::Incomplete) => !whole,
        Err(GrammarError::Invalid(_)) => false,
    };
    if too_long {
        return Err(GrammarError::Invalid(InvalidJson {
            at: start,
            reason: "a record is longer than 8 MB",
        }));
    }
    end
}

/// Skips a value in valid JSON: returns the index after the one that starts at `start`.
pub(super) fn skip_value(bytes: &[u8], start: usize) -> usize {
    let mut scanner = Scanner {
        bytes,
        at: start,
        open: Vec::new(),
    };
    // Only a number can reach the end of valid JSON without a byte that ends it.
    match scanner.value() {
        Ok(()) | Err(GrammarError::Incomplete | GrammarError::Invalid(_)) => scanner.at,
    }
}

struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Closing brackets of the open arrays and objects.
    open: Vec<u8>,
}

impl Scanner<'_> {
    fn peek(&self) -> Result<u8, GrammarError> {
        self.bytes
            .get(self.at)
            .copied()
            .ok_or(GrammarError::Incomplete)
    }

    fn peek_past_space(&mut self) -> Result<u8, GrammarError> {
        while is_space(self.peek()?) {
            self.at += 1;
        }
        self.peek()
    }

    fn invalid<T>(&self, reason: &'static str) -> Result<T, GrammarError> {
        Err(GrammarError::Invalid(InvalidJson {
            at: self.at,
            reason,
        }))
    }

    fn value(&mut self) -> Result<(), GrammarError> {
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
                _ => return self.invalid("expected a JSON value"),
            };
            if !opened && !self.close_and_continue()? {
                return Ok(());
            }
        }
    }

    /// Enters an array or object and reads an object's first key; returns `false` if it is empty.
    fn open(&mut self, bracket: u8) -> Result<bool, GrammarError> {
        // The array of records is one level.
        if self.open.len() + 1 >= limits::MAX_NESTING_LEVELS {
            return self.invalid("arrays and objects are nested more than 1,024 levels deep");
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

    /// Continues after a value: returns `true` if another one starts, `false` if everything is
    /// closed.
    fn close_and_continue(&mut self) -> Result<bool, GrammarError> {
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
                _ if bracket == b'}' => return self.invalid("expected `,` or `}` after a value"),
                _ => return self.invalid("expected `,` or `]` after a value"),
            }
        }
        Ok(false)
    }

    fn key(&mut self) -> Result<(), GrammarError> {
        if self.peek_past_space()? != b'"' {
            return self.invalid("expected a key in double quotes");
        }
        self.string()?;
        if self.peek_past_space()? != b':' {
            return self.invalid("expected `:` after a key");
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<bool, GrammarError> {
        for letter in word {
            if self.peek()? != *letter {
                return self.invalid("expected `true`, `false` or `null`");
            }
            self.at += 1;
        }
        Ok(false)
    }

    fn number(&mut self) -> Result<(), GrammarError> {
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

    fn digits(&mut self) -> Result<(), GrammarError> {
        if !self.peek()?.is_ascii_digit() {
            return self.invalid("expected a digit");
        }
        while self.peek()?.is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), GrammarError> {
        let start = self.at;
        let end = self.string_bytes();
        // Invalid UTF-8 before the end of the string takes precedence over the reason why it ended.
        let text = self.bytes.get(start..self.at).unwrap_or(&[]);
        if let Err(error) = std::str::from_utf8(text)
            && (error.error_len().is_some() || end != Err(GrammarError::Incomplete))
        {
            self.at = start + error.valid_up_to();
            return self.invalid("not UTF-8 text");
        }
        end
    }

    fn string_bytes(&mut self) -> Result<(), GrammarError> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                0..0x20 => return self.invalid("unescaped control character"),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), GrammarError> {
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return self.invalid("expected a hexadecimal digit");
                    }
                    self.at += 1;
                }
            }
            _ => return self.invalid("invalid escape sequence"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_end_within_a_value_are_incomplete() {
        let whole = r#"{"a":[-1.5e+3,"é\u00e9\n",true,null,{"b":false}],"c":0}"#;
        assert_eq!(element(whole.as_bytes(), 0), Ok(whole.len()));
        for end in 0..whole.len() {
            assert_eq!(
                element(&whole.as_bytes()[..end], 0),
                Err(GrammarError::Incomplete),
                "{end}"
            );
        }
    }

    #[test]
    fn skip_value_returns_the_end_of_a_value() {
        let text = br#"[1,"a]",[2]]"#;
        assert_eq!(skip_value(text, 1), 2);
        assert_eq!(skip_value(text, 3), 7);
        assert_eq!(skip_value(text, 8), 11);
        assert_eq!(skip_value(b"12.5", 0), 4);
    }
}
