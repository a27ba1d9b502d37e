//! The end of an upload: its run takes the task, and waits for the processor. To be repeated by
//! whoever got no answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_aws::background::Part;
use muster_aws::holds::Acquired;
use muster_aws::runs::Run;
use muster_aws::tasks::Task;
use muster_aws::{Background, Store, StoreError};
use muster_core::run::{Shown, State};

use super::parts::Layout;
use crate::background::writing_as;

use super::{LOOKS, object_key, restless, shown, tell_processor, upload};
use crate::sync::{retry_after, rules};

/// What became of the end of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completed {
    /// The run goes on, now or since before.
    Began(Shown),
    /// The task runs another import.
    Busy {
        /// Seconds to wait, at least 1.
        retry_after: u64,
    },
    /// Parts are still to be sent.
    Incomplete(Incomplete),
    /// The task cannot be run as it is.
    NotReady(Vec<String>),
    /// The run's data did not come in parts.
    NotAnUpload,
    /// It was cancelled.
    Cancelled,
    /// The parts are gone, for the client took too long.
    Gone,
}

/// What an upload lacks, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incomplete {
    /// Parts that have not arrived.
    pub missing: Vec<u32>,
    /// Parts that are not as large as they must be.
    pub wrong_size: Vec<u32>,
}

impl Incomplete {
    /// `None`: everything is there.
    fn of(layout: Layout, parts: &[Part]) -> Option<Self> {
        let arrived: BTreeMap<u32, &Part> = parts.iter().map(|part| (part.number, part)).collect();
        let mut incomplete = Self::default();
        for number in 1..=layout.count() {
            match arrived.get(&number) {
                None => incomplete.missing.push(number),
                Some(part) if !layout.fits(part) => incomplete.wrong_size.push(number),
                Some(_) => {}
            }
        }
        (incomplete != Self::default()).then_some(incomplete)
    }
}

/// Begins with a run whose data are all there, by the task's settings as they are now.
///
/// # Errors
/// The store's or the bucket's; the run may have begun then.
pub async fn complete(
    store: &Store,
    background: &Background,
    run: Run,
    task: &Task,
    now: Timestamp,
) -> Result<Completed, StoreError> {
    let mut run = run;
    for _ in 0..LOOKS {
        let Some(upload) = upload(&run) else {
            return Ok(Completed::NotAnUpload);
        };
        match run.state {
            State::Uploading => {}
            State::Cancelled => return Ok(Completed::Cancelled),
            State::Checking
            | State::Planning
            | State::Applying
            | State::Stopping
            | State::Finished => return Ok(Completed::Began(shown(&run))),
        }
        if let Err(problems) = rules(&task.settings) {
            return Ok(Completed::NotReady(problems));
        }
        let key = object_key(&run.id);
        let kept_out = match background.objects.all_parts(&key, &upload.id).await? {
            None => Completed::Gone,
            Some(parts) => {
                if let Some(lacks) = Incomplete::of(Layout::of(&run, upload), &parts) {
                    return Ok(Completed::Incomplete(lacks));
                }
                match begin(store, background, &run, task, now).await? {
                    None => return Ok(Completed::Began(Shown::Queued)),
                    Some(kept_out) => kept_out,
                }
            }
        };
        // Unless that is so because somebody else has completed or cancelled it meanwhile.
        match store.get_run(&run.id, now).await? {
            Some(found) if found.state != State::Uploading => run = found,
            Some(_) => return Ok(kept_out),
            None => return Ok(Completed::Gone),
        }
    }
    Err(restless())
}

/// Takes the task for the run, and tells the processor. `Some`: what keeps it out.
async fn begin(
    store: &Store,
    background: &Background,
    run: &Run,
    task: &Task,
    now: Timestamp,
) -> Result<Option<Completed>, StoreError> {
    let run = writing_as(run);
    let retry_after = match store.acquire_uploaded(&run, task.version, now).await? {
        Acquired::Mine => {
            tracing::info!(import.id = %run.id, task.id = run.task, bytes = run.size, "import was queued");
            tell_processor(store, background, &run, now).await;
            return Ok(None);
        }
        Acquired::Held { kind, until } => retry_after(&task.settings, kind, until, now),
        // Uploads have no keys.
        Acquired::KeyUsed => 1,
    };
    Ok(Some(Completed::Busy { retry_after }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_upload_lacks_is_said_by_number() {
        let layout = Layout {
            size: 25,
            part_size: 10,
        };
        let part = |number, size| Part {
            number,
            size,
            etag: String::new(),
        };
        let all = [part(1, 10), part(2, 10), part(3, 5)];
        assert_eq!(Incomplete::of(layout, &all), None);
        assert_eq!(
            Incomplete::of(layout, &[part(2, 9), part(3, 5)]),
            Some(Incomplete {
                missing: vec![1],
                wrong_size: vec![2],
            })
        );
    }
}
