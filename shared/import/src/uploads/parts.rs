//! The parts of an upload: their sizes, those that have arrived, and signed URLs for the others.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::background::{Objects, UploadedPart};
use muster_aws::runs::{Run, Upload};
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::run::{ImportState, State};
use tracing::Instrument as _;

use super::run::{MAX_ATTEMPTS, contended, upload};
use super::status::public_state;
use crate::run::processor_queue::object_key;
use crate::span;

/// Validity of a part's URL. A function's URLs expire with its credentials, which last several
/// hours in a new function.
const PART_URL_VALIDITY: Duration = Duration::from_secs(3_600);

/// The sizes of an upload and its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Total bytes, at least 1.
    pub size: u64,
    /// Bytes of each part but the last.
    pub part_size: u64,
}

impl Layout {
    pub(super) const fn of(run: &Run, upload: &Upload) -> Self {
        Self {
            size: run.size,
            part_size: upload.part_size,
        }
    }

    /// Returns the number of parts.
    #[must_use]
    pub fn count(self) -> u32 {
        let count = self.size.div_ceil(self.part_size.max(1));
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Returns the bytes of the part with this number, from 1.
    fn size_of(self, number: u32) -> u64 {
        let before = u64::from(number.saturating_sub(1)).saturating_mul(self.part_size);
        self.size.saturating_sub(before).min(self.part_size)
    }

    /// Returns true if a part has the expected size.
    pub(super) fn fits(self, part: &UploadedPart) -> bool {
        part.size == self.size_of(part.number)
    }
}

/// A part and the URL to send it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPart {
    /// Its number, from 1.
    pub number: u32,
    /// URL to PUT its bytes to.
    pub url: String,
}

/// A page of the parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartsPage {
    /// The sizes of the upload and its parts.
    pub layout: Layout,
    /// Parts that have arrived.
    pub received: Vec<UploadedPart>,
    /// URLs for the other parts.
    pub parts: Vec<SignedPart>,
    /// Number of the first part of the next page, if there is one.
    pub next: Option<u32>,
    /// Expiry of the URLs.
    pub expires_at: Timestamp,
}

/// The outcome of a request for parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartsOutcome {
    /// The requested parts.
    Page(PartsPage),
    /// The run is not an upload.
    NotAnUpload,
    /// The upload is complete, or was cancelled.
    NotUploading(ImportState),
    /// The parts have expired.
    Gone,
}

/// Returns a page of the parts of an upload, from number `from` on. A part with another size than
/// expected counts as one that has not arrived.
///
/// # Errors
/// Returns an error if a store or bucket request fails.
pub fn parts<'a>(
    store: &'a Store,
    background: &'a Background,
    run: Run,
    from: u32,
    now: Timestamp,
) -> BoxFuture<'a, Result<PartsOutcome, StoreError>> {
    let span = span::import(&run.id, run.task);
    Box::pin(page_of_run(store, background, run, from, now).instrument(span))
}

async fn page_of_run(
    store: &Store,
    background: &Background,
    run: Run,
    from: u32,
    now: Timestamp,
) -> Result<PartsOutcome, StoreError> {
    let mut run = run;
    for _ in 0..MAX_ATTEMPTS {
        let Some(upload) = upload(&run) else {
            return Ok(PartsOutcome::NotAnUpload);
        };
        if run.state != State::Uploading {
            return Ok(PartsOutcome::NotUploading(public_state(&run)));
        }
        let layout = Layout::of(&run, upload);
        let key = object_key(&run.id);
        let objects = &background.objects;
        let arrived = objects.parts(&key, &upload.id, from.max(1) - 1).await?;
        if let Some(arrived) = arrived {
            let page = page(objects, &key, upload, layout, from, arrived.parts, now);
            return page.await.map(PartsOutcome::Page);
        }
        // The upload was completed or cancelled just now, or the parts expired.
        match store.runs().get(&run.id, now).await? {
            Some(found) if found.state != State::Uploading => run = found,
            Some(_) | None => return Ok(PartsOutcome::Gone),
        }
    }
    Err(contended())
}

/// Returns the page of parts from `from` on, of which these have arrived.
pub(super) async fn page(
    objects: &Objects,
    key: &str,
    upload: &Upload,
    layout: Layout,
    from: u32,
    arrived: Vec<UploadedPart>,
    now: Timestamp,
) -> Result<PartsPage, StoreError> {
    let numbers = numbers(layout, from);
    let arrived: BTreeMap<u32, UploadedPart> = arrived
        .into_iter()
        .filter(|part| numbers.contains(&part.number) && layout.fits(part))
        .map(|part| (part.number, part))
        .collect();
    let mut parts = Vec::new();
    for number in numbers
        .clone()
        .filter(|number| !arrived.contains_key(number))
    {
        let url = objects
            .sign_part(key, &upload.id, number, PART_URL_VALIDITY)
            .await?;
        parts.push(SignedPart { number, url });
    }
    Ok(PartsPage {
        layout,
        received: arrived.into_values().collect(),
        parts,
        next: (*numbers.end() < layout.count()).then(|| numbers.end() + 1),
        expires_at: now.checked_add(PART_URL_VALIDITY).unwrap_or(Timestamp::MAX),
    })
}

/// Returns the part numbers of a page; none if it begins after the last part.
fn numbers(layout: Layout, from: u32) -> RangeInclusive<u32> {
    let from = from.max(1);
    let last = from.saturating_add(limits::MAX_SIGNED_PARTS - 1);
    from..=last.min(layout.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32, size: u64) -> UploadedPart {
        UploadedPart {
            number,
            size,
            etag: String::new(),
        }
    }

    #[test]
    fn all_parts_but_the_last_have_the_same_size() {
        let layout = Layout {
            size: 25,
            part_size: 10,
        };
        assert_eq!(layout.count(), 3);
        for (number, size, fits) in [
            (1, 10, true),
            (2, 10, true),
            (3, 5, true),
            (1, 9, false),
            (3, 10, false),
        ] {
            assert_eq!(layout.fits(&part(number, size)), fits, "{number}: {size}");
        }
        let even = Layout { size: 20, ..layout };
        assert_eq!((even.count(), even.size_of(2)), (2, 10));
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let layout = Layout {
            size: 1_001,
            part_size: 1,
        };
        assert_eq!(numbers(layout, 1), 1..=500);
        assert_eq!(numbers(layout, 501), 501..=1_000);
        assert_eq!(numbers(layout, 1_001), 1_001..=1_001);
        assert!(numbers(layout, 1_002).is_empty());
        assert!(numbers(layout, u32::MAX).is_empty());
    }
}
