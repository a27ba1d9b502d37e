//! Safety thresholds: figures of an import above which it is refused as a whole
//! (contract.md#safety-thresholds).

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::percent::whole_percent;
use crate::field_problem::FieldProblem;
use crate::run::Counts;

/// A figure of an import that a threshold limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// Records that are ignored.
    Ignored,
    /// Records without a user name, or without the external id that identifies the person.
    Empty,
    /// Records with the user name of an earlier record, or with its external id where that identifies
    /// the person.
    Duplicated,
    /// Users who are created.
    Created,
    /// Users who are updated.
    Updated,
    /// Updated users who get another user name.
    Renamed,
    /// Users who get an external id that another record takes from its user.
    Moved,
    /// Users who were active and are blocked.
    Blocked,
    /// Values of users that are removed.
    Cleared,
}

impl Figure {
    /// All figures, in the order in which they are judged.
    pub const ALL: [Self; 9] = [
        Self::Ignored,
        Self::Empty,
        Self::Duplicated,
        Self::Created,
        Self::Updated,
        Self::Renamed,
        Self::Moved,
        Self::Blocked,
        Self::Cleared,
    ];

    /// Returns the name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Empty => "empty",
            Self::Duplicated => "duplicated",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Blocked => "blocked",
            Self::Cleared => "cleared",
        }
    }

    /// Returns the figure with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    const fn of(self, counts: Counts) -> u64 {
        match self {
            Self::Ignored => counts.ignored,
            Self::Empty => counts.empty,
            Self::Duplicated => counts.duplicated,
            Self::Created => counts.created,
            Self::Updated => counts.updated,
            Self::Renamed => counts.renamed,
            Self::Moved => counts.moved,
            Self::Blocked => counts.blocked,
            Self::Cleared => counts.cleared,
        }
    }

    /// Returns the sentence about a figure of this many records.
    fn sentence(self, number: u64, total: u64) -> String {
        match self {
            Self::Ignored | Self::Created | Self::Updated | Self::Renamed | Self::Blocked => {
                format!("{number} of {total} users would be {}", self.name())
            }
            Self::Empty => format!("{number} of {total} records do not say whom they are about"),
            Self::Duplicated => {
                format!("{number} of {total} records are about the person of an earlier record")
            }
            Self::Moved => format!("{number} of {total} external ids would move to other users"),
            Self::Cleared => format!("{number} values of {total} users would be cleared"),
        }
    }
}

/// The largest number that a threshold allows: of records, in percent of all records, or the greater
/// of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ThresholdLimit))]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `records`, `percent`, or both"
)]
pub struct Limit {
    /// Maximum number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Maximum share, in percent of all records: 0 to 100.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole_percent"
    )]
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub percent: Option<u8>,
}

impl Limit {
    /// Returns the limit of this many records.
    #[must_use]
    pub const fn records(records: u64) -> Self {
        Self {
            records: Some(records),
            percent: None,
        }
    }

    /// Returns the limit of this share of all records.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        Self {
            records: None,
            percent: Some(percent),
        }
    }

    fn is_exceeded_by(self, number: u64, total: u64) -> bool {
        let above_records = self.records.is_none_or(|records| number > records);
        let above_percent = self.percent.is_none_or(|percent| {
            u128::from(number) * 100 > u128::from(total) * u128::from(percent)
        });
        above_records && above_percent
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.records, self.percent) {
            (Some(records), Some(percent)) => {
                write!(f, "{records} or {percent} %, whichever is more")
            }
            (Some(records), None) => write!(f, "{records}"),
            (None, Some(percent)) => write!(f, "{percent} %"),
            (None, None) => f.write_str("none"),
        }
    }
}

/// The limits of an import: it is refused before it writes anything if one is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SafetyThreshold {
    limits: [Option<Limit>; Figure::ALL.len()],
}

impl SafetyThreshold {
    /// The limits of a new task. Most imports block and clear few users, and one that blocks or
    /// empties many is usually a mistake in the file.
    #[must_use]
    pub fn of_new_task() -> Self {
        let some = Limit {
            records: Some(5),
            percent: Some(5),
        };
        let blocked = Self::default().with(Figure::Blocked, Some(some));
        blocked.with(Figure::Cleared, Some(some))
    }

    /// Returns the threshold that limits the ignored records alone.
    #[must_use]
    pub fn of_ignored(limit: Limit) -> Self {
        Self::default().with(Figure::Ignored, Some(limit))
    }

    /// Returns the limit of a figure.
    #[must_use]
    pub fn limit(&self, figure: Figure) -> Option<Limit> {
        self.limits.get(figure as usize).copied().flatten()
    }

    /// Returns the threshold with another limit of a figure.
    #[must_use]
    pub fn with(mut self, figure: Figure, limit: Option<Limit>) -> Self {
        if let Some(slot) = self.limits.get_mut(figure as usize) {
            *slot = limit;
        }
        self
    }

    /// Returns the limits that there are.
    pub fn limits(&self) -> impl Iterator<Item = (Figure, Limit)> {
        Figure::ALL
            .into_iter()
            .filter_map(|figure| Some((figure, self.limit(figure)?)))
    }

    /// Returns a sentence for each limit that is exceeded.
    #[must_use]
    pub fn exceeded(&self, counts: Counts) -> Vec<String> {
        self.limits()
            .filter(|(figure, limit)| limit.is_exceeded_by(figure.of(counts), counts.total))
            .map(|(figure, limit)| {
                let sentence = figure.sentence(figure.of(counts), counts.total);
                format!("{sentence}, the task allows {limit}")
            })
            .collect()
    }

    /// Returns true if the plan of all records has to be judged. `bounds` are the counts of the input,
    /// with the largest possible `renamed`, `moved`, `blocked` and `cleared`: if these are within the limits, nothing
    /// that the directory holds can make the import exceed them.
    #[must_use]
    pub fn needs_plan(&self, bounds: Counts) -> bool {
        self.limits().any(|(figure, limit)| match figure {
            Figure::Ignored | Figure::Created | Figure::Updated => true,
            Figure::Empty
            | Figure::Duplicated
            | Figure::Renamed
            | Figure::Moved
            | Figure::Blocked
            | Figure::Cleared => limit.is_exceeded_by(figure.of(bounds), bounds.total),
        })
    }

    /// Returns the problems of the limits.
    pub(super) fn problems(&self) -> impl Iterator<Item = FieldProblem> {
        self.limits().filter_map(|(figure, limit)| {
            let message = match limit {
                Limit {
                    percent: Some(percent @ 101..),
                    ..
                } => format!("must be at most 100 percent, found {percent}"),
                Limit {
                    records: None,
                    percent: None,
                } => "expected `records`, `percent` or both, found neither".to_owned(),
                _ => return None,
            };
            let field = format!("safety_threshold.{}", figure.name());
            Some(FieldProblem::new(field, message))
        })
    }
}

/// The JSON form. A limit without a figure is that of the ignored records, as in settings that were
/// stored when there was no other.
#[derive(Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SafetyThreshold, example = json!({"blocked": {"records": 5, "percent": 5}})))]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "an object of limits, such as {\"blocked\": {\"records\": 5}}"
)]
pub(super) struct Wire {
    /// Short form of `ignored`: maximum number of ignored records.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    /// Short form of `ignored`: maximum share of ignored records, in percent: 0 to 100.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole_percent"
    )]
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    percent: Option<u8>,
    /// Records that are ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<Limit>,
    /// Records without a user name, or without the external id that identifies the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<Limit>,
    /// Records with the user name of an earlier record, or with its external id where that identifies
    /// the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicated: Option<Limit>,
    /// Users who are created.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Limit>,
    /// Users who are updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Limit>,
    /// Updated users who get another user name, in a task that identifies people by external id.
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed: Option<Limit>,
    /// Users who get an external id that another record takes from its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<Limit>,
    /// Users who were active and are blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<Limit>,
    /// Values of users that are removed, in percent of the records.
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared: Option<Limit>,
}

impl Serialize for SafetyThreshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [
            ignored,
            empty,
            duplicated,
            created,
            updated,
            renamed,
            moved,
            blocked,
            cleared,
        ] = self.limits;
        let wire = match ignored {
            // The form in which it was stored, and that earlier clients read.
            Some(Limit { records, percent }) if self.limits().count() == 1 => Wire {
                records,
                percent,
                ..Wire::default()
            },
            _ => Wire {
                records: None,
                percent: None,
                ignored,
                empty,
                duplicated,
                created,
                updated,
                renamed,
                moved,
                blocked,
                cleared,
            },
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SafetyThreshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire {
            records,
            percent,
            ignored,
            empty,
            duplicated,
            created,
            updated,
            renamed,
            moved,
            blocked,
            cleared,
        } = Wire::deserialize(deserializer)?;
        let short = (records.is_some() || percent.is_some()).then_some(Limit { records, percent });
        if short.is_some() && ignored.is_some() {
            return Err(D::Error::custom(
                "`records` and `percent` are the short form of `ignored`: expected one of them, \
                 found both",
            ));
        }
        Ok(Self {
            limits: [
                short.or(ignored),
                empty,
                duplicated,
                created,
                updated,
                renamed,
                moved,
                blocked,
                cleared,
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_strictly_more_than_a_limit_exceeds_it() {
        let both = |records, percent| Limit {
            records: Some(records),
            percent: Some(percent),
        };
        for (limit, number, total, is_exceeded) in [
            (Limit::records(0), 0, 10, false),
            (Limit::records(0), 1, 10, true),
            (Limit::records(3), 3, 3, false),
            (Limit::records(3), 4, 1_000, true),
            (Limit::percent(0), 0, 0, false),
            (Limit::percent(0), 1, 20_000, true),
            (Limit::percent(5), 1, 20, false),
            (Limit::percent(5), 2, 20, true),
            (Limit::percent(5), 1, 19, true),
            (Limit::percent(100), 20, 20, false),
            (both(5, 5), 5, 10, false),
            (both(5, 5), 6, 10, true),
            (both(5, 5), 50, 1_000, false),
            (both(5, 5), 51, 1_000, true),
        ] {
            for figure in Figure::ALL {
                let mut counts = json!({"total": total, "empty": 0, "ignored": 0, "duplicated": 0,
                    "created": 0, "updated": 0, "unchanged": 0});
                counts[figure.name()] = json!(number);
                let counts: Counts = serde_json::from_value(counts).unwrap();
                let threshold = SafetyThreshold::default().with(figure, Some(limit));
                let errors = threshold.exceeded(counts);
                assert_eq!(errors.len(), usize::from(is_exceeded), "{figure:?} {limit}");
                for error in errors {
                    let ends = format!("the task allows {limit}");
                    assert!(error.starts_with(&number.to_string()) && error.ends_with(&ends));
                }
            }
        }
    }

    #[test]
    fn a_plan_is_needed_only_if_the_input_can_exceed_a_limit() {
        let bounds = |blocked, cleared| Counts {
            total: 1_000,
            blocked,
            cleared,
            ..Counts::default()
        };
        let new = SafetyThreshold::of_new_task();
        assert!(!new.needs_plan(bounds(50, 50)));
        assert!(new.needs_plan(bounds(51, 0)) && new.needs_plan(bounds(0, 51)));
        assert!(!SafetyThreshold::default().needs_plan(bounds(1_000, 9_000)));
        for figure in [Figure::Ignored, Figure::Created, Figure::Updated] {
            let limited = SafetyThreshold::default().with(figure, Some(Limit::percent(100)));
            assert!(limited.needs_plan(bounds(0, 0)));
        }
    }

    #[test]
    fn the_short_form_is_that_of_ignored_records() {
        let read = |json: &Value| serde_json::from_value::<SafetyThreshold>(json.clone());
        for short in [
            json!({"records": 2}),
            json!({"percent": 5}),
            json!({"records": 2, "percent": 5}),
        ] {
            let threshold = read(&short).unwrap();
            assert_eq!(threshold, read(&json!({"ignored": short})).unwrap());
            assert_eq!(json!(threshold), short);
        }
        for long in [
            json!({}),
            json!({"blocked": {"records": 5, "percent": 5}, "cleared": {"percent": 5}}),
            json!({"ignored": {"records": 1}, "empty": {"records": 2}, "duplicated": {"records": 3},
                "created": {"records": 4}, "updated": {"records": 5}}),
        ] {
            assert_eq!(json!(read(&long).unwrap()), long);
        }
        for wrong in [
            json!({"records": 1, "ignored": {"records": 1}}),
            json!({"blokced": {"records": 1}}),
            json!({"blocked": {"number": 1}}),
            json!({"blocked": 5}),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
