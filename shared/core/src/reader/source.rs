//! An object as it was sent, whose text a run reads: plain or gzip, a JSON array or NDJSON. Says in
//! terms of what was sent where it is not that.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lines::Lines;
use super::unpack::Unpacked;
use super::{Harvest, Sizes, SyntaxError, Totals, UnpackError, Unread, exact, newlines, read_text};
use crate::rules::Rules;

/// How a text holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON array.
    #[default]
    Json,
    /// A record a line; blank lines are skipped.
    Ndjson,
}

/// How a text is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, of one member or several.
    Gzip,
}

/// The text of a JSON array, read from an object.
pub struct Source<R> {
    text: Text<R>,
    /// Newlines of the text so far.
    newlines: u64,
}

enum Text<R> {
    Array(Unpacked<R>),
    Lines(Box<Lines<Unpacked<R>>>),
}

impl<R: Read> Source<R> {
    /// The text that `object` holds, of at most `most` bytes when it is unpacked.
    pub fn new(object: R, format: Format, compression: Compression, most: u64) -> Self {
        let unpacked = Unpacked::new(object, compression, most);
        Self {
            text: match format {
                Format::Json => Text::Array(unpacked),
                Format::Ndjson => Text::Lines(Box::new(Lines::new(unpacked))),
            },
            newlines: 0,
        }
    }

    /// Bytes of the object that were read so far, as they were sent; grows while it is read.
    #[must_use]
    pub fn sent(&self) -> Arc<AtomicU64> {
        self.unpacked().sent()
    }

    /// Bytes of the unpacked text that were read so far.
    fn length(&self) -> u64 {
        self.unpacked().length()
    }

    const fn unpacked(&self) -> &Unpacked<R> {
        match &self.text {
            Text::Array(unpacked) => unpacked,
            Text::Lines(lines) => lines.source(),
        }
    }

    /// The same fault, in terms of what was sent.
    fn place(&self, error: SyntaxError, newlines_behind: u64) -> Misplaced {
        let newlines = self.newlines.saturating_sub(newlines_behind);
        let record = error.records + 1;
        match &self.text {
            Text::Array(_) => Misplaced {
                offset: error.offset,
                line: newlines + 1,
                record,
                reason: error.reason,
            },
            Text::Lines(lines) => {
                // The bracket that closes the array is behind the end of what was sent.
                let offset = lines.sent(error.offset).min(self.length());
                Misplaced {
                    offset,
                    // The end of each line with a record became a comma.
                    line: newlines + record,
                    record,
                    reason: if lines.broken() == Some(offset) {
                        "the line ends before the record does; each record is one line".to_owned()
                    } else if offset == self.length() {
                        "the text ends before the record does".to_owned()
                    } else if error.reason == exact::BEHIND_RECORD {
                        "expected the end of the line after a record".to_owned()
                    } else {
                        error.reason
                    },
                }
            }
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.text {
            Text::Array(unpacked) => unpacked.read(buffer)?,
            Text::Lines(lines) => lines.read(buffer)?,
        };
        self.newlines += newlines(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

/// Why an object could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source failed.
    #[error("the input could not be read: {0}")]
    Io(io::Error),
    /// It cannot be unpacked.
    #[error("{0}")]
    Unpack(UnpackError),
    /// Its text is not in its format.
    #[error("{0}")]
    Syntax(Misplaced),
    /// Whoever takes what was read failed.
    #[error("what was read could not be passed on: {0}")]
    Sink(io::Error),
}

/// Where and why an object's text is not in its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: byte {offset}, line {line}, record {record}")]
pub struct Misplaced {
    /// Bytes of the unpacked text before the unexpected one.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
    /// The record that it is in, or that would be there, from 1.
    pub record: u64,
    /// What is wrong.
    pub reason: String,
}

/// Reads the records of an object, as [`super::read_array`] does those of an array. An error of
/// `bring_in` ends the reading.
///
/// # Errors
/// [`SourceError`]; elements before the error may have been handed out.
pub fn read_source<R: Read + Send, H: Harvest>(
    source: &mut Source<R>,
    rules: &Rules,
    sizes: Sizes,
    harvest: &H,
    bring_in: impl FnMut(u64, H::Crop) -> io::Result<()> + Send,
) -> Result<Totals, SourceError> {
    match read_text(&mut *source, rules, sizes, harvest, bring_in) {
        Ok(totals) => Ok(Totals {
            bytes: source.length(),
            ..totals
        }),
        Err(Unread::Io(error)) => Err(match UnpackError::within(error) {
            Ok(error) => SourceError::Unpack(error),
            Err(error) => SourceError::Io(error),
        }),
        Err(Unread::Syntax {
            error,
            newlines_behind,
        }) => Err(SourceError::Syntax(source.place(error, newlines_behind))),
        Err(Unread::Unwanted(error)) => Err(SourceError::Sink(error)),
    }
}
