//! Anomalies in the files of real systems, and the expected result of importing them. The counters
//! follow the contract for an import into an empty directory by a task with the default keys and
//! the roles `catman` and `store manager`.

use crate::earlier_logins::RepeatKind;

/// Counter that an anomalous element must increment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counter {
    Empty,
    Ignored,
    Duplicated,
    /// No counter: the user is created, at most with a warning.
    None,
}

/// One kind of anomaly.
#[derive(Clone, Copy)]
pub(super) struct Anomaly {
    /// Name in the report; several kinds may share one.
    pub(super) name: &'static str,
    pub(super) counter: Counter,
    pub(super) mutations: &'static [Mutation],
}

/// A modification of a valid record.
#[derive(Clone, Copy)]
pub(super) enum Mutation {
    /// Replaces the record by this JSON.
    Element(&'static str),
    /// Sets the value of a key to this JSON.
    Json(&'static str, &'static str),
    Text(&'static str, &'static str),
    Remove(&'static str),
    /// Adds the key a second time, before the others, with this JSON.
    Twice(&'static str, &'static str),
    /// Replaces the login by one derived from the record's number.
    Login(fn(u64) -> String),
    /// Replaces the login by a number.
    NumericLogin,
    Repeat(RepeatKind),
}

/// Returns a kind of anomaly.
pub(super) const fn anomaly(
    name: &'static str,
    counter: Counter,
    mutations: &'static [Mutation],
) -> Anomaly {
    Anomaly {
        name,
        counter,
        mutations,
    }
}
