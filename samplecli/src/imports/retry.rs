//! Retries of transient errors.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::failure::Failure;
use crate::output::escape::escaped;
use crate::output::number::counted;
use crate::output::stderr;

/// Delays before each further attempt: most of a minute in total, enough for a server to restart.
pub const RETRY_DELAYS: [Duration; 8] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(16),
];

/// Shortest delay that is reported.
const MIN_REPORTED_DELAY: Duration = Duration::from_secs(1);

/// The error of a request.
#[derive(Debug)]
pub enum RequestError {
    /// Another attempt may succeed.
    Transient(Failure),
    /// Another attempt cannot succeed.
    Permanent(Failure),
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Transient(failure) | RequestError::Permanent(failure) => failure,
        }
    }
}

/// Retries an operation until it succeeds, fails permanently, or has used up all delays. The bar
/// stays readable.
pub async fn retrying<T>(
    bar: &ProgressBar,
    attempt: impl AsyncFn() -> Result<T, RequestError>,
) -> Result<T, RequestError> {
    for delay in RETRY_DELAYS {
        match attempt().await {
            Err(RequestError::Transient(failure)) => {
                wait_before_retry(bar, delay, &failure).await;
            }
            result => return result,
        }
    }
    attempt().await
}

/// Waits before the next attempt, and reports the failure if the delay is noticeable.
pub async fn wait_before_retry(bar: &ProgressBar, delay: Duration, failure: &Failure) {
    if delay >= MIN_REPORTED_DELAY {
        let seconds = counted(delay.as_secs(), "second");
        let line = format!("{}; retrying in {seconds}", failure.message());
        bar.suspend(|| stderr::println(&escaped(&line)));
    }
    tokio::time::sleep(delay).await;
}
