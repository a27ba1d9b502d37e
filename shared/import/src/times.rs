//! The times of the protocol (PROTOCOL §3): settings, so that tests need not wait.

use std::time::Duration;

/// How long things take at most.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// A synchronous run's hold of its task. It is not renewed.
    pub sync_hold: Duration,
    /// After this a synchronous run begins no further writes.
    pub stop_after: Duration,
    /// After this it waits for no answer any more. Below the function's timeout of 28 s, which is
    /// below the hold, so that nothing is sent without one.
    pub give_up_after: Duration,
    /// What the sweeper leaves a run after its hold, for others to take over.
    pub sweep_grace: Duration,
    /// How long a stamp is kept after the run's start: longer than any replay can come.
    pub stamp_kept: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            sync_hold: Duration::from_secs(60),
            stop_after: Duration::from_secs(25),
            give_up_after: Duration::from_secs(27),
            sweep_grace: Duration::from_secs(10),
            stamp_kept: Duration::from_secs(72 * 3_600),
        }
    }
}
