//! What passes by itself, and how long it is given to pass.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::failure::Failure;
use crate::terminal::{self, counted, shown};

/// How long to wait before each further try: most of a minute, in which a server restarts.
pub const PAUSES: [Duration; 8] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(16),
];

/// Why something was not done.
#[derive(Debug)]
pub enum Trouble {
    /// It may be done if it is tried again.
    Passing(Failure),
    /// Trying again changes nothing.
    Lasting(Failure),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(failure) | Trouble::Lasting(failure) => failure,
        }
    }
}

/// Tries something until it is done, cannot be done, or has failed for most of a minute. What is
/// shown on the bar meanwhile stays readable.
pub async fn patiently<T>(
    bar: &ProgressBar,
    attempt: impl AsyncFn() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    for pause in PAUSES {
        match attempt().await {
            Err(Trouble::Passing(failure)) => wait(bar, pause, &failure).await,
            done => return done,
        }
    }
    attempt().await
}

/// Waits before a further try, and says why if a person would notice.
pub async fn wait(bar: &ProgressBar, pause: Duration, failure: &Failure) {
    if pause >= Duration::from_secs(1) {
        let seconds = counted(pause.as_secs(), "second");
        let line = format!("{}; trying again in {seconds}", failure.message());
        bar.suspend(|| terminal::say(&shown(&line)));
    }
    tokio::time::sleep(pause).await;
}
