//! The clock that the time limits of a request or a chunk are measured with.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

/// A clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's clock, which keeps running while the machine is suspended: a frozen function
    /// that wakes up late must see that it is late.
    #[default]
    System,
    /// A clock that stands still until a test advances it.
    Manual(&'static ManualClock),
}

impl Clock {
    /// Returns the time since an arbitrary start.
    pub(crate) fn now(self) -> Duration {
        match self {
            Self::System => since_boot(),
            Self::Manual(clock) => clock.now(),
        }
    }

    /// Waits until `duration` from now.
    pub(crate) async fn sleep(self, duration: Duration) {
        match self {
            Self::System => tokio::time::sleep(duration).await,
            Self::Manual(clock) => clock.wait_until(clock.now().saturating_add(duration)).await,
        }
    }
}

/// A clock for tests that decide when a time limit has passed.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Duration>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(watch::channel(Duration::ZERO).0)
    }
}

/// Clocks are equal if they are the same clock.
impl PartialEq for ManualClock {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for ManualClock {}

impl ManualClock {
    /// Returns a clock that lives as long as the process.
    #[must_use]
    pub fn leak() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Lets this much time pass.
    pub fn advance(&self, duration: Duration) {
        self.0
            .send_modify(|now| *now = now.saturating_add(duration));
    }

    fn now(&self) -> Duration {
        *self.0.borrow()
    }

    async fn wait_until(&self, time: Duration) {
        // The sender lives as long as `self` does.
        drop(self.0.subscribe().wait_for(|now| *now >= time).await);
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_advanced() {
        let manual = ManualClock::leak();
        let clock = Clock::Manual(manual);
        let mut sleep = Box::pin(clock.sleep(Duration::from_secs(2)));
        assert_eq!(sleep.as_mut().now_or_never(), None);
        manual.advance(Duration::from_secs(1));
        assert_eq!(sleep.as_mut().now_or_never(), None);
        manual.advance(Duration::from_secs(1));
        assert_eq!(sleep.as_mut().now_or_never(), Some(()));
        assert_eq!(clock.now(), Duration::from_secs(2));
    }
}
