//! The number of statements in flight: it grows after each batch without retries, and is halved
//! after one with retries (additive increase, multiplicative decrease).

use std::time::Duration;

use muster_aws::directory::MAX_STATEMENTS;

/// Maximum concurrent requests. More gain nothing with the embedded store, and starve other clients
/// elsewhere.
const MAX_CONCURRENT_REQUESTS: usize = 4;

/// Statements that count as one transaction.
const STATEMENTS_PER_TRANSACTION: usize = 5;

#[derive(Debug)]
pub(crate) struct Pace {
    statements: usize,
    retries: u32,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            statements: MAX_STATEMENTS * MAX_CONCURRENT_REQUESTS,
            retries: 0,
        }
    }

    /// Returns the number of statements to send next.
    pub(crate) const fn statements(&self) -> usize {
        self.statements
    }

    /// Returns the number of transactions to send next. Each has several rows and costs twice as much
    /// for each of them.
    pub(crate) const fn transactions(&self) -> usize {
        self.statements.div_ceil(STATEMENTS_PER_TRANSACTION)
    }

    /// Speeds up after statements that all got a decisive response.
    pub(crate) fn succeeded(&mut self) {
        self.statements =
            (self.statements + MAX_STATEMENTS / 5).min(MAX_STATEMENTS * MAX_CONCURRENT_REQUESTS);
        self.retries = 0;
    }

    /// Slows down because statements must be retried, and returns the pause before the retry.
    pub(crate) fn must_retry(&mut self) -> Duration {
        self.statements = (self.statements / 2).max(1);
        self.retries = (self.retries + 1).min(6);
        let longest = Duration::from_millis(25) * 2_u32.pow(self.retries);
        longest.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_halves_the_pace_and_success_raises_it_slowly() {
        let mut pace = Pace::new();
        assert_eq!(pace.statements(), 100);
        for expected in [50, 25, 12, 6, 3, 1, 1] {
            let pause = pace.must_retry();
            assert!(pause <= Duration::from_millis(1_600));
            assert_eq!(pace.statements(), expected);
        }
        pace.succeeded();
        assert_eq!(pace.statements(), 6);
    }
}
