//! An uploaded object as the text of a JSON array: plain or gzip, JSON or NDJSON. Locates errors in
//! the uncompressed text as sent.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::array::read_text;
use super::encoding::{Compression, Format};
use super::error::{ReadFailure, SyntaxError};
use super::exact;
use super::foreign::Foreign;
use super::ndjson::Lines;
use super::position::count_newlines;
use super::sink::{RecordSink, Sizes, Totals};
use super::unpack::{UnpackError, Unpacked};
use crate::rules::Rules;

/// The text of a JSON array, read from an object.
pub struct Source<R> {
    text: SourceText<R>,
    format: Format,
    /// Newlines read so far; `None` if they are not counted.
    newlines: Option<u64>,
}

enum SourceText<R> {
    Array(Unpacked<R>),
    Lines(Box<Lines<Unpacked<R>>>),
}

impl<R: Read> Source<R> {
    /// Returns the text in `object`, of at most `max_bytes` bytes after decompression.
    pub fn new(object: R, format: Format, compression: Compression, max_bytes: u64) -> Self {
        let unpacked = Unpacked::new(object, compression, max_bytes);
        Self {
            text: match format {
                Format::Json => SourceText::Array(unpacked),
                Format::Ndjson => SourceText::Lines(Box::new(Lines::new(unpacked))),
            },
            format,
            newlines: Some(0),
        }
    }

    /// Returns the same source without counting lines, for a caller who can read the text again: the
    /// line of an error in a JSON array is 1 then. In NDJSON lines are counted in any case.
    #[must_use]
    pub fn without_lines(mut self) -> Self {
        if self.format == Format::Json {
            self.newlines = None;
        }
        self
    }

    /// Returns the counter of the object's bytes read so far, as sent; it grows during the read.
    #[must_use]
    pub fn sent(&self) -> Arc<AtomicU64> {
        self.unpacked().sent()
    }

    /// Returns the bytes of the decompressed text read so far.
    fn length(&self) -> u64 {
        self.unpacked().length()
    }

    const fn unpacked(&self) -> &Unpacked<R> {
        match &self.text {
            SourceText::Array(unpacked) => unpacked,
            SourceText::Lines(lines) => lines.source(),
        }
    }

    /// Returns what was sent in place of records, if it is recognised. Ends the reading.
    fn foreign(&mut self) -> Option<Foreign> {
        let format = self.format;
        let start = match &mut self.text {
            SourceText::Array(unpacked) => unpacked.start(),
            SourceText::Lines(lines) => lines.source_mut().start(),
        };
        Foreign::instead_of_records(start, format)
    }

    /// Returns the error of a text in which all lines were read, but which is no NDJSON: without
    /// records, or one array with all of them.
    fn misread_lines(&mut self, records: u64) -> Option<FormatError> {
        if self.format != Format::Ndjson || records > 1 {
            return None;
        }
        // A record may follow more white space than was looked at.
        let found = self
            .foreign()
            .filter(|found| records == 0 || *found != Foreign::Nothing)?;
        Some(FormatError {
            offset: 0,
            line: 1,
            record: 1,
            reason: format!("expected a record a line, found {found}"),
            found: Some(found),
        })
    }

    /// Returns the same error, located in the text as sent.
    fn refuse(&mut self, error: SyntaxError, newlines_after: u64) -> FormatError {
        let located = self.locate(error, newlines_after);
        // Only the start of a text shows what it is.
        let found = if located.record == 1 {
            self.foreign()
        } else {
            None
        };
        FormatError { found, ..located }
    }

    fn locate(&self, error: SyntaxError, newlines_after: u64) -> FormatError {
        let newlines = self.newlines.unwrap_or(0).saturating_sub(newlines_after);
        let record = error.records + 1;
        match &self.text {
            SourceText::Array(_) => FormatError {
                offset: error.offset,
                line: newlines + 1,
                record,
                reason: error.reason,
                found: None,
            },
            SourceText::Lines(lines) => {
                // The closing bracket was appended after the end of the text as sent.
                let offset = lines.as_sent(error.offset).min(self.length());
                FormatError {
                    offset,
                    // The end of each line with a record became a comma.
                    line: newlines + record,
                    record,
                    reason: if lines.first_broken_line() == Some(offset) {
                        "the line ends before the record does; each record is one line".to_owned()
                    } else if offset == self.length() {
                        "the text ends before the record does".to_owned()
                    } else if error.reason == exact::AFTER_RECORD {
                        "expected the end of the line after a record".to_owned()
                    } else {
                        error.reason
                    },
                    found: None,
                }
            }
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.text {
            SourceText::Array(unpacked) => unpacked.read(buffer)?,
            SourceText::Lines(lines) => lines.read(buffer)?,
        };
        if let Some(newlines) = &mut self.newlines {
            *newlines += count_newlines(buffer.get(..length).unwrap_or_default());
        }
        Ok(length)
    }
}

/// Error while reading an object.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source failed.
    #[error("the input could not be read: {0}")]
    Io(io::Error),
    /// The object cannot be decompressed.
    #[error("{0}")]
    Unpack(UnpackError),
    /// The text is not in the declared format.
    #[error("{0}")]
    Syntax(FormatError),
    /// The consumer of the batches failed.
    #[error("the consumer of the records failed: {0}")]
    Consumer(io::Error),
}

/// Location and reason of a format error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: byte {offset}, line {line}, record {record}")]
pub struct FormatError {
    /// Bytes of the decompressed text before the unexpected one.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
    /// Number of the record that contains it, from 1.
    pub record: u64,
    /// The problem.
    pub reason: String,
    /// Content that was sent instead, if it is recognised.
    pub found: Option<Foreign>,
}

/// Reads the records of an object, as [`super::read_array`] does those of an array. An error of
/// `on_batch` ends the read.
///
/// # Errors
/// Returns a [`SourceError`] if the object cannot be read to its end or the consumer fails;
/// elements before the error may have been passed on.
pub fn read_source<R: Read + Send, H: RecordSink>(
    source: &mut Source<R>,
    rules: &Rules,
    sizes: Sizes,
    sink: &H,
    on_batch: impl FnMut(u64, H::Batch) -> io::Result<()> + Send,
) -> Result<Totals, SourceError> {
    match read_text(&mut *source, rules, sizes, sink, on_batch) {
        Ok(totals) => match source.misread_lines(totals.records) {
            Some(error) => Err(SourceError::Syntax(error)),
            None => Ok(Totals {
                bytes: source.length(),
                ..totals
            }),
        },
        Err(ReadFailure::Io(error)) => Err(match UnpackError::within(error) {
            Ok(error) => SourceError::Unpack(error),
            Err(error) => SourceError::Io(error),
        }),
        Err(ReadFailure::Syntax {
            error,
            newlines_after,
        }) => Err(SourceError::Syntax(source.refuse(error, newlines_after))),
        Err(ReadFailure::Consumer(error)) => Err(SourceError::Consumer(error)),
    }
}
