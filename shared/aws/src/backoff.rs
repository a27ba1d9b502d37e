//! Backoff between the attempts of one call. Each pause may be twice as long as the one before,
//! with jitter, so that callers that collided retry at different times. The SDK has its own backoff
//! for its retries; this one is for failures that the SDK does not see or gives up on too early.

use std::time::Duration;

use tokio::time::Instant;

/// Upper bound of the first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Limits of the attempts of a call.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Maximum number of attempts.
    pub attempts: u32,
    /// Time after the first attempt by which every pause must have ended.
    pub total: Duration,
    /// Upper bound of a pause.
    pub longest: Duration,
}

/// The backoff of one call.
#[derive(Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    attempts: u32,
    since: Instant,
}

impl Backoff {
    /// Starts the clock. Must be called just before the first attempt.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            attempts: 0,
            since: Instant::now(),
        }
    }

    /// Forgets the attempts so far, after one that made progress.
    pub fn start_over(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Waits before the next attempt. Returns false if no attempt is left.
    pub async fn before_next(&mut self) -> bool {
        let RetryPolicy {
            attempts,
            total,
            longest,
        } = self.policy;
        let pause = pause(self.attempts, longest);
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= attempts || self.since.elapsed() + pause > total {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// Returns a random pause that follows `before` others.
fn pause(before: u32, longest: Duration) -> Duration {
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(before))
        .min(longest)
        .mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_upper_bound() {
        let longest = Duration::from_secs(1);
        assert!(pause(0, longest) <= FIRST_PAUSE);
        assert!(pause(3, longest) >= FIRST_PAUSE * 4);
        for before in [10, 100, u32::MAX] {
            let pause = pause(before, longest);
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?}");
        }
    }

    #[tokio::test]
    async fn backoff_ends_with_the_attempts_or_the_time() {
        let mut backoff = Backoff::new(RetryPolicy {
            attempts: 3,
            total: Duration::from_secs(60),
            longest: Duration::from_millis(1),
        });
        for _ in 0..2 {
            assert!(backoff.before_next().await);
            assert!(backoff.before_next().await);
            assert!(!backoff.before_next().await);
            backoff.start_over();
        }
        let mut backoff = Backoff::new(RetryPolicy {
            attempts: u32::MAX,
            total: Duration::from_millis(200),
            longest: Duration::from_millis(50),
        });
        let started = Instant::now();
        while backoff.before_next().await {}
        assert!(started.elapsed() >= Duration::from_millis(100));
    }
}
