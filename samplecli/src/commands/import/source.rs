//! What is imported: a file, or a stream that is kept until it has been sent, and what it holds
//! by its name and its first bytes.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::AT_ONCE;
use crate::failure::Failure;
use crate::progress::{Progress, Stage, Unit};
use crate::terminal;

/// What is read in one go for the checksum.
const STEP: u64 = 8 * 1024 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

trait Data: Read + Seek + Send {}

impl<T: Read + Seek + Send> Data for T {}

/// The bytes to import. They can be read more than once, at any place.
pub struct Source {
    name: String,
    size: u64,
    data: Mutex<Box<dyn Data>>,
}

impl Source {
    /// Opens a file; `-` is standard input. What is no regular file is read to its end and kept:
    /// in memory, or, where it is too large for one request, in a temporary file without a name.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            if io::stdin().is_terminal() {
                terminal::say("reading the users from the terminal; end them with Ctrl-D");
            }
            return Self::spooled("standard input".to_owned(), io::stdin().lock());
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((about, file)) if about.is_file() => Ok(Self {
                name,
                size: about.len(),
                data: Mutex::new(Box::new(file)),
            }),
            Ok((_, stream)) => Self::spooled(name, stream),
            Err(error) => Err(unreadable(&name, &error)),
        }
    }

    fn spooled(name: String, mut stream: impl Read) -> Result<Self, Failure> {
        let mut spool = SpooledTempFile::new(AT_ONCE);
        let mut piece = vec![0; 256 * 1024];
        let mut size = 0;
        loop {
            let read = match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(&name, &error)),
            };
            let piece = piece.get(..read).unwrap_or_default();
            spool.write_all(piece).map_err(|error| {
                Failure::failed(format!(
                    "cannot keep {name} in {} until it is sent: {error}",
                    std::env::temp_dir().display()
                ))
                .next("TMPDIR names another place; or write it to a file, and import that")
            })?;
            size += read as u64;
        }
        Ok(Self {
            name,
            size,
            data: Mutex::new(Box::new(spool)),
        })
    }

    /// What a person calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// As many bytes from there on.
    pub fn read(&self, from: u64, length: u64) -> Result<Vec<u8>, Failure> {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        data.seek(SeekFrom::Start(from))
            .and_then(|_| (&mut *data).take(length).read_to_end(&mut bytes))
            .map_err(|error| unreadable(&self.name, &error))?;
        if bytes.len() as u64 != length {
            return Err(Failure::failed(format!(
                "{} has become shorter while it was read",
                self.name
            ))
            .next("import it again when nobody writes to it"));
        }
        Ok(bytes)
    }

    /// The SHA-256 of all of it, in hexadecimal digits.
    pub async fn checksum(self: &Arc<Self>, progress: &mut Progress) -> Result<String, Failure> {
        let name = format!("reading {} for its checksum", self.name);
        let mut hash = Sha256::new();
        let mut done = 0;
        while done < self.size {
            progress.show(&Stage {
                name: &name,
                unit: Unit::Bytes,
                done,
                total: Some(self.size),
                note: "",
            });
            let length = STEP.min(self.size - done);
            let source = Arc::clone(self);
            hash = blocking(move || {
                hash.update(source.read(done, length)?);
                Ok(hash)
            })
            .await?;
            done += length;
        }
        let digest = hash.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Does what takes a while without holding up requests.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::failed(format!("a thread ended early: {error}"))))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot read {name}: {error}"))
}

/// What a text of records looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// An array of records
    Json,
    /// A record a line
    Ndjson,
}

/// How it is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// Not at all
    None,
    /// gzip
    Gzip,
}

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// What they look like once they are unpacked.
    pub format: Format,
    /// How they are packed.
    pub compression: Compression,
}

impl Form {
    /// What was said of them; else the format by the name, and the compression by the bytes, which
    /// know it better.
    pub fn of(
        path: &Path,
        source: &Source,
        format: Option<Format>,
        compression: Option<Compression>,
    ) -> Result<Self, Failure> {
        let start = source.read(0, source.size.min(GZIP_MAGIC.len() as u64))?;
        let is_gzip = start == GZIP_MAGIC;
        let compression = match compression {
            Some(Compression::Gzip) if !is_gzip => {
                return Err(Failure::failed(format!(
                    "{} does not begin as gzip data does",
                    source.name
                ))
                .next("leave --compression out: gzip is recognised"));
            }
            Some(said) => said,
            None if is_gzip => Compression::Gzip,
            None => Compression::None,
        };
        Ok(Self {
            format: format.unwrap_or_else(|| Format::named(path)),
            compression,
        })
    }

    /// Whether one request can carry them.
    pub fn is_plain_json(self) -> bool {
        self.format == Format::Json && self.compression == Compression::None
    }
}

impl Format {
    /// What the name says, `.gz` at its end apart.
    fn named(path: &Path) -> Self {
        let name = path.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
            Self::Ndjson
        } else {
            Self::Json
        }
    }

    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

impl Compression {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }
}
