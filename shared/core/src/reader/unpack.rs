//! Decompresses uploads and bodies up to a limit: few bytes can decompress to any size.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use super::encoding::Compression;
use super::foreign::START_BYTES;

/// The first bytes of gzip data.
pub const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Reason for data that is something else.
const NO_HEADER: &str = "it has no gzip header";

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

/// Decompresses a body in memory to at most `max_bytes` bytes.
///
/// # Errors
/// Returns an error if it is not gzip data to its end, or decompresses to more.
pub fn unpack(packed: &[u8], max_bytes: usize) -> Result<Vec<u8>, UnpackError> {
    if !packed.starts_with(&GZIP_MAGIC) {
        return Err(UnpackError::Broken {
            reason: NO_HEADER,
            unpacked: 0,
        });
    }
    let mut bytes = Vec::new();
    let mut unpacked = Unpacked::new(packed, Compression::Gzip, max_bytes as u64);
    let read = unpacked.read_to_end(&mut bytes);
    match read.map_err(UnpackError::within) {
        Ok(_) => Ok(bytes),
        Err(Ok(error)) => Err(error),
        // Reading from memory does not fail otherwise.
        Err(Err(_)) => Err(UnpackError::Broken {
            reason: "it is damaged",
            unpacked: unpacked.length,
        }),
    }
}

/// The decompressed bytes of an object.
pub(super) struct Unpacked<R> {
    bytes: Bytes<R>,
    /// Bytes read so far, as sent.
    sent: Arc<AtomicU64>,
    /// True if the source failed.
    failed: Arc<AtomicBool>,
    /// Bytes decompressed so far, and their maximum.
    length: u64,
    max_bytes: u64,
    /// The first of them.
    start: Vec<u8>,
}

enum Bytes<R> {
    Plain(TrackedSource<R>),
    Gzip(Box<Members<BufReader<TrackedSource<R>>>>),
}

/// The text of gzip members one after the other. Zero bytes may follow the last one: programs that
/// write whole blocks pad with them.
struct Members<R> {
    /// `None` after the last one.
    member: Option<GzDecoder<R>>,
}

/// A source that records if it failed, so that its errors are not mistaken for the decoder's.
struct TrackedSource<R> {
    source: R,
    sent: Arc<AtomicU64>,
    failed: Arc<AtomicBool>,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(source: R, compression: Compression, max_bytes: u64) -> Self {
        const BUFFER_BYTES: usize = 64 * 1024;
        let (sent, failed) = (Arc::default(), Arc::default());
        let tracked = TrackedSource {
            source,
            sent: Arc::clone(&sent),
            failed: Arc::clone(&failed),
        };
        let bytes = match compression {
            Compression::None => Bytes::Plain(tracked),
            Compression::Gzip => {
                let buffered = BufReader::with_capacity(BUFFER_BYTES, tracked);
                let member = Some(GzDecoder::new(buffered));
                Bytes::Gzip(Box::new(Members { member }))
            }
        };
        Self {
            bytes,
            sent,
            failed,
            length: 0,
            max_bytes,
            start: Vec::new(),
        }
    }

    /// Returns the number of decompressed bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    /// Returns the first decompressed bytes, reading on if there are not enough yet. Nothing else
    /// may be read afterwards.
    pub(super) fn start(&mut self) -> &[u8] {
        let mut buffer = [0; 4 * 1024];
        while self.start.len() < START_BYTES && self.read(&mut buffer).is_ok_and(|read| read > 0) {}
        &self.start
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than the limit shows that it is exceeded.
        let left = self.max_bytes.saturating_sub(self.length).saturating_add(1);
        let room = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let read = match &mut self.bytes {
            Bytes::Plain(source) => source.read(buffer),
            Bytes::Gzip(members) => members.read(buffer).map_err(|error| {
                let failed = self.failed.load(Ordering::Relaxed);
                if failed || error.kind() == io::ErrorKind::Interrupted {
                    error
                } else {
                    broken(&error, self.length)
                }
            }),
        };
        let length = read?;
        self.length += length as u64;
        if self.start.len() < START_BYTES {
            let new = buffer.get(..length).unwrap_or_default();
            let room = START_BYTES - self.start.len();
            self.start.extend(new.iter().take(room));
        }
        if self.length > self.max_bytes {
            let error = UnpackError::TooLarge {
                max_bytes: self.max_bytes,
            };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        Ok(length)
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let another = is_followed_by_member(member.get_mut())?;
            let source = self.member.take().map(GzDecoder::into_inner);
            self.member = source.filter(|_| another).map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// Error for bytes after the last member that are no member.
#[derive(Debug, thiserror::Error)]
#[error("followed by other data")]
struct FollowedByOtherData;

/// First byte of a gzip member.
const GZIP_FIRST_BYTE: u8 = 0x1f;

/// Returns `true` if another gzip member follows, and `false` if nothing but zero bytes does.
fn is_followed_by_member(source: &mut impl BufRead) -> io::Result<bool> {
    let mut padded = false;
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        padded |= zeros > 0;
        if zeros < bytes.len() {
            // Less than a header would read as a member that is cut off.
            let is_member = !padded && bytes.first() == Some(&GZIP_FIRST_BYTE);
            return if is_member {
                Ok(true)
            } else {
                Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    FollowedByOtherData,
                ))
            };
        }
        source.consume(zeros);
    }
}

fn broken(error: &io::Error, unpacked: u64) -> io::Error {
    let is_followed = error
        .get_ref()
        .is_some_and(|error| error.is::<FollowedByOtherData>());
    let reason = match error.kind() {
        _ if is_followed => "it is followed by other data",
        io::ErrorKind::UnexpectedEof => "it is truncated",
        // `InvalidInput` is the decoder's error for data that starts neither the first nor a
        // further gzip member.
        io::ErrorKind::InvalidInput if unpacked == 0 => NO_HEADER,
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
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed.store(true, Ordering::Relaxed);
                }
                Err(error)
            }
        }
    }
}
