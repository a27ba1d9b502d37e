//! The data to import: a file, or a stream that is buffered until it has been sent.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use muster_api::Sha256Hex;
use muster_core::limits::MAX_SYNC_BYTES;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use crate::failure::Failure;
use crate::output::progress::{ProgressReporter, Stage};
use crate::output::stderr;

/// Bytes read at a time for the checksum.
const CHECKSUM_STEP_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes read at a time from a stream.
const STREAM_BUFFER_BYTES: usize = 256 * 1024;

trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// The bytes to import. They can be read more than once, at any position.
pub struct Source {
    name: String,
    size: u64,
    data: Mutex<Box<dyn ReadSeek>>,
}

impl Source {
    /// Opens a file; `-` is standard input. Anything but a regular file is read to its end and
    /// buffered: in memory, or, if it is too large for one request, in an unnamed temporary file.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            if io::stdin().is_terminal() {
                stderr::println("reading users from the terminal; end with Ctrl-D");
            }
            return Self::buffered("standard input".to_owned(), io::stdin().lock());
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((metadata, file)) if metadata.is_file() => Ok(Self {
                name,
                size: metadata.len(),
                data: Mutex::new(Box::new(file)),
            }),
            Ok((_, stream)) => Self::buffered(name, stream),
            Err(error) => Err(unreadable(&name, &error)),
        }
    }

    fn buffered(name: String, mut stream: impl Read) -> Result<Self, Failure> {
        let mut spool = SpooledTempFile::new(MAX_SYNC_BYTES);
        let mut buffer = vec![0; STREAM_BUFFER_BYTES];
        let mut size = 0;
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(&name, &error)),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            spool.write_all(bytes).map_err(|error| {
                Failure::failed(format!(
                    "cannot buffer {name} in {}: {error}",
                    std::env::temp_dir().display()
                ))
                .hint("set TMPDIR to another directory, or write a file and import that")
            })?;
            size += read as u64;
        }
        Ok(Self {
            name,
            size,
            data: Mutex::new(Box::new(spool)),
        })
    }

    /// Returns the name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads `length` bytes at an offset.
    pub fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Failure> {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        data.seek(SeekFrom::Start(offset))
            .and_then(|_| (&mut *data).take(length).read_to_end(&mut bytes))
            .map_err(|error| unreadable(&self.name, &error))?;
        if bytes.len() as u64 != length {
            return Err(
                Failure::failed(format!("{} was truncated while it was read", self.name))
                    .hint("import it again when no other program writes to it"),
            );
        }
        Ok(bytes)
    }

    /// Computes the SHA-256 checksum.
    pub async fn checksum(
        self: &Arc<Self>,
        progress: &mut ProgressReporter,
    ) -> Result<Option<Sha256Hex>, Failure> {
        let name = format!("computing the checksum of {}", self.name);
        let mut hash = Sha256::new();
        let mut done = 0;
        while done < self.size {
            progress.show(&Stage::bytes(&name, done, self.size));
            let length = CHECKSUM_STEP_BYTES.min(self.size - done);
            let source = Arc::clone(self);
            hash = blocking(move || {
                hash.update(source.read(done, length)?);
                Ok(hash)
            })
            .await?;
            done += length;
        }
        let digest = hash.finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Sha256Hex::parse(&hex))
    }
}

/// Runs a blocking operation without delaying requests.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::failed(format!("a thread failed: {error}"))))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot read {name}: {error}"))
}
