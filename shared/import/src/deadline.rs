//! The time that a run has left.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

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
            started: times.clock.now(),
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
        self.times.clock.now().saturating_sub(self.started)
    }

    /// Waits for `work` until writes may no longer start. Returns `None` if that time comes first.
    pub(crate) fn before_stop<'w, T>(
        &self,
        work: impl Future<Output = T> + Send + 'w,
    ) -> BoxFuture<'w, Option<T>> {
        self.within(self.stop_after, work)
    }

    /// Waits for `work` until `give_up_after`. Returns `None` if that time comes first.
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
        let over = self.times.clock.sleep(limit.saturating_sub(self.elapsed()));
        async move {
            tokio::select! {
                biased;
                done = work => Some(done),
                () = over => None,
            }
        }
        .boxed()
    }

    /// Returns the timeout of a write that starts now, or `None` if no write may start any more.
    pub(crate) fn write_timeout(&self) -> Option<Duration> {
        let elapsed = self.elapsed();
        (elapsed < self.stop_after).then(|| self.give_up_after.saturating_sub(elapsed))
    }
}
