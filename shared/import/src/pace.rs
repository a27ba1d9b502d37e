//! How many statements are in flight: more after every round without trouble, half as many after
//! one with it (additive increase, multiplicative decrease).

use std::time::Duration;

use muster_aws::directory::BATCH;

/// Requests at once. More gain nothing against the embedded store, and crowd others out elsewhere.
const REQUESTS: usize = 4;

#[derive(Debug)]
pub(crate) struct Pace {
    statements: usize,
    troubles: u32,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            statements: BATCH * REQUESTS,
            troubles: 0,
        }
    }

    /// Statements of the next round.
    pub(crate) const fn statements(&self) -> usize {
        self.statements
    }

    /// The round went through.
    pub(crate) fn went_well(&mut self) {
        self.statements = (self.statements + BATCH / 5).min(BATCH * REQUESTS);
        self.troubles = 0;
    }

    /// Some statements have to be sent again: how long to wait before.
    pub(crate) fn had_trouble(&mut self) -> Duration {
        self.statements = (self.statements / 2).max(1);
        self.troubles = (self.troubles + 1).min(6);
        let longest = Duration::from_millis(25) * 2_u32.pow(self.troubles);
        longest.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_halves_the_pace_and_success_raises_it_slowly() {
        let mut pace = Pace::new();
        assert_eq!(pace.statements(), 100);
        for expected in [50, 25, 12, 6, 3, 1, 1] {
            let pause = pace.had_trouble();
            assert!(pause <= Duration::from_millis(1_600));
            assert_eq!(pace.statements(), expected);
        }
        pace.went_well();
        assert_eq!(pace.statements(), 6);
    }
}
