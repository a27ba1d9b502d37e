//! Reading a JSON array of records of any length: cut into chunks, decode them in parallel with
//! simd-json, hand out every element once and in order, and say where the text is no JSON array.
//! [`Source`] makes such a text of what was sent as gzip, or line by line. Knows nothing of what records mean; [`crate::survey`] does.

mod count;
mod cut;
mod decode;
pub mod dedup;
mod exact;
mod lines;
mod object;
mod pipeline;
mod position;
mod scan;
mod source;
mod text;
mod unpack;

use std::io::{self, Read};

pub use self::count::has_more_elements_than;
pub(crate) use self::exact::{mapped, split_first};
pub use self::object::{NoObject, Object, read_object};
use self::pipeline::Pipeline;
pub use self::position::Position;
pub use self::source::{Compression, Format, Misplaced, Source, SourceError, read_source};
use self::text::{NotOpened, Text};
pub use self::unpack::UnpackError;
use crate::limits;
use crate::rules::Rules;
use crate::validate::Element;

/// Why a text could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source failed.
    #[error("the input could not be read: {0}")]
    Io(#[from] io::Error),
    /// The text is not a JSON array.
    #[error("{0}")]
    Syntax(SyntaxError),
}

/// Where and why a text is not a JSON array.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SyntaxError {
    /// Bytes before the unexpected one; [`Position::locate`] makes line and column of it.
    pub offset: u64,
    /// Elements that were complete before it.
    pub records: u64,
    /// What is wrong.
    pub reason: String,
}

/// Sizes that decide speed and memory, not results.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes that one worker parses at once. Small enough for its cache.
    pub chunk: usize,
    /// Bytes that are out to workers at once: how far they may run ahead of a slow one.
    pub window: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            chunk: 64 * 1024,
            window: 4 * 1024 * 1024,
        }
    }
}

/// What to do with the elements of a chunk. Workers do it at the same time for several chunks.
pub trait Harvest: Sync {
    /// What is gathered from one chunk.
    type Crop: Send;

    /// An empty one, for the elements that `text` holds.
    fn start(&self, text: &[u8]) -> Self::Crop;

    /// Takes one element; `index` counts from 0 within the chunk.
    fn gather(&self, crop: &mut Self::Crop, index: u32, element: Element<'_>);

    /// Everything that `elements` holds was gathered: valid JSON values with commas between them,
    /// as they were sent, and white space.
    fn close(&self, _crop: &mut Self::Crop, _elements: &[u8]) {}
}

/// Reads the array that `source` holds. Returns how many elements and bytes there were.
///
/// Every crop goes to `bring_in`, in the order of the text, with the number of its first element
/// in the text, from 0. Works in this thread and the rayon pool that it belongs to.
///
/// # Errors
/// [`ReadError`]; elements before the error may have been handed out.
pub fn read_array<H: Harvest>(
    source: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    harvest: &H,
    mut bring_in: impl FnMut(u64, H::Crop) + Send,
) -> Result<Totals, ReadError> {
    let bring_in = |first, crop| {
        bring_in(first, crop);
        Ok(())
    };
    read_text(source, rules, sizes, harvest, bring_in).map_err(|unread| match unread {
        Unread::Io(error) | Unread::Unwanted(error) => error.into(),
        Unread::Syntax { error, .. } => ReadError::Syntax(error),
    })
}

/// Why reading ended early.
enum Unread {
    Io(io::Error),
    Syntax {
        error: SyntaxError,
        /// Newlines that had been read from the unexpected byte on.
        newlines_behind: u64,
    },
    /// Whoever brings in the crops wants no more of them.
    Unwanted(io::Error),
}

fn read_text<H: Harvest>(
    source: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    harvest: &H,
    bring_in: impl FnMut(u64, H::Crop) -> io::Result<()> + Send,
) -> Result<Totals, Unread> {
    let chunk = sizes.chunk.clamp(1, limits::RECORD_BYTES);
    match Text::open(source, chunk) {
        Ok(text) => Pipeline::new(text, sizes.window, rules, harvest, bring_in).run(),
        Err(NotOpened::Io(error)) => Err(Unread::Io(error)),
        Err(NotOpened::Syntax {
            offset,
            reason,
            newlines_behind,
        }) => Err(Unread::Syntax {
            error: SyntaxError {
                offset,
                records: 0,
                reason: reason.to_owned(),
            },
            newlines_behind,
        }),
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// How much was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Elements of the array.
    pub records: u64,
    /// Bytes of the text.
    pub bytes: u64,
}

#[cfg(test)]
mod tests;
