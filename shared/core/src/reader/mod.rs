//! Reading a JSON array of records of any length: cut into chunks, decode them in parallel with
//! simd-json, hand out every element once and in order, and say where the text is no JSON array.
//! Knows nothing of what records mean; [`crate::survey`] does.

mod count;
mod cut;
mod decode;
pub mod dedup;
mod exact;
mod position;

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

pub use self::count::has_more_elements_than;
use self::cut::{last_border, skip_space, trim_space};
use self::decode::{Decoder, Refused};
use self::exact::{NotJson, Progress};
pub use self::position::Position;
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
    /// Bytes that are held in memory at once.
    pub window: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            chunk: 256 * 1024,
            window: 4 * 1024 * 1024,
        }
    }
}

/// What to do with the elements: made once per chunk, filled by one worker, taken in order.
pub trait Harvest: Sync {
    /// What is gathered from one chunk.
    type Crop: Send;

    /// An empty one.
    fn start(&self) -> Self::Crop;

    /// Takes one element; `index` counts from 0 within the chunk.
    fn gather(&self, crop: &mut Self::Crop, index: u32, element: Element<'_>);

    /// Takes over a chunk's crop. `first` is the number of its first element in the text, from 0.
    fn bring_in(&mut self, first: u64, count: u32, crop: Self::Crop);
}

/// Reads the array that `source` holds. Returns how many elements and bytes there were.
/// Runs on the rayon pool that it is called in.
///
/// # Errors
/// [`ReadError`]; elements before the error may have been handed out.
pub fn read_array<H: Harvest>(
    source: impl Read,
    rules: &Rules,
    sizes: Sizes,
    harvest: &mut H,
) -> Result<Totals, ReadError> {
    let mut reader = ArrayReader {
        source,
        rules,
        sizes,
        workers: Mutex::new(Vec::new()),
        window: Vec::new(),
        at: 0,
        discarded: 0,
        complete: false,
        records: 0,
    };
    reader.run(harvest)?;
    Ok(Totals {
        records: reader.records,
        bytes: reader.discarded + reader.window.len() as u64,
    })
}

/// How much was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Elements of the array.
    pub records: u64,
    /// Bytes of the text.
    pub bytes: u64,
}

struct ArrayReader<'r, R> {
    source: R,
    rules: &'r Rules,
    sizes: Sizes,
    workers: Mutex<Vec<Decoder>>,
    /// What is in memory of the text.
    window: Vec<u8>,
    /// Index in the window of the next element.
    at: usize,
    /// Bytes of the text before the window.
    discarded: u64,
    /// Whether the window reaches the end of the text.
    complete: bool,
    records: u64,
}

/// A piece of the window: elements with commas between them. At `end` is the comma behind it, or
/// the bracket that closes the array.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    start: usize,
    end: usize,
    closes: bool,
}

enum Step {
    /// The window holds no further complete element.
    More,
    /// Elements may be left in the window.
    Again,
    /// The array is closed.
    Done,
}

impl<R: Read> ArrayReader<'_, R> {
    fn run<H: Harvest>(&mut self, harvest: &mut H) -> Result<(), ReadError> {
        self.open()?;
        loop {
            match self.step(harvest)? {
                Step::Again => {}
                Step::More => {
                    let unread = self.window.len() - self.at;
                    if unread > limits::RECORD_BYTES {
                        return Err(self.syntax(self.at, "a record is longer than 8 MB"));
                    }
                    // A record that does not fit makes the window grow.
                    self.fill(unread + self.sizes.window)?;
                }
                Step::Done => return self.expect_end(),
            }
        }
    }

    fn syntax(&self, at: usize, reason: impl Into<String>) -> ReadError {
        ReadError::Syntax(SyntaxError {
            offset: self.discarded + at as u64,
            records: self.records,
            reason: reason.into(),
        })
    }

    /// Drops what was read and fills the window up to `size` bytes.
    fn fill(&mut self, size: usize) -> io::Result<()> {
        self.window.drain(..self.at);
        self.discarded += self.at as u64;
        self.at = 0;
        let wanted = size.saturating_sub(self.window.len()) as u64;
        let read = self
            .source
            .by_ref()
            .take(wanted)
            .read_to_end(&mut self.window)?;
        self.complete = (read as u64) < wanted;
        Ok(())
    }

    /// Finds the bracket that opens the array.
    fn open(&mut self) -> Result<(), ReadError> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        self.fill(self.sizes.window.max(BYTE_ORDER_MARK.len()))?;
        if self.window.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        loop {
            let rest = self.window.get(self.at..).unwrap_or(&[]);
            let found = skip_space(rest);
            self.at += rest.len() - found.len();
            let reason = match found.first() {
                Some(b'[') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'{') => "found an object where a JSON array of objects belongs",
                Some(b'"') => "found a string where a JSON array of objects belongs",
                Some(_) => "expected a JSON array of objects",
                None if self.complete => "there is nothing; a JSON array of objects belongs here",
                None => {
                    self.fill(self.sizes.window)?;
                    continue;
                }
            };
            return Err(self.syntax(self.at, reason));
        }
    }

    /// Reads what the window holds.
    fn step<H: Harvest>(&mut self, harvest: &mut H) -> Result<Step, ReadError> {
        let chunks = self.cut();
        let crops = Decoding {
            rules: self.rules,
            window: &self.window,
            workers: &self.workers,
            opening: (self.records == 0).then_some(self.at),
        }
        .decode_all(&chunks, harvest);
        for (chunk, crop) in chunks.into_iter().zip(crops) {
            match crop {
                Ok((crop, count)) => {
                    self.take(harvest, crop, count)?;
                    self.at = chunk.end + 1;
                    if chunk.closes {
                        return Ok(Step::Done);
                    }
                }
                Err(Refused) => {
                    let step = self.read_exactly(chunk.end - chunk.start, harvest)?;
                    // The guess was right where the exact reading stopped at the chunk's end.
                    if !matches!(step, Step::Again) || self.at != chunk.end + 1 {
                        return Ok(step);
                    }
                }
            }
        }
        // What is left holds no border; read it exactly, element by element, as far as it goes.
        if self.complete {
            self.read_exactly(usize::MAX, harvest)
        } else if self.window.len() - self.at >= self.sizes.window {
            self.read_exactly(self.sizes.window / 2, harvest)
        } else {
            Ok(Step::More)
        }
    }

    /// Cuts the window from `at` on into chunks, as far as borders are found.
    fn cut(&self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let mut start = self.at;
        let mut limit = start + self.sizes.chunk;
        while limit < self.window.len() {
            let Some(border) = self.window.get(start..limit).and_then(last_border) else {
                limit += self.sizes.chunk;
                continue;
            };
            let end = start + border;
            chunks.push(Chunk {
                start,
                end,
                closes: false,
            });
            start = end + 1;
            limit = start + self.sizes.chunk;
        }
        let rest = self.window.get(start..).unwrap_or(&[]);
        if self.complete {
            let text = trim_space(rest);
            if text.last() == Some(&b']') {
                chunks.push(Chunk {
                    start,
                    end: start + text.len() - 1,
                    closes: true,
                });
            }
        } else if let Some(border) = last_border(rest) {
            chunks.push(Chunk {
                start,
                end: start + border,
                closes: false,
            });
        }
        chunks
    }

    /// Reads from `at` on without trusting any cut, up to the first comma that is `stop` bytes
    /// away or farther.
    fn read_exactly<H: Harvest>(
        &mut self,
        stop: usize,
        harvest: &mut H,
    ) -> Result<Step, ReadError> {
        let mut crop = harvest.start();
        let mut count = 0;
        let progress = exact::read(
            self.rules,
            self.window.get(self.at..).unwrap_or(&[]),
            stop,
            self.complete,
            self.records == 0,
            |element| {
                harvest.gather(&mut crop, count, element);
                count += 1;
            },
        );
        let (step, next) = match progress {
            Ok(Progress::Border { next }) => (Step::Again, next),
            Ok(Progress::Closed { next }) => (Step::Done, next),
            Ok(Progress::Incomplete { next }) => (Step::More, next),
            Err(NotJson { at, reason }) => {
                self.records += u64::from(count);
                return Err(self.syntax(self.at + at, reason));
            }
        };
        self.take(harvest, crop, count)?;
        self.at += next;
        Ok(step)
    }

    fn take<H: Harvest>(
        &mut self,
        harvest: &mut H,
        crop: H::Crop,
        count: u32,
    ) -> Result<(), ReadError> {
        if self.records + u64::from(count) > u64::from(u32::MAX) {
            return Err(self.syntax(self.at, "more than 4,294,967,295 records"));
        }
        harvest.bring_in(self.records, count, crop);
        self.records += u64::from(count);
        Ok(())
    }

    /// Nothing but white space may follow the array.
    fn expect_end(&mut self) -> Result<(), ReadError> {
        loop {
            let rest = self.window.get(self.at..).unwrap_or(&[]);
            let found = skip_space(rest);
            self.at += rest.len() - found.len();
            if !found.is_empty() {
                return Err(self.syntax(self.at, "there is more text after the end of the array"));
            }
            if self.complete {
                return Ok(());
            }
            self.fill(self.sizes.window)?;
        }
    }
}

/// What the workers share.
struct Decoding<'w> {
    rules: &'w Rules,
    window: &'w [u8],
    workers: &'w Mutex<Vec<Decoder>>,
    /// Where the array's first element would begin, if none was read yet.
    opening: Option<usize>,
}

impl Decoding<'_> {
    fn decode_all<H: Harvest>(
        &self,
        chunks: &[Chunk],
        harvest: &H,
    ) -> Vec<Result<(H::Crop, u32), Refused>> {
        chunks
            .par_iter()
            .map(|chunk| {
                let mut decoder = self.borrow_decoder();
                let result = self.decode_one(&mut decoder, *chunk, harvest);
                self.workers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(decoder);
                result
            })
            .collect()
    }

    fn borrow_decoder(&self) -> Decoder {
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_else(Decoder::new)
    }

    /// One chunk: the fast way, else the exact way within its borders.
    fn decode_one<H: Harvest>(
        &self,
        decoder: &mut Decoder,
        chunk: Chunk,
        harvest: &H,
    ) -> Result<(H::Crop, u32), Refused> {
        let text = self.window.get(chunk.start..chunk.end).ok_or(Refused)?;
        let first = self.opening == Some(chunk.start);
        let mut crop = harvest.start();
        let decoded = decoder.decode(self.rules, text, |index, element| {
            harvest.gather(&mut crop, index, element);
        });
        match decoded {
            // Only an empty array may have nothing before its bracket.
            Ok(0) if !(chunk.closes && first) => return Err(Refused),
            Ok(count) => return Ok((crop, count)),
            Err(Refused) => {}
        }
        let with_delimiter = self.window.get(chunk.start..=chunk.end).ok_or(Refused)?;
        let mut crop = harvest.start();
        let mut count = 0;
        let progress = exact::read(
            self.rules,
            with_delimiter,
            text.len(),
            chunk.closes,
            first,
            |element| {
                harvest.gather(&mut crop, count, element);
                count += 1;
            },
        );
        match progress {
            Ok(Progress::Border { next }) if !chunk.closes && next == with_delimiter.len() => {
                Ok((crop, count))
            }
            Ok(Progress::Closed { next }) if chunk.closes && next == with_delimiter.len() => {
                Ok((crop, count))
            }
            Ok(_) | Err(_) => Err(Refused),
        }
    }
}

#[cfg(test)]
mod tests;
