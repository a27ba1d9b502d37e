//! The parts of an upload: how large each is, which have arrived, and where the others go.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::background::{Objects, Part};
use muster_aws::runs::{Run, Upload};
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::run::{Shown, State};

use super::{LOOKS, object_key, restless, shown, upload};

/// How long a URL takes a part. Those of a function are no longer good than its credentials, of
/// which a new one has several hours.
const SIGNED_FOR: Duration = Duration::from_secs(3_600);

/// How an upload is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes in all, at least 1.
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

    /// How many parts there are.
    #[must_use]
    pub fn count(self) -> u32 {
        let count = self.size.div_ceil(self.part_size.max(1));
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Bytes of the part with this number, from 1.
    fn size_of(self, number: u32) -> u64 {
        let before = u64::from(number.saturating_sub(1)).saturating_mul(self.part_size);
        self.size.saturating_sub(before).min(self.part_size)
    }

    /// Whether a part is as large as it must be.
    pub(super) fn fits(self, part: &Part) -> bool {
        part.size == self.size_of(part.number)
    }
}

/// Where a part goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPart {
    /// Its number, from 1.
    pub number: u32,
    /// Where to PUT its bytes.
    pub url: String,
}

/// Some of the parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// How the upload is cut.
    pub layout: Layout,
    /// Those that have arrived.
    pub received: Vec<Part>,
    /// Where the others go.
    pub parts: Vec<SignedPart>,
    /// The first number behind these; absent: there is none.
    pub next: Option<u32>,
    /// Until when the URLs are good.
    pub expires_at: Timestamp,
}

/// What became of the question for parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// These are they.
    Window(Window),
    /// The run's data did not come in parts.
    NotAnUpload,
    /// All have arrived, or none is wanted any more.
    NotUploading(Shown),
    /// The parts are gone, for the client took too long.
    Gone,
}

/// The parts of an upload from number `from` on, as many as are signed at once. A part that is not
/// as large as it must be counts as one that has not arrived.
///
/// # Errors
/// The store's or the bucket's.
pub async fn parts(
    store: &Store,
    background: &Background,
    run: Run,
    from: u32,
    now: Timestamp,
) -> Result<Asked, StoreError> {
    let mut run = run;
    for _ in 0..LOOKS {
        let Some(upload) = upload(&run) else {
            return Ok(Asked::NotAnUpload);
        };
        if run.state != State::Uploading {
            return Ok(Asked::NotUploading(shown(&run)));
        }
        let layout = Layout::of(&run, upload);
        let key = object_key(&run.id);
        let objects = &background.objects;
        let arrived = objects.parts(&key, &upload.id, from.max(1) - 1).await?;
        if let Some(arrived) = arrived {
            let window = window(objects, &key, upload, layout, from, arrived.parts, now);
            return window.await.map(Asked::Window);
        }
        // It was completed or cancelled just now, or long ago and nobody was told.
        match store.get_run(&run.id, now).await? {
            Some(found) if found.state != State::Uploading => run = found,
            Some(_) | None => return Ok(Asked::Gone),
        }
    }
    Err(restless())
}

/// The parts from `from` on, of which these have arrived.
pub(super) async fn window(
    objects: &Objects,
    key: &str,
    upload: &Upload,
    layout: Layout,
    from: u32,
    arrived: Vec<Part>,
    now: Timestamp,
) -> Result<Window, StoreError> {
    let numbers = numbers(layout, from);
    let arrived: BTreeMap<u32, Part> = arrived
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
            .sign_part(key, &upload.id, number, SIGNED_FOR)
            .await?;
        parts.push(SignedPart { number, url });
    }
    Ok(Window {
        layout,
        received: arrived.into_values().collect(),
        parts,
        next: (*numbers.end() < layout.count()).then(|| numbers.end() + 1),
        expires_at: now.checked_add(SIGNED_FOR).unwrap_or(Timestamp::MAX),
    })
}

/// The numbers of a window; none if it begins behind the last part.
fn numbers(layout: Layout, from: u32) -> RangeInclusive<u32> {
    let from = from.max(1);
    let last = from.saturating_add(limits::PARTS_SIGNED - 1);
    from..=last.min(layout.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32, size: u64) -> Part {
        Part {
            number,
            size,
            etag: String::new(),
        }
    }

    #[test]
    fn all_parts_but_the_last_are_of_one_size() {
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
    fn windows_follow_each_other_to_the_end() {
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
