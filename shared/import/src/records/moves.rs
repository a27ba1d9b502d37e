//! External ids that move within an input: a record whose external id is held by a user whose own record
//! gives it up is deferred, and takes the id once all others are applied (protocol.md#moves).

use std::collections::{HashMap, HashSet};

use muster_core::attribute::Attribute;
use muster_core::plan::User;
use muster_core::rules::Rules;
use muster_core::value::Assignment;

use super::conflicts::held_by;
use super::record::{Deferred, Record};

/// The logins whose records give up the external ids of their users.
#[derive(Debug, Default)]
pub(crate) struct GivenUp(HashSet<String>);

impl GivenUp {
    /// Returns the logins of the records that clear an external id, or set one that no earlier record
    /// has. There are none where the external id says whom a record is about.
    pub(crate) fn of(rules: &Rules, records: &[Record]) -> Self {
        if rules.identifies_by_external_id() {
            return Self::default();
        }
        let giving_up = records.iter().filter(|record| {
            let mut assignments = record.change.changes.assignments.iter();
            let id = assignments.find(|(attribute, _)| *attribute == Attribute::ExternalId);
            match id {
                Some((_, Assignment::Set(_))) => record.change.external_id_taken_by.is_none(),
                Some((_, Assignment::Clear)) => true,
                None => false,
            }
        });
        Self(giving_up.map(|record| record.canon().to_owned()).collect())
    }

    pub(super) fn contains(&self, login: &str) -> bool {
        self.0.contains(login)
    }
}

/// The pass over the records of an input.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase<'p> {
    /// Records whose external ids are given up by others are deferred.
    Apply(&'p GivenUp),
    /// The deferred records are applied.
    Move(&'p Verdict),
}

/// Decision of a record about the user who has its external id.
pub(super) enum Held {
    Deferred(Deferred),
    /// Its write takes the id.
    Taken,
    /// The user keeps it.
    Kept,
}

impl Phase<'_> {
    /// Decides about the external id of a record, which the user at this login has.
    pub(super) fn about(self, record: &Record, holder: &User, login: &str) -> Held {
        match self {
            Phase::Apply(given_up) if given_up.contains(login) => Held::Deferred(Deferred {
                holder: holder.id,
                login: login.to_owned(),
                kept: held_by(holder),
            }),
            Phase::Move(verdict) if verdict.takes(record, holder, login) => Held::Taken,
            Phase::Apply(_) | Phase::Move(_) => Held::Kept,
        }
    }
}

/// The deferred records that may take their external ids, with the holder of each, by record number.
#[derive(Debug, Default)]
pub(super) struct Verdict(HashMap<u64, (u64, String)>);

impl Verdict {
    /// Follows the deferred records from each to that of the user who has its id. Those of a circle go,
    /// and those of a path whose last id is not kept. Others may write in between, so that a path can
    /// lead into a circle.
    pub(super) fn on(deferred: &[Record], kept: &HashSet<String>) -> Self {
        let by_login: HashMap<&str, usize> = (0..)
            .zip(deferred)
            .map(|(index, record)| (record.canon(), index))
            .collect();
        let next = |index: usize| {
            let holder = deferred.get(index)?.deferred.as_ref()?;
            by_login.get(holder.login.as_str()).copied()
        };
        let mut goes: Vec<Option<bool>> = vec![None; deferred.len()];
        // The walk that last came to a record; walks are named after their start.
        let mut walk_of = vec![usize::MAX; deferred.len()];
        for start in 0..deferred.len() {
            let (mut path, mut at) = (Vec::new(), start);
            let decision = loop {
                if let Some(Some(known)) = goes.get(at) {
                    break *known;
                }
                match walk_of.get_mut(at) {
                    Some(walk) if *walk == start => break true,
                    Some(walk) => *walk = start,
                    None => break false,
                }
                path.push(at);
                match next(at) {
                    Some(holder) => at = holder,
                    None => {
                        let wanted = deferred.get(at).and_then(Record::external_id);
                        break wanted.is_some_and(|id| !kept.contains(id));
                    }
                }
            };
            for index in path {
                if let Some(goes) = goes.get_mut(index) {
                    *goes = Some(decision);
                }
            }
        }
        let going = deferred.iter().zip(goes).filter_map(|(record, goes)| {
            let holder = record.deferred.as_ref().filter(|_| goes == Some(true))?;
            Some((record.change.record, (holder.holder, holder.login.clone())))
        });
        Self(going.collect())
    }

    /// Returns true if a record may take its external id, or find it free.
    pub(super) fn lets(&self, record: &Record) -> bool {
        self.0.contains_key(&record.change.record)
    }

    fn takes(&self, record: &Record, holder: &User, login: &str) -> bool {
        let verdict = self.0.get(&record.change.record);
        verdict.is_some_and(|(id, at)| *id == holder.id && at == login)
    }
}
