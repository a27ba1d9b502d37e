//! The checks of the demo.

use std::fmt::Debug;

/// Counts passed checks and collects the messages of failed ones.
#[derive(Debug, Default)]
pub(super) struct Checks {
    passed: u32,
    failures: Vec<String>,
}

impl Checks {
    /// Checks that `found` equals `expected`.
    pub(super) fn equal<T: PartialEq + Debug>(&mut self, what: &str, expected: T, found: T) {
        if expected == found {
            self.passed += 1;
        } else {
            self.failures
                .push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }

    /// Checks that a condition is true.
    pub(super) fn is_true(&mut self, what: &str, condition: bool) {
        if condition {
            self.passed += 1;
        } else {
            self.failures
                .push(format!("{what}: expected true, found false"));
        }
    }

    pub(super) fn passed(&self) -> u32 {
        self.passed
    }

    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_expected_and_the_found_value() {
        let mut checks = Checks::default();
        checks.equal("status", 200, 200);
        checks.equal("created", 2, 1);
        checks.is_true("the task is unlocked", false);
        assert_eq!(checks.passed(), 1);
        assert_eq!(
            checks.failures(),
            [
                "created: expected 2, found 1",
                "the task is unlocked: expected true, found false"
            ]
        );
    }
}
