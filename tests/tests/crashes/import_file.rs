//! Small imports with a known outcome.

use muster_core::run::Counts;
use muster_core::settings::{ExternalIdConflicts, IdentifyBy, TaskSettings};
use rand::RngExt as _;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

/// The kind of a record, relative to the users before the import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Creates a user.
    New,
    /// Updates a user, who has another name: blocks the user and clears the city.
    Stale,
    /// Renames a user, who has another name and login. Only for tasks that identify people by external
    /// id.
    Renamed,
    /// Updates a user, who has another name: gives the user the external id of the next record of this
    /// kind, in a circle. Only for tasks that apply records whose external id is taken.
    Moved,
    /// Changes nothing.
    Unchanged,
    /// Changes nothing: its manager does not exist and is left out with a warning.
    UnchangedWithWarning,
    /// Creates a user: its manager does not exist and is left out with a warning.
    NewWithWarning,
    /// Has the user name of an earlier record.
    Duplicate,
    /// Has no user name.
    WithoutUsername,
    /// Has a role that does not exist.
    Invalid,
    /// Has the external id of the first record, and a user name of its own: the record is ignored,
    /// creates a user without it, or is a duplicate, as the task says. Creates a user if no record has come before.
    TakenId,
}

/// The data of an import.
#[derive(Debug, Clone)]
pub struct ImportFile {
    /// Is in the keys of all rows of the file, and in no others: no tag on a stack may contain another.
    /// One with a number ends with a letter.
    pub tag: String,
    pub kinds: Vec<RecordKind>,
    /// The settings of its task.
    pub external_id_conflicts: ExternalIdConflicts,
    pub identify_by: IdentifyBy,
}

impl ImportFile {
    pub fn new(tag: impl Into<String>, kinds: &[RecordKind]) -> Self {
        Self {
            tag: tag.into(),
            kinds: kinds.to_vec(),
            external_id_conflicts: ExternalIdConflicts::Ignore,
            identify_by: IdentifyBy::Username,
        }
    }

    /// Returns a file for a task that identifies people by external id.
    pub fn by_external_id(tag: impl Into<String>, kinds: &[RecordKind]) -> Self {
        Self {
            identify_by: IdentifyBy::ExternalId,
            ..Self::new(tag, kinds)
        }
    }

    /// Changes the settings of a task to those that the file is for.
    pub fn configure(&self, task: &mut TaskSettings) {
        task.external_id_conflicts = Some(self.external_id_conflicts);
        task.identify_by = Some(self.identify_by);
    }

    fn is_by_external_id(&self) -> bool {
        self.identify_by == IdentifyBy::ExternalId
    }

    /// Returns a file of two chunks of three, with each kind that is written and some that are not.
    pub fn small(tag: impl Into<String>) -> Self {
        use RecordKind::{Invalid, New, NewWithWarning, Stale, TakenId, UnchangedWithWarning};
        let first = [New, Stale, Invalid];
        let second = [TakenId, NewWithWarning, UnchangedWithWarning];
        Self::new(tag, &[first, second].concat())
    }

    /// Returns a random file of up to five chunks of three, for a task with any of the settings.
    pub fn random(tag: impl Into<String>, rng: &mut SmallRng) -> Self {
        let is_by_external_id = rng.random_bool(0.4);
        let kinds = (0..rng.random_range(1..=13)).map(|_| match rng.random_range(0..22) {
            0..6 => RecordKind::New,
            6..8 => RecordKind::NewWithWarning,
            8..12 if is_by_external_id => RecordKind::Renamed,
            8..13 => RecordKind::Stale,
            13..15 => RecordKind::Unchanged,
            15..17 => RecordKind::UnchangedWithWarning,
            17 => RecordKind::Duplicate,
            18 => RecordKind::WithoutUsername,
            19 => RecordKind::Invalid,
            _ => RecordKind::TakenId,
        });
        let kinds: Vec<_> = kinds.collect();
        let external_id_conflicts = match rng.random_bool(0.5) {
            true => ExternalIdConflicts::Ignore,
            false => ExternalIdConflicts::Apply,
        };
        let file = match is_by_external_id {
            true => Self::by_external_id(tag, &kinds),
            false => Self::new(tag, &kinds),
        };
        Self {
            external_id_conflicts,
            ..file
        }
    }

    /// Returns the login of a record by position.
    pub fn login(&self, record: usize) -> String {
        format!("u{record}.{}", self.tag)
    }

    /// Returns the logins of all users after the import.
    pub fn logins(&self) -> Vec<String> {
        let records = 0..self.kinds.len();
        records
            .filter(|record| self.has_user(*record))
            .map(|record| self.login(record))
            .collect()
    }

    /// Returns true if there is a user with the login of this record after the import.
    fn has_user(&self, record: usize) -> bool {
        match self.kinds[record] {
            RecordKind::New
            | RecordKind::NewWithWarning
            | RecordKind::Stale
            | RecordKind::Renamed
            | RecordKind::Moved
            | RecordKind::Unchanged
            | RecordKind::UnchangedWithWarning => true,
            RecordKind::Duplicate => !self.is_duplicate(record),
            RecordKind::TakenId => {
                !self.is_taken_id(record)
                    || !self.is_by_external_id()
                        && self.external_id_conflicts == ExternalIdConflicts::Apply
            }
            RecordKind::WithoutUsername | RecordKind::Invalid => false,
        }
    }

    /// Returns the body of the import.
    pub fn body(&self) -> Value {
        let kinds = self.kinds.iter().enumerate();
        kinds
            .map(|(record, kind)| self.record(record, *kind, "new"))
            .collect()
    }

    /// Returns the body of the import that creates the users before.
    pub fn existing_users(&self) -> Value {
        let kinds = self.kinds.iter().enumerate();
        let existing = kinds.filter_map(|(record, kind)| match kind {
            RecordKind::Stale | RecordKind::Renamed | RecordKind::Moved => {
                Some(self.record(record, *kind, "old"))
            }
            RecordKind::Unchanged | RecordKind::UnchangedWithWarning => {
                Some(self.record(record, RecordKind::Unchanged, "new"))
            }
            RecordKind::New
            | RecordKind::NewWithWarning
            | RecordKind::Duplicate
            | RecordKind::WithoutUsername
            | RecordKind::Invalid
            | RecordKind::TakenId => None,
        });
        existing.collect()
    }

    fn record(&self, record: usize, kind: RecordKind, name: &str) -> Value {
        let mut login = self.login(record);
        if kind == RecordKind::Duplicate {
            login = self.duplicated_login(record);
        }
        let email = format!("{login}@example.com");
        let mut value = json!({"u": login, "n": name, "r": "user", "e": email, "x": login});
        match kind {
            RecordKind::WithoutUsername => value["u"] = Value::Null,
            RecordKind::Invalid => value["r"] = "nobody".into(),
            RecordKind::UnchangedWithWarning | RecordKind::NewWithWarning => {
                value["m"] = 999_999_999.into();
            }
            RecordKind::Renamed if name == "old" => {
                value["u"] = format!("before{record}.{}", self.tag).into();
            }
            RecordKind::Stale if name == "old" => value["c"] = "Lviv".into(),
            RecordKind::Stale => {
                value["a"] = false.into();
                value["c"] = Value::Null;
            }
            RecordKind::TakenId => {
                if let Some(first) = self.first_with_id(record) {
                    value["x"] = self.login(first).into();
                }
            }
            RecordKind::Moved if name == "old" => {}
            RecordKind::Moved => value["x"] = self.next_moved(record).into(),
            // It could not create a user.
            RecordKind::Renamed => value["r"] = Value::Null,
            RecordKind::New | RecordKind::Unchanged | RecordKind::Duplicate => {}
        }
        value
    }

    /// Returns the login of the next record whose external id moves, in a circle.
    fn next_moved(&self, record: usize) -> String {
        let moved = |index: &usize| self.kinds[*index] == RecordKind::Moved;
        let mut following = (record + 1..self.kinds.len()).chain(0..=record);
        self.login(following.find(moved).unwrap_or(record))
    }

    /// Returns the last user name before a record, or its own if there is none.
    fn duplicated_login(&self, record: usize) -> String {
        let mut before = self.kinds[..record].iter();
        let named = |kind: &RecordKind| {
            !matches!(kind, RecordKind::Duplicate | RecordKind::WithoutUsername)
        };
        self.login(before.rposition(named).unwrap_or(record))
    }

    fn is_duplicate(&self, record: usize) -> bool {
        self.duplicated_login(record) != self.login(record)
    }

    /// Returns the first record before another one that has a user name of its own.
    fn first_with_id(&self, record: usize) -> Option<usize> {
        let mut before = self.kinds[..record].iter();
        before.position(|kind| *kind != RecordKind::WithoutUsername)
    }

    fn is_taken_id(&self, record: usize) -> bool {
        self.first_with_id(record).is_some()
    }

    /// Returns the counts of the import if nobody else writes these users.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (record, kind) in self.kinds.iter().enumerate() {
            counts.total += 1;
            let count = match kind {
                RecordKind::New | RecordKind::NewWithWarning => &mut counts.created,
                RecordKind::Stale => {
                    counts.blocked += 1;
                    counts.cleared += 1;
                    &mut counts.updated
                }
                RecordKind::Renamed => {
                    counts.renamed += 1;
                    &mut counts.updated
                }
                RecordKind::Moved => {
                    counts.moved += 1;
                    &mut counts.updated
                }
                RecordKind::Unchanged | RecordKind::UnchangedWithWarning => &mut counts.unchanged,
                RecordKind::Duplicate if self.is_duplicate(record) => &mut counts.duplicated,
                RecordKind::Duplicate => &mut counts.created,
                RecordKind::WithoutUsername => &mut counts.empty,
                RecordKind::Invalid => &mut counts.ignored,
                RecordKind::TakenId if self.has_user(record) => &mut counts.created,
                RecordKind::TakenId if self.is_by_external_id() => &mut counts.duplicated,
                RecordKind::TakenId => &mut counts.ignored,
            };
            *count += 1;
        }
        counts
    }

    /// Returns the expected log items: record number, from 1, and item code.
    pub fn items(&self) -> Vec<(u64, &'static str)> {
        let records = (1..).zip(self.kinds.iter().enumerate());
        let items = records.filter_map(|(number, (record, kind))| {
            let code = match kind {
                RecordKind::UnchangedWithWarning | RecordKind::NewWithWarning => {
                    "manager_id.unknown"
                }
                RecordKind::Invalid => "role.unmapped",
                RecordKind::WithoutUsername => "username.missing",
                RecordKind::Duplicate if self.is_duplicate(record) => "username.duplicate",
                RecordKind::TakenId if !self.is_taken_id(record) => return None,
                RecordKind::TakenId if self.is_by_external_id() => "external_id.duplicate",
                RecordKind::TakenId => "external_id.taken",
                RecordKind::New
                | RecordKind::Stale
                | RecordKind::Renamed
                | RecordKind::Moved
                | RecordKind::Unchanged
                | RecordKind::Duplicate => return None,
            };
            Some((number, code))
        });
        items.collect()
    }
}
