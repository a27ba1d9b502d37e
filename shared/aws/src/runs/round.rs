//! The rounds of a background run.

use muster_core::run::State;
use serde::{Deserialize, Serialize};

/// One pass over all chunks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Round {
    /// Every record is planned; nothing is written.
    Plan,
    /// Every record is applied.
    Apply,
}

impl Round {
    /// Returns the name used in row keys and object names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }

    /// Returns the round of a run in this state, if it is in one.
    #[must_use]
    pub const fn of(state: State) -> Option<Self> {
        match state {
            State::Planning => Some(Self::Plan),
            State::Applying | State::Stopping => Some(Self::Apply),
            State::Uploading | State::Checking | State::Finished | State::Cancelled => None,
        }
    }
}
