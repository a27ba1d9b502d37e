//! Splits the elements of an input into chunks as they arrive.

use std::io;

use crate::limits;
use crate::reader::split_first;

/// Consecutive records of an input that are processed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Number of the chunk, from 0.
    pub number: u32,
    /// Number of its first record in the input, from 1.
    pub first: u64,
    /// Number of records, at least one.
    pub records: u32,
    /// JSON array of the records, each as sent.
    pub text: Vec<u8>,
    /// Bytes of the input, as sent, that had been read when the chunk was closed.
    pub sent: u64,
}

/// Maximum sizes of chunks. A record that exceeds them gets a chunk of its own.
#[derive(Debug, Clone, Copy)]
pub struct ChunkSizes {
    /// Maximum records of a chunk. All chunks but the last have this number, unless they reach the
    /// byte limit.
    pub records: u32,
    /// Maximum bytes of its records and their separators.
    pub bytes: usize,
}

impl Default for ChunkSizes {
    fn default() -> Self {
        Self {
            records: limits::MAX_CHUNK_RECORDS,
            bytes: limits::MAX_CHUNK_BYTES,
        }
    }
}

/// Fills chunks one after the other and passes each to `on_chunk`.
pub(super) struct Chunker<S> {
    sizes: ChunkSizes,
    on_chunk: S,
    /// The array so far, without the closing bracket; empty if it has no element.
    text: Vec<u8>,
    records: u32,
    /// Records before the current chunk.
    before: u32,
    /// Records before each finished chunk.
    chunk_starts: Vec<u32>,
}

impl<S: FnMut(Chunk) -> io::Result<()>> Chunker<S> {
    pub(super) const fn new(sizes: ChunkSizes, on_chunk: S) -> Self {
        Self {
            sizes,
            on_chunk,
            text: Vec::new(),
            records: 0,
            before: 0,
            chunk_starts: Vec::new(),
        }
    }

    /// Adds `count` elements separated by commas. `sent` is the number of bytes of the input read
    /// so far.
    pub(super) fn add(&mut self, mut elements: &[u8], mut count: u32, sent: u64) -> io::Result<()> {
        while count > 0 {
            if self.has_room(count, elements.len()) {
                self.append(elements, count);
                return Ok(());
            }
            let Some((first, after)) = split_first(elements) else {
                return Ok(());
            };
            if self.records > 0 && !self.has_room(1, first.len()) {
                self.close_chunk(sent)?;
                continue;
            }
            self.append(first, 1);
            (elements, count) = (after, count - 1);
        }
        Ok(())
    }

    /// Passes the last chunk to `on_chunk`. Returns the number of records before each chunk.
    pub(super) fn finish(mut self, sent: u64) -> io::Result<Vec<u32>> {
        if self.records > 0 {
            self.close_chunk(sent)?;
        }
        Ok(self.chunk_starts)
    }

    fn has_room(&self, count: u32, bytes: usize) -> bool {
        // The buffer has one byte more than its elements and commas, the bracket; a comma for
        // further elements takes one as well.
        count <= self.sizes.records.saturating_sub(self.records)
            && self.text.len() + bytes <= self.sizes.bytes
    }

    fn append(&mut self, elements: &[u8], count: u32) {
        self.text
            .push(if self.text.is_empty() { b'[' } else { b',' });
        self.text.extend_from_slice(elements);
        self.records += count;
    }

    fn close_chunk(&mut self, sent: u64) -> io::Result<()> {
        // The next chunk is most likely as large.
        let next = Vec::with_capacity(self.text.len());
        let mut text = std::mem::replace(&mut self.text, next);
        text.push(b']');
        let chunk = Chunk {
            number: u32::try_from(self.chunk_starts.len()).unwrap_or(u32::MAX),
            first: u64::from(self.before) + 1,
            records: self.records,
            text,
            sent,
        };
        self.chunk_starts.push(self.before);
        self.before += self.records;
        self.records = 0;
        (self.on_chunk)(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the texts of the chunks for elements in these pieces.
    fn cut(pieces: &[(&str, u32)], records: u32, bytes: usize) -> Vec<String> {
        let mut chunks = Vec::new();
        let mut chunker = Chunker::new(ChunkSizes { records, bytes }, |chunk: Chunk| {
            chunks.push(chunk);
            Ok(())
        });
        for (elements, count) in pieces {
            chunker.add(elements.as_bytes(), *count, 0).unwrap();
        }
        let chunk_starts = chunker.finish(0).unwrap();
        let mut before = 0;
        for (number, (chunk, cut)) in chunks.iter().zip(&chunk_starts).enumerate() {
            assert_eq!((chunk.number as usize, *cut), (number, before));
            assert_eq!(chunk.first, u64::from(before) + 1);
            before += chunk.records;
        }
        assert_eq!(chunk_starts.len(), chunks.len());
        let texts = chunks.into_iter().map(|chunk| chunk.text);
        texts.map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn chunks_are_filled_to_the_record_limit() {
        assert_eq!(
            cut(&[("1, 2,3", 3), ("[4,4],\"5,\"", 2), ("6,7", 2)], 4, 100),
            ["[1, 2,3,[4,4]]", "[\"5,\",6,7]"]
        );
        assert_eq!(cut(&[("1,1,1,1,1", 5)], 2, 100), ["[1,1]", "[1,1]", "[1]"]);
        assert_eq!(cut(&[("", 0)], 2, 100), [""; 0]);
    }

    #[test]
    fn only_a_chunk_of_one_record_exceeds_the_byte_limit() {
        assert_eq!(
            cut(&[("10,20,30,40", 4), ("50", 1)], 9, 5),
            ["[10,20]", "[30,40]", "[50]"]
        );
        assert_eq!(
            cut(&[("1,1234567,2", 3)], 9, 5),
            ["[1]", "[1234567]", "[2]"]
        );
        assert_eq!(cut(&[("12345", 1), ("1", 1)], 9, 5), ["[12345]", "[1]"]);
    }

    #[test]
    fn an_error_of_the_callback_ends_the_splitting() {
        let mut chunker = Chunker::new(
            ChunkSizes {
                records: 1,
                bytes: 9,
            },
            |_| Err(io::Error::other("full")),
        );
        assert_eq!(chunker.add(b"1,2", 2, 0).unwrap_err().to_string(), "full");
    }
}
