//! Stamps: markers of applied records, in the user's own row (protocol.md#stamps).

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_core::run::UpdateEffects;

use super::attributes::broken;
use crate::error::StoreError;

/// Stamps by run (protocol.md#stamps). They make a record of a run apply at most once.
pub type Stamps = BTreeMap<String, Stamp>;

/// The marker of one applied record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The task of the run.
    pub task: u64,
    /// The record's number in the run's input.
    pub record: u64,
    /// The outcome.
    pub outcome: Outcome,
    /// Effects of an update beside changed values.
    pub effects: UpdateEffects,
    /// Codes of the warnings that came from the directory, not from the record.
    pub warnings: Vec<String>,
    /// Time until which a replay is possible, in epoch seconds.
    pub until: i64,
}

/// Words for the effects of a write. No code begins with a plus sign.
const RENAMED: &str = "+renamed";
const MOVED: &str = "+moved";
const BLOCKED: &str = "+blocked";
const UNBLOCKED: &str = "+unblocked";
/// Followed by the number of values.
const CLEARED: &str = "+cleared:";

/// Outcome of a record's write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The user was created.
    Created,
    /// The user was changed.
    Updated,
    /// Nothing changed. The stamp refuses a write of the record that may still be under way.
    Unchanged,
    /// The run was stopped before the record was applied (protocol.md#stopping).
    Stopped,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Stopped => "stopped",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "created" => Some(Self::Created),
            "updated" => Some(Self::Updated),
            "unchanged" => Some(Self::Unchanged),
            "stopped" => Some(Self::Stopped),
            _ => None,
        }
    }
}

impl Stamp {
    fn push_line(&self, text: &mut String, run: &str) {
        let Self {
            task,
            record,
            outcome,
            effects,
            warnings,
            until,
        } = self;
        let (task, record, until) = (task.to_string(), record.to_string(), until.to_string());
        let parts = [task.as_str(), &record, outcome.as_str(), &until].into_iter();
        text.push_str(run);
        for part in parts.chain(warnings.iter().map(String::as_str)) {
            text.push(' ');
            text.push_str(part);
        }
        if effects.renamed {
            text.push(' ');
            text.push_str(RENAMED);
        }
        if effects.moved {
            text.push(' ');
            text.push_str(MOVED);
        }
        if effects.blocked {
            text.push(' ');
            text.push_str(BLOCKED);
        }
        if effects.unblocked {
            text.push(' ');
            text.push_str(UNBLOCKED);
        }
        if effects.cleared > 0 {
            text.push(' ');
            text.push_str(CLEARED);
            text.push_str(&effects.cleared.to_string());
        }
    }

    fn parse(text: &str) -> Option<(String, Self)> {
        let mut parts = text.split(' ');
        let run = parts.next().filter(|run| !run.is_empty())?.to_owned();
        let mut stamp = Self {
            task: parts.next()?.parse().ok()?,
            record: parts.next()?.parse().ok()?,
            outcome: Outcome::parse(parts.next()?)?,
            effects: UpdateEffects::default(),
            until: parts.next()?.parse().ok()?,
            warnings: Vec::new(),
        };
        for part in parts {
            match part {
                RENAMED => stamp.effects.renamed = true,
                MOVED => stamp.effects.moved = true,
                BLOCKED => stamp.effects.blocked = true,
                UNBLOCKED => stamp.effects.unblocked = true,
                _ => match part.strip_prefix(CLEARED) {
                    Some(cleared) => stamp.effects.cleared = cleared.parse().ok()?,
                    None => stamp.warnings.push(part.to_owned()),
                },
            }
        }
        Some((run, stamp))
    }
}

/// Encodes stamps as they are stored: one line each of `<run> <task> <record> <outcome> <until>`,
/// followed by the codes of the warnings and the effects of an update. They are one text because separate attributes for all
/// parts would take up half the row.
pub(super) fn stamps_attribute(stamps: &Stamps) -> AttributeValue {
    let mut lines = String::with_capacity(stamps.len() * 96);
    for (run, stamp) in stamps {
        if !lines.is_empty() {
            lines.push('\n');
        }
        stamp.push_line(&mut lines, run);
    }
    AttributeValue::S(lines)
}

pub(super) fn read_stamps(stored: &AttributeValue) -> Result<Stamps, StoreError> {
    let lines = stored.as_s().map_err(|_| broken("stamps"))?.lines();
    lines
        .map(|line| Stamp::parse(line).ok_or_else(|| broken("stamps")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(outcome: Outcome, warnings: &[&str]) -> Stamp {
        Stamp {
            task: 206,
            record: 7,
            outcome,
            effects: UpdateEffects::default(),
            warnings: warnings.iter().map(|&code| code.to_owned()).collect(),
            until: 1_900_000_000,
        }
    }

    #[test]
    fn stamps_round_trip() {
        let stamps = Stamps::from([
            ("run-1".to_owned(), stamp(Outcome::Created, &[])),
            ("run-2".to_owned(), stamp(Outcome::Updated, &["a", "b_c"])),
            ("run-3".to_owned(), stamp(Outcome::Unchanged, &[])),
            ("run-4".to_owned(), stamp(Outcome::Stopped, &[])),
        ]);
        let stored = stamps_attribute(&stamps);
        let second = stored.as_s().unwrap().lines().nth(1);
        assert_eq!(second, Some("run-2 206 7 updated 1900000000 a b_c"));
        assert_eq!(read_stamps(&stored).unwrap(), stamps);
        let none = stamps_attribute(&Stamps::new());
        assert_eq!(read_stamps(&none).unwrap(), Stamps::new());
    }

    #[test]
    fn the_effects_of_an_update_round_trip() {
        for (effects, text) in [
            ((false, true, false, 0), " a.b +blocked"),
            ((false, false, true, 12), " a.b +unblocked +cleared:12"),
            (
                (true, true, false, 1),
                " a.b +renamed +moved +blocked +cleared:1",
            ),
        ] {
            let (renamed, blocked, unblocked, cleared) = effects;
            let stamp = Stamp {
                effects: UpdateEffects {
                    renamed,
                    moved: renamed,
                    blocked,
                    unblocked,
                    cleared,
                },
                ..stamp(Outcome::Updated, &["a.b"])
            };
            let stamps = Stamps::from([("run-1".to_owned(), stamp)]);
            let stored = stamps_attribute(&stamps);
            let line = stored.as_s().unwrap();
            assert_eq!(*line, format!("run-1 206 7 updated 1900000000{text}"));
            assert_eq!(read_stamps(&stored).unwrap(), stamps);
        }
    }

    #[test]
    fn malformed_stamps_are_reported() {
        for text in [
            "\n",
            " 206 7 updated 1",
            "run 206 7 updated",
            "run 206 7 moved 1900000000",
            "run 206 x created 1",
            "run 206 7 updated 1900000000 +cleared:x",
        ] {
            let stored = AttributeValue::S(text.to_owned());
            assert!(read_stamps(&stored).is_err(), "{text:?}");
        }
        assert!(read_stamps(&AttributeValue::Bool(true)).is_err());
    }
}
