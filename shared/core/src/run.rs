//! A run: one execution of an import task, as the execution log shows it (CONTRACT §1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a run stands (PROTOCOL §2). Terminal states are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its input is being uploaded.
    Uploading,
    /// Its input is being read; nothing is written before all of it has parsed.
    Checking,
    /// Its records are compared with the directory; nothing is written yet.
    Planning,
    /// Records are being checked and written.
    Applying,
    /// It is to end early: what has begun is being settled.
    Stopping,
    /// Ended; [`Status`] says how.
    Finished,
    /// Ended because somebody asked for it; [`Status`] says how.
    Cancelled,
}

impl State {
    /// Whether the run has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Uploading | Self::Checking | Self::Planning | Self::Applying | Self::Stopping => {
                false
            }
            Self::Finished | Self::Cancelled => true,
        }
    }
}

/// Where a run stands, as clients see it: one whose turn has not come is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportState)]
pub enum Shown {
    /// The data are being sent.
    Uploading,
    /// The data are there, and wait to be read.
    Queued,
    /// The data are being read; nothing is written before all of them have been.
    Checking,
    /// Every record is compared with the directory; nothing is written.
    Planning,
    /// Records are being written.
    Applying,
    /// No further record is begun with.
    Stopping,
    /// Ended; the status says how.
    Finished,
    /// Ended because it was told to; the status says whether anything was applied.
    Cancelled,
}

impl Shown {
    /// The word that clients see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Checking => "checking",
            Self::Planning => "planning",
            Self::Applying => "applying",
            Self::Stopping => "stopping",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
        }
    }
}

impl State {
    /// What clients see of it, given whether somebody has begun with the run's data.
    #[must_use]
    pub const fn shown(self, begun: bool) -> Shown {
        match self {
            Self::Uploading => Shown::Uploading,
            Self::Checking if begun => Shown::Checking,
            Self::Checking => Shown::Queued,
            Self::Planning => Shown::Planning,
            Self::Applying => Shown::Applying,
            Self::Stopping => Shown::Stopping,
            Self::Finished => Shown::Finished,
            Self::Cancelled => Shown::Cancelled,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Without a warning.
    Success,
    /// With warnings.
    PartialSuccess,
    /// Refused, or given up.
    Failure,
}

impl Status {
    /// The word that clients see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::PartialSuccess => "PARTIAL_SUCCESS",
            Self::Failure => "FAILURE",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of the records of a run. Each record is counted once:
/// `total = empty + ignored + duplicated + created + updated + unchanged`; where a safety threshold
/// refused the import, the last three are nought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Elements of the array.
    pub total: u64,
    /// Without a user name.
    pub empty: u64,
    /// Not taken.
    pub ignored: u64,
    /// With a user name that an earlier record had.
    pub duplicated: u64,
    /// New users.
    pub created: u64,
    /// Users whose stored state changed.
    pub updated: u64,
    /// Users that were already as the record says.
    pub unchanged: u64,
}

impl Counts {
    /// Those of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        let Self {
            total,
            empty,
            ignored,
            duplicated,
            created,
            updated,
            unchanged,
        } = other;
        Self {
            total: self.total + total,
            empty: self.empty + empty,
            ignored: self.ignored + ignored,
            duplicated: self.duplicated + duplicated,
            created: self.created + created,
            updated: self.updated + updated,
            unchanged: self.unchanged + unchanged,
        }
    }
}
