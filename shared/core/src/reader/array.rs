//! Reads a JSON array from a byte source.

use std::io::{self, Read};

use super::error::{ReadError, ReadFailure, SyntaxError};
use super::pipeline::Pipeline;
use super::sink::{RecordSink, Sizes, Totals};
use super::text::{OpenError, TextReader};
use crate::limits;
use crate::rules::Rules;

/// Reads the array in `source`. Returns the number of elements and bytes.
///
/// Every batch goes to `on_batch`, in text order, with the number of its first element in the text,
/// from 0. Works in this thread and in the rayon pool that it belongs to.
///
/// # Errors
/// Returns a [`ReadError`] if the source fails or is not a JSON array; elements before the error
/// may have been passed on.
pub fn read_array<H: RecordSink>(
    source: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    sink: &H,
    mut on_batch: impl FnMut(u64, H::Batch) + Send,
) -> Result<Totals, ReadError> {
    let on_batch = |first, batch| {
        on_batch(first, batch);
        Ok(())
    };
    read_text(source, rules, sizes, sink, on_batch).map_err(|unread| match unread {
        ReadFailure::Io(error) | ReadFailure::Consumer(error) => error.into(),
        ReadFailure::Syntax { error, .. } => ReadError::Syntax(error),
    })
}

pub(super) fn read_text<H: RecordSink>(
    source: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    sink: &H,
    on_batch: impl FnMut(u64, H::Batch) -> io::Result<()> + Send,
) -> Result<Totals, ReadFailure> {
    let chunk = sizes.chunk.clamp(1, limits::MAX_RECORD_BYTES);
    match TextReader::open(source, chunk) {
        Ok(text) => Pipeline::new(text, sizes.window, rules, sink, on_batch).run(),
        Err(OpenError::Io(error)) => Err(ReadFailure::Io(error)),
        Err(OpenError::Syntax {
            offset,
            reason,
            newlines_after,
        }) => Err(ReadFailure::Syntax {
            error: SyntaxError {
                offset,
                records: 0,
                reason: reason.to_owned(),
            },
            newlines_after,
        }),
    }
}
