//! Cutting the elements of an input into chunks, as they come.

use std::io;

use crate::limits;
use crate::reader::split_first;

/// Records of an input that are written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its number, from 0.
    pub number: u32,
    /// The number of its first record in the input, from 1.
    pub first: u64,
    /// How many records it has: at least one.
    pub records: u32,
    /// A JSON array of them, each as it was sent.
    pub text: Vec<u8>,
    /// Bytes of the input that had been read when it was cut, as they were sent.
    pub sent: u64,
}

/// How large chunks become. A record that is larger than a chunk is one of its own.
#[derive(Debug, Clone, Copy)]
pub struct ChunkSizes {
    /// Records of a chunk: all chunks but the last have so many, unless their bytes are too many.
    pub records: u32,
    /// Bytes of its records and of what separates them.
    pub bytes: usize,
}

impl Default for ChunkSizes {
    fn default() -> Self {
        Self {
            records: limits::CHUNK_RECORDS,
            bytes: limits::CHUNK_BYTES,
        }
    }
}

/// Fills one chunk after the other and gives each to `sink`.
pub(super) struct Cutter<S> {
    sizes: ChunkSizes,
    sink: S,
    /// The array so far, without the bracket that closes it; empty where there is no element yet.
    text: Vec<u8>,
    records: u32,
    /// Records before the chunk that is being filled.
    before: u32,
    /// The same of all chunks that went to `sink`.
    cuts: Vec<u32>,
}

impl<S: FnMut(Chunk) -> io::Result<()>> Cutter<S> {
    pub(super) const fn new(sizes: ChunkSizes, sink: S) -> Self {
        Self {
            sizes,
            sink,
            text: Vec::new(),
            records: 0,
            before: 0,
            cuts: Vec::new(),
        }
    }

    /// Adds so many elements with commas between them. `sent` bytes of the input have been read.
    pub(super) fn add(&mut self, mut elements: &[u8], mut count: u32, sent: u64) -> io::Result<()> {
        while count > 0 {
            if self.has_room(count, elements.len()) {
                self.append(elements, count);
                return Ok(());
            }
            let Some((first, behind)) = split_first(elements) else {
                return Ok(());
            };
            if self.records > 0 && !self.has_room(1, first.len()) {
                self.cut(sent)?;
                continue;
            }
            self.append(first, 1);
            (elements, count) = (behind, count - 1);
        }
        Ok(())
    }

    /// Gives what is left to `sink`. How many records came before each chunk.
    pub(super) fn finish(mut self, sent: u64) -> io::Result<Vec<u32>> {
        if self.records > 0 {
            self.cut(sent)?;
        }
        Ok(self.cuts)
    }

    fn has_room(&self, count: u32, bytes: usize) -> bool {
        // What is there has one byte more than its elements and their commas: the bracket; so
        // would a comma behind them be one.
        count <= self.sizes.records.saturating_sub(self.records)
            && self.text.len() + bytes <= self.sizes.bytes
    }

    fn append(&mut self, elements: &[u8], count: u32) {
        self.text
            .push(if self.text.is_empty() { b'[' } else { b',' });
        self.text.extend_from_slice(elements);
        self.records += count;
    }

    fn cut(&mut self, sent: u64) -> io::Result<()> {
        // The next one will be as large, most likely.
        let next = Vec::with_capacity(self.text.len());
        let mut text = std::mem::replace(&mut self.text, next);
        text.push(b']');
        let chunk = Chunk {
            number: u32::try_from(self.cuts.len()).unwrap_or(u32::MAX),
            first: u64::from(self.before) + 1,
            records: self.records,
            text,
            sent,
        };
        self.cuts.push(self.before);
        self.before += self.records;
        self.records = 0;
        (self.sink)(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of the chunks of elements that come in these pieces.
    fn cut(pieces: &[(&str, u32)], records: u32, bytes: usize) -> Vec<String> {
        let mut chunks = Vec::new();
        let mut cutter = Cutter::new(ChunkSizes { records, bytes }, |chunk: Chunk| {
            chunks.push(chunk);
            Ok(())
        });
        for (elements, count) in pieces {
            cutter.add(elements.as_bytes(), *count, 0).unwrap();
        }
        let cuts = cutter.finish(0).unwrap();
        let mut before = 0;
        for (number, (chunk, cut)) in chunks.iter().zip(&cuts).enumerate() {
            assert_eq!((chunk.number as usize, *cut), (number, before));
            assert_eq!(chunk.first, u64::from(before) + 1);
            before += chunk.records;
        }
        assert_eq!(cuts.len(), chunks.len());
        let texts = chunks.into_iter().map(|chunk| chunk.text);
        texts.map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn chunks_are_filled_to_the_last_record() {
        assert_eq!(
            cut(&[("1, 2,3", 3), ("[4,4],\"5,\"", 2), ("6,7", 2)], 4, 100),
            ["[1, 2,3,[4,4]]", "[\"5,\",6,7]"]
        );
        assert_eq!(cut(&[("1,1,1,1,1", 5)], 2, 100), ["[1,1]", "[1,1]", "[1]"]);
        assert_eq!(cut(&[("", 0)], 2, 100), [""; 0]);
    }

    #[test]
    fn chunks_have_no_more_bytes_than_fit_unless_one_record_does_not() {
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
    fn what_the_sink_says_ends_the_cutting() {
        let mut cutter = Cutter::new(
            ChunkSizes {
                records: 1,
                bytes: 9,
            },
            |_| Err(io::Error::other("full")),
        );
        assert_eq!(cutter.add(b"1,2", 2, 0).unwrap_err().to_string(), "full");
    }
}
