//! A run: one execution of an import task, as the execution log shows it
//! (contract.md#execution-log).

use serde::{Deserialize, Serialize};

/// State of a run (protocol.md#states). Terminal states are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its input is being uploaded.
    Uploading,
    /// Its input is being read; nothing is written before all of it has parsed.
    Checking,
    /// Its records are compared with the directory; nothing is written yet.
    Planning,
    /// Its records are being written.
    Applying,
    /// It ends early: chunks in progress are being completed.
    Stopping,
    /// It has ended; [`Status`] has the result.
    Finished,
    /// It was cancelled; [`Status`] has the result.
    Cancelled,
}

impl State {
    /// Returns the state's name in the API and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.import_state(true).as_str()
    }

    /// Returns `true` if the run has ended.
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

/// State of a run as clients see it: a run that has not started yet is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ImportState {
    /// The data is being uploaded.
    Uploading,
    /// The data is complete and waits to be read.
    Queued,
    /// The data is being read; nothing is written before all of it was read.
    Checking,
    /// Every record is compared with the directory; nothing is written.
    Planning,
    /// Records are being written.
    Applying,
    /// The import is stopping; no further record is started.
    Stopping,
    /// The import has ended; the status has the result.
    Finished,
    /// The import was cancelled; the status says if anything was applied.
    Cancelled,
}

impl ImportState {
    /// Returns the word that clients see.
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
    /// Returns the state that clients see. `started` is `true` once the processor has begun to read
    /// the run's data.
    #[must_use]
    pub const fn import_state(self, started: bool) -> ImportState {
        match self {
            Self::Uploading => ImportState::Uploading,
            Self::Checking if started => ImportState::Checking,
            Self::Checking => ImportState::Queued,
            Self::Planning => ImportState::Planning,
            Self::Applying => ImportState::Applying,
            Self::Stopping => ImportState::Stopping,
            Self::Finished => ImportState::Finished,
            Self::Cancelled => ImportState::Cancelled,
        }
    }
}

/// Result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Completed without warnings.
    Success,
    /// Completed with warnings.
    PartialSuccess,
    /// Refused or abandoned.
    Failure,
}

impl Status {
    /// Returns the word that clients see.
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

/// Counts of the records of a run. Each record is counted once: `total = empty + ignored +
/// duplicated + created + updated + unchanged`. If a safety threshold refused the import, `created`
/// and all behind it are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Elements of the array.
    pub total: u64,
    /// Records without a user name, or without the external id that identifies the person.
    pub empty: u64,
    /// Records that were not imported.
    pub ignored: u64,
    /// Records whose user name an earlier record has, or its external id where that identifies the
    /// person.
    pub duplicated: u64,
    /// Users created.
    pub created: u64,
    /// Users updated.
    pub updated: u64,
    /// Users whose stored values already matched.
    pub unchanged: u64,
    /// Updated users who have another user name now.
    #[serde(default)]
    pub renamed: u64,
    /// Created and updated users who got an external id that another record of the input took from its
    /// user.
    #[serde(default)]
    pub moved: u64,
    /// Updated users who were active and are blocked now.
    #[serde(default)]
    pub blocked: u64,
    /// Updated users who were blocked and are active now.
    #[serde(default)]
    pub unblocked: u64,
    /// Values of updated users that were removed; a user may have several.
    #[serde(default)]
    pub cleared: u64,
}

/// Effects of the update of one user beside changed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateEffects {
    /// The user gets another user name.
    pub renamed: bool,
    /// The user gets an external id that another record of the input takes from its user. A user who is
    /// created may get one, too.
    pub moved: bool,
    /// The user was active and is blocked.
    pub blocked: bool,
    /// The user was blocked and is active.
    pub unblocked: bool,
    /// Number of values that are removed.
    pub cleared: u64,
}

impl Counts {
    /// Returns the sum of both.
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
            renamed,
            moved,
            blocked,
            unblocked,
            cleared,
        } = other;
        Self {
            total: self.total + total,
            empty: self.empty + empty,
            ignored: self.ignored + ignored,
            duplicated: self.duplicated + duplicated,
            created: self.created + created,
            updated: self.updated + updated,
            unchanged: self.unchanged + unchanged,
            renamed: self.renamed + renamed,
            moved: self.moved + moved,
            blocked: self.blocked + blocked,
            unblocked: self.unblocked + unblocked,
            cleared: self.cleared + cleared,
        }
    }

    /// Counts an updated user.
    pub fn add_updated(&mut self, effects: UpdateEffects) {
        let UpdateEffects {
            renamed,
            moved,
            blocked,
            unblocked,
            cleared,
        } = effects;
        self.updated += 1;
        self.renamed += u64::from(renamed);
        self.moved += u64::from(moved);
        self.blocked += u64::from(blocked);
        self.unblocked += u64::from(unblocked);
        self.cleared += cleared;
    }
}
