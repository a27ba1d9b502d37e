//! The status of a run, and its speed. The figures of a run that has not ended are estimates
//! (contract.md#import-status).

use jiff::Timestamp;
use muster_aws::runs::chunks::Round;
use muster_aws::runs::{Job, Run};
use muster_aws::{Store, StoreError};
use muster_core::run::{ImportState, State};

/// The status of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportStatus {
    /// Its state.
    pub state: ImportState,
    /// Its progress in that state.
    pub progress: RunProgress,
    /// Records per second since it entered its state.
    pub rate: Option<f64>,
    /// Seconds until it leaves its state, at the current rate.
    pub eta_seconds: Option<u64>,
}

/// The progress of a run. Unknown figures are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunProgress {
    /// Bytes read.
    pub bytes: Option<u64>,
    /// Total bytes.
    pub bytes_total: Option<u64>,
    /// Records done.
    pub records: Option<u64>,
    /// Total records.
    pub records_total: Option<u64>,
    /// Chunks done.
    pub chunks: Option<u64>,
    /// Total chunks.
    pub chunks_total: Option<u64>,
}

/// Returns the state of a run as clients see it.
#[must_use]
pub fn public_state(run: &Run) -> ImportState {
    let has_heartbeat = run.job.as_ref().is_some_and(|job| job.heard_at.is_some());
    run.state.import_state(has_heartbeat)
}

/// Returns the status of a run.
///
/// # Errors
/// Returns an error if a store request fails.
pub async fn status(store: &Store, run: &Run, now: Timestamp) -> Result<ImportStatus, StoreError> {
    // A synchronous run has no rounds, and no row with its progress.
    let round = Round::of(run.state).filter(|_| run.job.is_some());
    let done = match round {
        Some(round) => Some(store.chunks().progress(&run.id, round).await?),
        None => None,
    };
    let progress = progress(run, done);
    let (rate, eta_seconds) = run
        .job
        .as_ref()
        .map_or((None, None), |job| speed(run.state, job, progress, now));
    Ok(ImportStatus {
        state: public_state(run),
        progress,
        rate,
        eta_seconds,
    })
}

fn progress(run: &Run, done: Option<muster_aws::runs::chunks::RoundProgress>) -> RunProgress {
    let chunked = run.job.as_ref().and_then(|job| job.chunked.as_ref());
    let known = RunProgress {
        bytes_total: Some(run.size),
        records_total: chunked.map(|chunked| chunked.records),
        chunks_total: chunked.map(|chunked| u64::from(chunked.chunks)),
        ..RunProgress::default()
    };
    match run.state {
        State::Uploading => known,
        State::Checking => {
            let read = run.job.as_ref().map(|job| job.read).unwrap_or_default();
            RunProgress {
                bytes: Some(read.bytes),
                records: Some(read.records),
                ..known
            }
        }
        State::Planning | State::Applying | State::Stopping => RunProgress {
            bytes: chunked.map(|_| run.size),
            records: done.map(|done| done.records),
            chunks: done.map(|done| done.chunks),
            ..known
        },
        State::Finished | State::Cancelled => RunProgress {
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

/// Returns the records per second, and the seconds left in the current state.
fn speed(
    state: State,
    job: &Job,
    progress: RunProgress,
    now: Timestamp,
) -> (Option<f64>, Option<u64>) {
    // During the check the number of records is unknown, that of bytes is not.
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

/// Returns a rate with one decimal; more would be false precision.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is an estimate, and no run has 2^53 records"
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
    fn rate_and_time_left_follow_from_the_progress_so_far() {
        assert_eq!(per_second(10, 3_000).to_string(), "3.3");
        assert_eq!(per_second(1_000_000, 2_000).to_string(), "500000");
        assert_eq!(seconds_left(10, 100, 1_000), 9);
        assert_eq!(seconds_left(100, 100, 1_000), 0);
        assert_eq!(seconds_left(3, 4, 100), 1);
        // The progress, an estimate, may exceed the total.
        assert_eq!(seconds_left(5, 4, 1_000), 0);
    }
}
