//! The time that a run has left, by a clock that keeps running while the machine is suspended: a
//! frozen function that wakes up late must see that it is late.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};

use crate::Times;

/// The time limits of one request, or of one chunk, counted from its arrival.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    started: Duration,
    times: Times,
    stop_after: Duration,
    give_up_after: Duration,
}

impl Deadline {
    /// Starts the clock of a request.
    #[must_use]
    pub fn start(times: Times) -> Self {
        Self {
            started: since_boot(),
            times,
            stop_after: times.stop_after,
            give_up_after: times.give_up_after,
        }
    }

    /// Starts the clock of a chunk.
    #[must_use]
    pub(crate) fn start_chunk(times: Times) -> Self {
        Self {
            stop_after: times.chunk_stop_after,
            give_up_after: times.chunk_give_up_after,
            ..Self::start(times)
        }
    }

    pub(crate) const fn times(&self) -> Times {
        self.times
    }

    pub(crate) fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.started)
    }

    /// Waits for `work` while writes may start. Returns `None` if that time is over.
    pub(crate) fn before_stop<'w, T>(
        &self,
        work: impl Future<Output = T> + Send + 'w,
    ) -> BoxFuture<'w, Option<T>> {
        self.within(self.stop_after, work)
    }

    /// Waits for `work` while responses are waited for at all. Returns `None` if that time is over.
    pub(crate) fn before_giving_up<'w, T>(
        &self,
        work: impl Future<Output = T> + Send + 'w,
    ) -> BoxFuture<'w, Option<T>> {
        self.within(self.give_up_after, work)
    }

    /// Like [`Self::before_giving_up`], but leaves `reserve` for the work that follows.
    pub(crate) fn before_reserve<'w, T>(
        &self,
        reserve: Duration,
        work: impl Future<Output = T> + Send + 'w,
    ) -> BoxFuture<'w, Option<T>> {
        self.within(self.give_up_after.saturating_sub(reserve), work)
    }

    /// Boxed, because the compiler cannot prove that deeply nested generic futures are `Send`.
    fn within<'w, T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'w,
    ) -> BoxFuture<'w, Option<T>> {
        let left = limit.saturating_sub(self.elapsed());
        async move { tokio::time::timeout(left, work).await.ok() }.boxed()
    }

    /// Returns the timeout of a write that starts now, or `None` if no write may start any more.
    pub(crate) fn write_timeout(&self) -> Option<Duration> {
        let elapsed = self.elapsed();
        (elapsed < self.stop_after).then(|| self.give_up_after.saturating_sub(elapsed))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
/// On other systems the functions are only developed.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

fn since_boot() -> Duration {
    let time = clock_gettime(CLOCK);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
