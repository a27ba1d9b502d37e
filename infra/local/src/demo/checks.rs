//! What the demo looked at, and what of it was not as it must be.

use std::fmt::Debug;

/// Counts what was right and keeps what was wrong.
#[derive(Debug, Default)]
pub(super) struct Checks {
    right: u32,
    wrong: Vec<String>,
}

impl Checks {
    /// `found` must be `expected`.
    pub(super) fn equal<T: PartialEq + Debug>(&mut self, what: &str, expected: T, found: T) {
        if expected == found {
            self.right += 1;
        } else {
            self.wrong
                .push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }

    /// `holds` must be true.
    pub(super) fn holds(&mut self, what: &str, holds: bool) {
        if holds {
            self.right += 1;
        } else {
            self.wrong.push(format!("{what}: it is not so"));
        }
    }

    pub(super) fn right(&self) -> u32 {
        self.right
    }

    pub(super) fn wrong(&self) -> &[String] {
        &self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_kept_with_what_was_expected_and_what_was_found() {
        let mut checks = Checks::default();
        checks.equal("status", 200, 200);
        checks.equal("created", 2, 1);
        checks.holds("the task is free", false);
        assert_eq!(checks.right(), 1);
        assert_eq!(
            checks.wrong(),
            [
                "created: expected 2, found 1",
                "the task is free: it is not so"
            ]
        );
    }
}
