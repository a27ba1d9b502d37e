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
    /// After this a writer begins no further writes of its chunk.
    pub chunk_stop_after: Duration,
    /// After this it waits for no answer any more. Below the function's timeout.
    pub chunk_give_up_after: Duration,
    /// How long after that others leave its chunk to it: what clocks of two machines differ, and
    /// what a request is still under way.
    pub chunk_grace: Duration,
    /// How often a chunk is begun with, while nothing of it gets applied, before its run stops.
    pub chunk_tries: u32,
    /// The visibility timeout of a chunk's message: it is sent again at most that often.
    pub chunk_visible: Duration,
    /// How often the processor says that it is at work.
    pub heartbeat: Duration,
    /// After how much silence another processor is sent for.
    pub heartbeat_over: Duration,
    /// How often an upload is begun with before its run ends.
    pub process_tries: u32,
    /// A run that takes longer than this is stopped. Well below `stamp_kept`.
    pub run_over: Duration,
    /// How long a chunk that nobody has begun with may wait before its message is sent again,
    /// though the queue is full.
    pub resend_anyway: Duration,
}

impl Times {
    /// How long a chunk is its writer's.
    #[must_use]
    pub const fn chunk_held(&self) -> Duration {
        self.chunk_give_up_after.saturating_add(self.chunk_grace)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            sync_hold: Duration::from_secs(60),
            stop_after: Duration::from_secs(25),
            give_up_after: Duration::from_secs(27),
            sweep_grace: Duration::from_secs(10),
            stamp_kept: Duration::from_secs(72 * 3_600),
            chunk_stop_after: Duration::from_secs(50),
            chunk_give_up_after: Duration::from_secs(60),
            chunk_grace: Duration::from_secs(10),
            chunk_tries: 5,
            chunk_visible: Duration::from_secs(180),
            heartbeat: Duration::from_secs(2),
            heartbeat_over: Duration::from_secs(120),
            process_tries: 5,
            run_over: Duration::from_secs(24 * 3_600),
            resend_anyway: Duration::from_secs(3_600),
        }
    }
}
