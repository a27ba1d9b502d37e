//! A blocking reader of an object of any size: a few ranges of it are held in memory, fetched ahead
//! of the reader. The bytes are hashed as they are read.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use bytes::{Buf as _, Bytes};
use muster_aws::StoreError;
use muster_aws::background::{ObjectVersion, Objects, RangeRead};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

/// Bytes of a range. The ranges in memory are most of what reading an object needs.
const RANGE_BYTES: u64 = 4 * 1024 * 1024;
/// Maximum ranges that wait to be read.
const MAX_RANGES_AHEAD: usize = 1;

/// The error of an object that was not fetched in full.
#[derive(Debug)]
pub(super) enum FetchError {
    /// A bucket request failed.
    Store(StoreError),
    /// The object was replaced.
    Replaced,
    /// The reader was dropped.
    ReaderDropped,
}

/// The reading end, for a thread that may block.
pub(super) struct ObjectReader {
    ranges: mpsc::Receiver<Bytes>,
    current: Bytes,
    hash: Sha256,
    sha256: Arc<OnceLock<String>>,
    /// Bytes that have not arrived yet.
    left: u64,
}

/// Returns the two ends of an object: the sender for [`fetch`], and the reader.
pub(super) fn channel(object: &ObjectVersion) -> (mpsc::Sender<Bytes>, ObjectReader) {
    let (sender, ranges) = mpsc::channel(MAX_RANGES_AHEAD);
    let reader = ObjectReader {
        ranges,
        current: Bytes::new(),
        hash: Sha256::new(),
        sha256: Arc::default(),
        left: object.size,
    };
    (sender, reader)
}

/// Fetches an object from its beginning to its end.
///
/// # Errors
/// Returns an error if a bucket request fails, or if the object was replaced or the reader dropped.
pub(super) async fn fetch(
    objects: &Objects,
    key: &str,
    object: &ObjectVersion,
    ranges: mpsc::Sender<Bytes>,
) -> Result<(), FetchError> {
    let mut start = 0;
    while start < object.size {
        let end = object.size.min(start + RANGE_BYTES);
        let range = objects.read(key, object, start..end).await;
        let range = match range.map_err(FetchError::Store)? {
            RangeRead::Bytes(range) => range,
            RangeRead::ObjectChanged => return Err(FetchError::Replaced),
        };
        ranges
            .send(range)
            .await
            .map_err(|_| FetchError::ReaderDropped)?;
        start = end;
    }
    Ok(())
}

impl ObjectReader {
    /// Returns the cell that holds the SHA-256 of all bytes, in lower-case hex, once the last of
    /// them has been read.
    pub(super) fn sha256(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.sha256)
    }

    fn next_range(&mut self) -> io::Result<()> {
        // The sender is dropped only after the last range, or on an error.
        let range = self.ranges.blocking_recv();
        self.current = range.ok_or(io::ErrorKind::BrokenPipe)?;
        self.hash.update(&self.current);
        self.left = self.left.saturating_sub(self.current.len() as u64);
        if self.left == 0 {
            let digest = self.hash.finalize_reset();
            let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            self.sha256.get_or_init(|| hex);
        }
        Ok(())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.is_empty() && self.left > 0 {
            self.next_range()?;
        }
        let length = buffer.len().min(self.current.len());
        if let Some(room) = buffer.get_mut(..length) {
            self.current.copy_to_slice(room);
        }
        Ok(length)
    }
}
