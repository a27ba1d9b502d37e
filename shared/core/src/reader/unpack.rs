//! Unpacking what was sent, up to a bound: a small object can unpack to any size.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::Compression;

/// Why an object cannot be unpacked. It comes as the inner error of an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It holds more than is accepted.
    #[error("unpacked it has more than {most} bytes; send it in several pieces")]
    TooLarge {
        /// Bytes that are accepted.
        most: u64,
    },
    /// It is not gzip, or not to its end.
    #[error("the gzip data is not valid: {reason}, after {unpacked} bytes of text")]
    Broken {
        /// What is wrong.
        reason: &'static str,
        /// Bytes that came out before.
        unpacked: u64,
    },
}

impl UnpackError {
    /// Finds it in what reading gave; any other error comes back.
    pub(super) fn within(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }
}

/// The bytes of an object, unpacked.
pub(super) struct Unpacked<R> {
    bytes: Bytes<R>,
    /// How many were read as they were sent.
    sent: Arc<AtomicU64>,
    /// How many came out, and how many may.
    length: u64,
    most: u64,
}

enum Bytes<R> {
    Plain(Watched<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Watched<R>>>>),
}

/// A source that remembers whether it failed, so that its errors are not taken for the decoder's.
struct Watched<R> {
    source: R,
    sent: Arc<AtomicU64>,
    failed: bool,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(source: R, compression: Compression, most: u64) -> Self {
        const BUFFER: usize = 64 * 1024;
        let sent = Arc::default();
        let watched = Watched {
            source,
            sent: Arc::clone(&sent),
            failed: false,
        };
        let bytes = match compression {
            Compression::None => Bytes::Plain(watched),
            Compression::Gzip => {
                let buffered = BufReader::with_capacity(BUFFER, watched);
                Bytes::Gzip(Box::new(MultiGzDecoder::new(buffered)))
            }
        };
        Self {
            bytes,
            sent,
            length: 0,
            most,
        }
    }

    /// How many bytes came out.
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
        if self.length > self.most {
            let error = UnpackError::TooLarge { most: self.most };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        Ok(length)
    }
}

fn broken(error: &io::Error, unpacked: u64) -> io::Error {
    let reason = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early",
        // The decoder's word for what begins neither the data nor a further part of it.
        io::ErrorKind::InvalidInput if unpacked == 0 => "it does not begin as gzip does",
        io::ErrorKind::InvalidInput => "it is damaged, or something else follows it",
        _ => "it is damaged",
    };
    io::Error::new(
        io::ErrorKind::InvalidData,
        UnpackError::Broken { reason, unpacked },
    )
}

impl<R: Read> Read for Watched<R> {
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
