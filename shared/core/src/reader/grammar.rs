//! The strict JSON grammar (RFC 8259) over bytes that may end anywhere: finds the end of a value,
//! or the first invalid byte. It builds nothing, does not recurse, and distinguishes invalid from
//! incomplete input, which serde_json does not do within numbers. A scan can continue with further
//! bytes, so that a value of any length needs little memory.

use super::boundary::is_space;
use crate::limits;

/// Location and reason of invalid JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidJson {
    /// Index of the unexpected byte.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

impl InvalidJson {
    fn at<T>(at: usize, reason: &'static str) -> Result<T, Self> {
        Err(Self { at, reason })
    }
}

/// Reason why the end of a value was not found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GrammarError {
    /// The bytes end before the value does. A number ends only where another byte follows.
    Incomplete,
    /// The value is longer than a record may be.
    TooLong,
    Invalid(InvalidJson),
}

/// Returns the index after the value that starts at `start`, an element of the array of records.
pub(super) fn element(bytes: &[u8], start: usize) -> Result<usize, GrammarError> {
    // Bytes beyond the maximum record length are never inspected, so that a refusal does not depend
    // on how much of the text is in memory.
    let rest = bytes.get(start..).unwrap_or(&[]);
    let window = rest.get(..=limits::MAX_RECORD_BYTES);
    match Scanner::new().scan(window.unwrap_or(rest)) {
        Ok(Reach::End(end)) if end > limits::MAX_RECORD_BYTES => Err(GrammarError::TooLong),
        Ok(Reach::End(end)) => Ok(start + end),
        Ok(_) if window.is_some() => Err(GrammarError::TooLong),
        Ok(_) => Err(GrammarError::Incomplete),
        Err(InvalidJson { at, reason }) => Err(GrammarError::Invalid(InvalidJson {
            at: start + at,
            reason,
        })),
    }
}

/// Skips a value in valid JSON: returns the index after the one that starts at `start`.
pub(super) fn skip_value(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or(&[]);
    // Only a number can reach the end of valid JSON without a byte that ends it.
    match Scanner::new().scan(rest) {
        Ok(Reach::End(end) | Reach::More(end) | Reach::Member(end)) => start + end,
        Err(InvalidJson { at, .. }) => start + at,
    }
}

/// The point that a scan reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The end of the value: the index after it.
    End(usize),
    /// The start or the end of a member of the outermost object.
    Member(usize),
    /// The end of the bytes. Those from this index on must be scanned again, with more after them.
    More(usize),
}

/// A scan of one value.
pub(super) struct Scanner {
    /// Closing brackets of the open arrays and objects.
    open: Vec<u8>,
    state: State,
    /// `None` if the scan does not stop at members; true within one.
    member: Option<bool>,
}

/// The part of the text that the next byte belongs to.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Value,
    /// The first key or value after this kind of bracket was opened, or the end.
    First(u8),
    Key,
    Colon,
    Text {
        is_key: bool,
    },
    Number(Number),
    /// What follows a value.
    After,
}

/// The part of a number that the next byte belongs to, or ends.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Start,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

impl Scanner {
    pub(super) const fn new() -> Self {
        Self {
            open: Vec::new(),
            state: State::Value,
            member: None,
        }
    }

    /// Returns a scan that stops at the start and the end of each member of the outermost object.
    pub(super) fn by_members() -> Self {
        Self {
            member: Some(false),
            ..Self::new()
        }
    }

    /// Returns true within a member of the outermost object.
    pub(super) fn is_in_member(&self) -> bool {
        self.member == Some(true)
    }

    /// Continues the scan.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Reach, InvalidJson> {
        let mut at = 0;
        loop {
            if self.state == State::After && self.open.is_empty() {
                return Ok(Reach::End(at));
            }
            let next = match self.state {
                State::Text { is_key } => {
                    let (end, is_whole) = text(bytes, at)?;
                    if !is_whole {
                        return Ok(Reach::More(end));
                    }
                    let colon = if is_key { State::Colon } else { State::After };
                    self.state = colon;
                    Some(end)
                }
                State::Number(part) => {
                    let (end, part) = number(bytes, at, part)?;
                    self.state = part.map_or(State::After, State::Number);
                    if part.is_some() {
                        return Ok(Reach::More(end));
                    }
                    Some(end)
                }
                _ if self.ends_member() => {
                    self.member = Some(false);
                    return Ok(Reach::Member(at));
                }
                _ => {
                    at = past_space(bytes, at);
                    let Some(byte) = bytes.get(at) else {
                        return Ok(Reach::More(at));
                    };
                    if self.starts_member(*byte) {
                        self.member = Some(true);
                        return Ok(Reach::Member(at));
                    }
                    self.step(bytes, at, *byte)?
                }
            };
            let Some(next) = next else {
                return Ok(Reach::More(at));
            };
            at = next;
        }
    }

    fn is_in_outermost_object(&self) -> bool {
        self.open == [b'}']
    }

    fn ends_member(&self) -> bool {
        self.member == Some(true) && self.state == State::After && self.is_in_outermost_object()
    }

    fn starts_member(&self, byte: u8) -> bool {
        let at_key = matches!(self.state, State::Key | State::First(b'}')) && byte == b'"';
        self.member == Some(false) && at_key && self.is_in_outermost_object()
    }

    /// Takes a byte between texts and numbers. Returns the index after it or after the word that it
    /// starts; `None` if the word is incomplete.
    fn step(&mut self, bytes: &[u8], at: usize, byte: u8) -> Result<Option<usize>, InvalidJson> {
        match self.state {
            State::First(bracket) if byte == bracket => {
                self.open.pop();
                self.state = State::After;
            }
            State::First(b'}') | State::Key => match byte {
                b'"' => self.state = State::Text { is_key: true },
                _ => return InvalidJson::at(at, "expected a key in double quotes"),
            },
            State::Colon => match byte {
                b':' => self.state = State::Value,
                _ => return InvalidJson::at(at, "expected `:` after a key"),
            },
            State::After => self.separate(at, byte)?,
            State::Value | State::First(_) | State::Text { .. } | State::Number(_) => {
                return self.begin(bytes, at, byte);
            }
        }
        Ok(Some(at + 1))
    }

    /// Begins a value.
    fn begin(&mut self, bytes: &[u8], at: usize, byte: u8) -> Result<Option<usize>, InvalidJson> {
        let word: &[u8] = match byte {
            b'{' | b'[' => {
                // The array of records is one level.
                if self.open.len() + 1 >= limits::MAX_NESTING_LEVELS {
                    let reason = "arrays and objects are nested more than 1,024 levels deep";
                    return InvalidJson::at(at, reason);
                }
                let bracket = if byte == b'{' { b'}' } else { b']' };
                self.open.push(bracket);
                self.state = State::First(bracket);
                return Ok(Some(at + 1));
            }
            b'"' => {
                self.state = State::Text { is_key: false };
                return Ok(Some(at + 1));
            }
            b'-' => {
                self.state = State::Number(Number::Start);
                return Ok(Some(at + 1));
            }
            b'0'..=b'9' => {
                self.state = State::Number(Number::Start);
                return Ok(Some(at));
            }
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => return InvalidJson::at(at, "expected a JSON value"),
        };
        for (index, letter) in word.iter().enumerate() {
            match bytes.get(at + index) {
                None => return Ok(None),
                Some(byte) if byte == letter => {}
                Some(_) => {
                    return InvalidJson::at(at + index, "expected `true`, `false` or `null`");
                }
            }
        }
        self.state = State::After;
        Ok(Some(at + word.len()))
    }

    /// Takes the byte that follows a value within an array or object.
    fn separate(&mut self, at: usize, byte: u8) -> Result<(), InvalidJson> {
        let bracket = self.open.last().copied().unwrap_or_default();
        match byte {
            b',' if bracket == b'}' => self.state = State::Key,
            b',' => self.state = State::Value,
            _ if byte == bracket => {
                self.open.pop();
            }
            _ if bracket == b'}' => {
                return InvalidJson::at(at, "expected `,` or `}` after a value");
            }
            _ => return InvalidJson::at(at, "expected `,` or `]` after a value"),
        }
        Ok(())
    }
}

fn past_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

/// Continues a number. Returns the index after it, or the end of the bytes and the part that it
/// reached.
fn number(
    bytes: &[u8],
    mut at: usize,
    mut part: Number,
) -> Result<(usize, Option<Number>), InvalidJson> {
    use Number::{Digits, Exponent, Fraction, Point, Power, Sign, Start, Zero};
    while let Some(byte) = bytes.get(at) {
        part = match (part, byte) {
            (Start, b'0') => Zero,
            (Start | Digits, b'0'..=b'9') => Digits,
            (Zero | Digits, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Digits | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => Sign,
            (Exponent | Sign | Power, b'0'..=b'9') => Power,
            (Zero | Digits | Fraction | Power, _) => return Ok((at, None)),
            (Start | Point | Exponent | Sign, _) => {
                return InvalidJson::at(at, "expected a digit");
            }
        };
        at += 1;
    }
    Ok((at, Some(part)))
}

/// Continues a string after its opening quote. Returns the index after its closing quote and true,
/// or the index of the first incomplete character or escape and false.
fn text(bytes: &[u8], mut at: usize) -> Result<(usize, bool), InvalidJson> {
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let quote = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let plain = rest.get(..quote).unwrap_or(rest);
        let end = plain.iter().position(|byte| *byte < 0x20).unwrap_or(quote);
        // Invalid UTF-8 before the end takes precedence over the reason why it ended.
        if let Err(error) = std::str::from_utf8(plain.get(..end).unwrap_or(plain)) {
            at += error.valid_up_to();
            return if error.error_len().is_none() && end == rest.len() {
                Ok((at, false))
            } else {
                InvalidJson::at(at, "not UTF-8 text")
            };
        }
        at += end;
        match bytes.get(at) {
            None => return Ok((at, false)),
            Some(b'"') => return Ok((at + 1, true)),
            Some(b'\\') => match escape(bytes, at)? {
                Some(end) => at = end,
                None => return Ok((at, false)),
            },
            Some(_) => return InvalidJson::at(at, "unescaped control character"),
        }
    }
}

/// Returns the index after the escape that starts at `at`; `None` if it is incomplete.
fn escape(bytes: &[u8], at: usize) -> Result<Option<usize>, InvalidJson> {
    match bytes.get(at + 1) {
        None => Ok(None),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(Some(at + 2)),
        Some(b'u') => {
            for digit in at + 2..at + 6 {
                match bytes.get(digit) {
                    None => return Ok(None),
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return InvalidJson::at(digit, "expected a hexadecimal digit"),
                }
            }
            Ok(Some(at + 6))
        }
        Some(_) => InvalidJson::at(at + 1, "invalid escape sequence"),
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

    /// Scans a text that arrives in pieces of `step` bytes.
    fn scan_in_steps(text: &[u8], step: usize) -> Result<Option<usize>, InvalidJson> {
        let mut scanner = Scanner::new();
        let (mut start, mut end) = (0, 0);
        loop {
            end = (end + step).min(text.len());
            match scanner.scan(&text[start..end]) {
                Ok(Reach::End(at)) => return Ok(Some(start + at)),
                Ok(Reach::More(_)) if end == text.len() => return Ok(None),
                Ok(Reach::More(at) | Reach::Member(at)) => start += at,
                Err(InvalidJson { at, reason }) => return InvalidJson::at(start + at, reason),
            }
        }
    }

    #[test]
    fn a_scan_that_continues_reaches_the_same_end() {
        for text in [
            &br#" {"a" : [-1.5e+3,"\u00e9\n\\\"",true, null,{"b":false},[],{}],"c":0 } x"#[..],
            "{\"é😀\":\"é😀\"}]".as_bytes(),
            b"-120.50E-7 ",
            b"0,",
            b"01",
            b"1.x",
            b"-",
            b"truE",
            b"{\"a\":1,}",
            b"[1,]",
            b"[1}",
            b"{\"a\" 1}",
            b"{1:2}",
            b"\"\\u12g4\"",
            b"\"\\x\"",
            b"\"a\nb\"",
            b"\"\xff\"",
            b"\"\xe2\x82\"",
            b"\"\xe2\x82\\n\"",
            b"\"\xe2\x82\x01\"",
            b"\"cut \xe2\x82",
            b"]",
        ] {
            let whole = scan_in_steps(text, text.len());
            for step in 1..text.len() {
                let shown = String::from_utf8_lossy(text);
                assert_eq!(scan_in_steps(text, step), whole, "{shown:?} by {step}");
            }
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
