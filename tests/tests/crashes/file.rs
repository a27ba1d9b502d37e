//! Small imports whose outcome is known because of how they were made.

use muster_core::run::Counts;
use rand::RngExt as _;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

/// What a record is, given the users who are there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user who is not there yet.
    New,
    /// One who has another name.
    Stale,
    /// One who is so already.
    Same,
    /// One who is so already, with a manager who is none: left out with a warning.
    Reduced,
    /// A user who is not there yet, with a manager who is none: left out with a warning.
    Warned,
    /// The same user name again.
    Again,
    /// No user name.
    Empty,
    /// A role that there is not.
    Bad,
}

/// The data of an import.
#[derive(Debug, Clone)]
pub struct File {
    pub tag: String,
    pub kinds: Vec<Kind>,
}

impl File {
    pub fn of(tag: impl Into<String>, kinds: &[Kind]) -> Self {
        Self {
            tag: tag.into(),
            kinds: kinds.to_vec(),
        }
    }

    /// Two chunks with one of each kind that is written, and some that are not.
    pub fn small(tag: impl Into<String>) -> Self {
        use Kind::{Bad, New, Reduced, Same, Stale, Warned};
        Self::of(tag, &[New, Stale, Bad, Same, Warned, Reduced])
    }

    /// Up to five chunks.
    pub fn random(tag: impl Into<String>, dice: &mut SmallRng) -> Self {
        let kinds = (0..dice.random_range(1..=13)).map(|_| match dice.random_range(0..20) {
            0..6 => Kind::New,
            6..8 => Kind::Warned,
            8..13 => Kind::Stale,
            13..15 => Kind::Same,
            15..17 => Kind::Reduced,
            17 => Kind::Again,
            18 => Kind::Empty,
            _ => Kind::Bad,
        });
        Self {
            tag: tag.into(),
            kinds: kinds.collect(),
        }
    }

    pub fn login(&self, record: usize) -> String {
        format!("u{record}.{}", self.tag)
    }

    /// The logins of those who are there in the end, or before.
    pub fn logins(&self) -> Vec<String> {
        let records = 0..self.kinds.len();
        records
            .filter(|record| self.is_about_one(*record))
            .map(|record| self.login(record))
            .collect()
    }

    fn is_about_one(&self, record: usize) -> bool {
        match self.kinds[record] {
            Kind::New | Kind::Warned | Kind::Stale | Kind::Same | Kind::Reduced => true,
            Kind::Again => self.again(record) == self.login(record),
            Kind::Empty | Kind::Bad => false,
        }
    }

    /// The import's body.
    pub fn body(&self) -> Value {
        let kinds = self.kinds.iter().enumerate();
        kinds
            .map(|(record, kind)| self.record(record, *kind, "new"))
            .collect()
    }

    /// The body of the import that makes those who are there before.
    pub fn before(&self) -> Value {
        let kinds = self.kinds.iter().enumerate();
        let before = kinds.filter_map(|(record, kind)| match kind {
            Kind::Stale => Some(self.record(record, *kind, "old")),
            Kind::Same | Kind::Reduced => Some(self.record(record, Kind::Same, "new")),
            Kind::New | Kind::Warned | Kind::Again | Kind::Empty | Kind::Bad => None,
        });
        before.collect()
    }

    fn record(&self, record: usize, kind: Kind, name: &str) -> Value {
        let mut login = self.login(record);
        if kind == Kind::Again {
            login = self.again(record);
        }
        let mut made =
            json!({"u": login, "n": name, "r": "user", "e": "someone@example.com", "x": login});
        match kind {
            Kind::Empty => made["u"] = Value::Null,
            Kind::Bad => made["r"] = "nobody".into(),
            Kind::Reduced | Kind::Warned => made["m"] = 999_999_999.into(),
            Kind::New | Kind::Stale | Kind::Same | Kind::Again => {}
        }
        made
    }

    /// The last user name before a record; its own, if there is none.
    fn again(&self, record: usize) -> String {
        let mut before = self.kinds[..record].iter();
        let first = before.rposition(|kind| !matches!(kind, Kind::Again | Kind::Empty));
        self.login(first.unwrap_or(record))
    }

    /// What becomes of the records, if nobody else writes these users.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (record, kind) in self.kinds.iter().enumerate() {
            counts.total += 1;
            let count = match kind {
                Kind::New | Kind::Warned => &mut counts.created,
                Kind::Stale => &mut counts.updated,
                Kind::Same | Kind::Reduced => &mut counts.unchanged,
                Kind::Again if self.again(record) == self.login(record) => &mut counts.created,
                Kind::Again => &mut counts.duplicated,
                Kind::Empty => &mut counts.empty,
                Kind::Bad => &mut counts.ignored,
            };
            *count += 1;
        }
        counts
    }

    /// What is said of the records: their numbers, from 1, and the codes of what is wrong.
    pub fn items(&self) -> Vec<(u64, &'static str)> {
        let said = (1..).zip(self.kinds.iter().enumerate());
        said.filter_map(|(number, (record, kind))| {
            let code = match kind {
                Kind::Reduced | Kind::Warned => "manager_id.unknown",
                Kind::Bad => "role.unmapped",
                Kind::Empty => "username.missing",
                Kind::Again if self.again(record) != self.login(record) => "username.duplicate",
                Kind::New | Kind::Stale | Kind::Same | Kind::Again => return None,
            };
            Some((number, code))
        })
        .collect()
    }
}
