//! Decompresses uploads up to a limit: a small object can decompress to any size.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::encoding::Compression;

/// Error while decompressing an object; the inner error of an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It decompresses to more than the limit.
    #[error("it decompresses to more than {max_bytes} bytes; split it into several uploads")]
    TooLarge {
        /// Maximum bytes.
        max_bytes: u64,
    },
    /// It is not valid gzip data to its end.
    #[error("invalid gzip data: {reason}, after {unpacked} bytes of text")]
    Broken {
        /// The problem.
        reason: &'static str,
        /// Bytes decompressed before it.
        unpacked: u64,
    },
}

impl UnpackError {
    /// Extracts it from a read error; returns any other error unchanged.
    pub(super) fn within(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }
}

/// The decompressed bytes of an object.
pub(super) struct Unpacked<R> {
    bytes: Bytes<R>,
    /// Bytes read so far, as sent.
    sent: Arc<AtomicU64>,
    /// Bytes decompressed so far, and their maximum.
    length: u64,
    max_bytes: u64,
}

enum Bytes<R> {
    Plain(TrackedSource<R>),
    Gzip(Box<MultiGzDecoder<BufReader<TrackedSource<R>>>>),
}

/// A source that records if it failed, so that its errors are not mistaken for the decoder's.
struct TrackedSource<R> {
    source: R,
    sent: Arc<AtomicU64>,
    failed: bool,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(source: R, compression: Compression, max_bytes: u64) -> Self {
        const BUFFER_BYTES: usize = 64 * 1024;
        let sent = Arc::default();
        let tracked = TrackedSource {
            source,
            sent: Arc::clone(&sent),
            failed: false,
        };
        let bytes = match compression {
            Compression::None => Bytes::Plain(tracked),
            Compression::Gzip => {
                let buffered = BufReader::with_capacity(BUFFER_BYTES, tracked);
                Bytes::Gzip(Box::new(MultiGzDecoder::new(buffered)))
            }
        };
        Self {
            bytes,
            sent,
            length: 0,
            max_bytes,
        }
    }

    /// Returns the number of decompressed bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.bytes {
            Bytes::Plain(source) => source.read(buffer),
            Bytes::Gzip(decoder) => {
                let read = decoder.read(buffer);
                let failed = decoder.get_ref().get_ref().failed;
                read.map_err(|error| {
                    if failed || error.kind() == io::ErrorKind::Interrupted {
                        error
                    } else {
                        broken(&error, self.length)
                    }
                })
            }
        };
        let length = read?;
        self.length += length as u64;
        if self.length > self.max_bytes {
            let error = UnpackError::TooLarge {
                max_bytes: self.max_bytes,
            };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        Ok(length)
    }
}

fn broken(error: &io::Error, unpacked: u64) -> io::Error {
    let reason = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is truncated",
        // `InvalidInput` is the decoder's error for data that starts neither the first nor a
        // further gzip member.
        io::ErrorKind::InvalidInput if unpacked == 0 => "it has no gzip header",
        io::ErrorKind::InvalidInput => "it is damaged or followed by other data",
        _ => "it is damaged",
    };
    io::Error::new(
        io::ErrorKind::InvalidData,
        UnpackError::Broken { reason, unpacked },
    )
}

impl<R: Read> Read for TrackedSource<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.source.read(buffer) {
            Ok(length) => {
                self.sent.fetch_add(length as u64, Ordering::Relaxed);
                Ok(length)
            }
            Err(error) => {
                self.failed |= error.kind() != io::ErrorKind::Interrupted;
                Err(error)
            }
        }
    }
}
