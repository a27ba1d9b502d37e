//! How a run stands, and how fast it gets on. What is said of a run that goes on is a hint.

use jiff::Timestamp;
use muster_aws::rounds::Round;
use muster_aws::runs::{Job, Run};
use muster_aws::{Store, StoreError};
use muster_core::run::{Shown, State};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Its state.
    pub state: Shown,
    /// How far it has come in it.
    pub progress: Progress,
    /// Records a second since it came into its state.
    pub rate: Option<f64>,
    /// Seconds until it leaves its state, if it gets on as before.
    pub eta_seconds: Option<u64>,
}

/// How far a run has come; what is not known is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes that were read.
    pub bytes: Option<u64>,
    /// Bytes in all.
    pub bytes_total: Option<u64>,
    /// Records that are done.
    pub records: Option<u64>,
    /// Records in all.
    pub records_total: Option<u64>,
    /// Chunks that are done.
    pub chunks: Option<u64>,
    /// Chunks in all.
    pub chunks_total: Option<u64>,
}

/// The run's state, as clients see it.
#[must_use]
pub fn shown(run: &Run) -> Shown {
    let heard_of = run.job.as_ref().is_some_and(|job| job.heard_at.is_some());
    run.state.shown(heard_of)
}

/// How a run stands.
///
/// # Errors
/// The store's.
pub async fn status(store: &Store, run: &Run, now: Timestamp) -> Result<Standing, StoreError> {
    // One within a request has no rounds, and no row that says how far it is.
    let round = Round::of(run.state).filter(|_| run.job.is_some());
    let done = match round {
        Some(round) => Some(store.progress(&run.id, round).await?),
        None => None,
    };
    let progress = progress(run, done);
    let (rate, eta_seconds) = run
        .job
        .as_ref()
        .map_or((None, None), |job| pace(run.state, job, progress, now));
    Ok(Standing {
        state: shown(run),
        progress,
        rate,
        eta_seconds,
    })
}

fn progress(run: &Run, done: Option<muster_aws::rounds::Progress>) -> Progress {
    let chunked = run.job.as_ref().and_then(|job| job.chunked.as_ref());
    let known = Progress {
        bytes_total: Some(run.size),
        records_total: chunked.map(|chunked| chunked.records),
        chunks_total: chunked.map(|chunked| u64::from(chunked.chunks)),
        ..Progress::default()
    };
    match run.state {
        State::Uploading => known,
        State::Checking => {
            let read = run.job.as_ref().map(|job| job.read).unwrap_or_default();
            Progress {
                bytes: Some(read.bytes),
                records: Some(read.records),
                ..known
            }
        }
        State::Planning | State::Applying | State::Stopping => Progress {
            bytes: chunked.map(|_| run.size),
            records: done.map(|done| done.records),
            chunks: done.map(|done| done.chunks),
            ..known
        },
        State::Finished | State::Cancelled => Progress {
            bytes: run.counts.map(|_| run.size),
            records: run.counts.map(|counts| counts.total),
            records_total: known
                .records_total
                .or(run.counts.map(|counts| counts.total)),
            chunks: run.counts.and(known.chunks_total),
            ..known
        },
    }
}

/// Records a second, and the seconds that are left.
fn pace(state: State, job: &Job, progress: Progress, now: Timestamp) -> (Option<f64>, Option<u64>) {
    // While it is checked, how many records there are is not known, but how many bytes.
    let (until, done, total) = match state {
        State::Checking => (job.heard_at, progress.bytes, progress.bytes_total),
        State::Planning | State::Applying => (Some(now), progress.records, progress.records_total),
        State::Uploading | State::Stopping | State::Finished | State::Cancelled => {
            return (None, None);
        }
    };
    let millis = until.map_or(0, |until| {
        until.as_millisecond() - job.entered_at.as_millisecond()
    });
    let Ok(millis @ 1..) = u64::try_from(millis) else {
        return (None, None);
    };
    let rate = progress.records.filter(|records| *records > 0);
    let eta = done.zip(total).filter(|(done, _)| *done > 0);
    (
        rate.map(|records| per_second(records, millis)),
        eta.map(|(done, total)| seconds_left(done, total, millis)),
    )
}

/// With one decimal: more would not be true.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is no exact figure, and no run has 2^53 records"
)]
fn per_second(records: u64, millis: u64) -> f64 {
    (records as f64 * 10_000.0 / millis as f64).round() / 10.0
}

fn seconds_left(done: u64, total: u64, millis: u64) -> u64 {
    let left = u128::from(total.saturating_sub(done)) * u128::from(millis);
    let seconds = left.div_ceil(u128::from(done) * 1_000);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_rest_follow_from_what_was_done_since() {
        assert_eq!(per_second(10, 3_000).to_string(), "3.3");
        assert_eq!(per_second(1_000_000, 2_000).to_string(), "500000");
        assert_eq!(seconds_left(10, 100, 1_000), 9);
        assert_eq!(seconds_left(100, 100, 1_000), 0);
        assert_eq!(seconds_left(3, 4, 100), 1);
        // A hint may say more than all.
        assert_eq!(seconds_left(5, 4, 1_000), 0);
    }
}
