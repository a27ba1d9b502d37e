//! Pauses between the tries of one call: each may be twice as long as the one before, with jitter,
//! so that those who got in each other's way come back at different times. The SDK pauses by
//! itself where it tries again; these are for what it does not see, or gives up on too early.

use std::time::Duration;

use tokio::time::Instant;

/// The longest first pause.
const FIRST: Duration = Duration::from_millis(25);

/// How long a call is tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often at most.
    pub tries: u32,
    /// No pause ends later than this after the first try.
    pub total: Duration,
    /// The longest pause.
    pub longest: Duration,
}

/// The pauses of one call.
#[derive(Debug)]
pub struct Pauses {
    patience: Patience,
    tried: u32,
    since: Instant,
}

impl Pauses {
    /// To be made just before the first try.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            tried: 0,
            since: Instant::now(),
        }
    }

    /// Forgets the tries so far: the last one got somewhere.
    pub fn start_over(&mut self) {
        *self = Self::new(self.patience);
    }

    /// Waits before the next try; false: that was the last one.
    pub async fn before_next(&mut self) -> bool {
        let Patience {
            tries,
            total,
            longest,
        } = self.patience;
        let pause = pause(self.tried, longest);
        self.tried = self.tried.saturating_add(1);
        if self.tried >= tries || self.since.elapsed() + pause > total {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// The pause after `before` others.
fn pause(before: u32, longest: Duration) -> Duration {
    FIRST
        .saturating_mul(2_u32.saturating_pow(before))
        .min(longest)
        .mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_one() {
        let longest = Duration::from_secs(1);
        assert!(pause(0, longest) <= FIRST);
        assert!(pause(3, longest) >= FIRST * 4);
        for before in [10, 100, u32::MAX] {
            let pause = pause(before, longest);
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?}");
        }
    }

    #[tokio::test]
    async fn patience_ends_with_the_tries_or_the_time() {
        let mut pauses = Pauses::new(Patience {
            tries: 3,
            total: Duration::from_secs(60),
            longest: Duration::from_millis(1),
        });
        for _ in 0..2 {
            assert!(pauses.before_next().await);
            assert!(pauses.before_next().await);
            assert!(!pauses.before_next().await);
            pauses.start_over();
        }
        let mut pauses = Pauses::new(Patience {
            tries: u32::MAX,
            total: Duration::from_millis(200),
            longest: Duration::from_millis(50),
        });
        let began = Instant::now();
        while pauses.before_next().await {}
        assert!(began.elapsed() >= Duration::from_millis(100));
    }
}
