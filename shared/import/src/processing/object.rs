//! An object of any size as something that can be read: a few ranges of it are held at once,
//! fetched ahead of whoever reads. Its bytes are hashed as they pass.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use bytes::{Buf as _, Bytes};
use muster_aws::StoreError;
use muster_aws::background::{Moved, Object, Objects};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

/// Bytes of a range. Together with those ahead they are most of what reading an object takes.
const RANGE: u64 = 4 * 1024 * 1024;
/// Ranges that wait to be read.
const AHEAD: usize = 1;

/// Why an object was not fetched to its end.
#[derive(Debug)]
pub(super) enum Unfetched {
    /// The bucket failed.
    Store(StoreError),
    /// It is another object by now.
    Moved,
    /// Nobody reads it any more.
    Unread,
}

/// The reading end; to be used on a thread that may block.
pub(super) struct Fetched {
    ranges: mpsc::Receiver<Bytes>,
    current: Bytes,
    hash: Sha256,
    sha256: Arc<OnceLock<String>>,
    /// Bytes that have not come yet.
    left: u64,
}

/// Both ends of an object.
pub(super) fn fetching(object: &Object) -> (mpsc::Sender<Bytes>, Fetched) {
    let (sender, ranges) = mpsc::channel(AHEAD);
    let fetched = Fetched {
        ranges,
        current: Bytes::new(),
        hash: Sha256::new(),
        sha256: Arc::default(),
        left: object.size,
    };
    (sender, fetched)
}

/// Fetches an object from its beginning to its end.
pub(super) async fn fetch(
    objects: &Objects,
    key: &str,
    object: &Object,
    ranges: mpsc::Sender<Bytes>,
) -> Result<(), Unfetched> {
    let mut start = 0;
    while start < object.size {
        let end = object.size.min(start + RANGE);
        let range = objects.read(key, object, start..end).await;
        let range = range.map_err(Unfetched::Store)?;
        let range = range.map_err(|Moved| Unfetched::Moved)?;
        ranges.send(range).await.map_err(|_| Unfetched::Unread)?;
        start = end;
    }
    Ok(())
}

impl Fetched {
    /// Where the SHA-256 of all bytes, in lower-case hex, will stand when the last of them has come.
    pub(super) fn sha256(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.sha256)
    }

    fn next_range(&mut self) -> io::Result<()> {
        // The other end hangs up only behind the last range, or when it failed.
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

impl Read for Fetched {
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
