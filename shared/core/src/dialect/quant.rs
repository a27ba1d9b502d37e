//! Quant's task-based import (contract.md#quant-import): the reply, byte for byte in its documented
//! order.

use serde::Serialize;

use crate::attribute::Attribute;
use crate::item::{Item, Severity};
use crate::limits;
use crate::plan::RequiredAttributes;
use crate::run::{Counts, Status};

/// Path of the import; `{task_id}` is the task's id.
pub const IMPORT_PATH: &str = "/v1/import/user-data/{task_id}";

/// Attributes that a new user must have.
pub const NEW_USER: RequiredAttributes = &[
    (Attribute::Role, "a new user needs a role"),
    (Attribute::Email, "a new user needs an e-mail address"),
];

/// Reply to an import. Absent members are omitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportReply {
    #[serde(rename = "Status")]
    status: Status,
    #[serde(rename = "Warnings", skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<String>>,
    #[serde(rename = "Errors", skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<String>>,
    #[serde(flatten)]
    counters: Counters,
    #[serde(flatten)]
    planned: DryRunCounts,
}

/// The four counters. A FAILURE has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Counters {
    #[serde(rename = "Total Lines", skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(rename = "Empty IDs", skip_serializing_if = "Option::is_none")]
    empty: Option<u64>,
    #[serde(rename = "Ignored Users", skip_serializing_if = "Option::is_none")]
    ignored: Option<u64>,
    #[serde(rename = "Duplicated Users", skip_serializing_if = "Option::is_none")]
    duplicated: Option<u64>,
}

/// Predicted counts of a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Planned))]
struct DryRunCounts {
    #[serde(rename = "Dry Run", skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(rename = "Created", skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(rename = "Updated", skip_serializing_if = "Option::is_none")]
    updated: Option<u64>,
    #[serde(rename = "Unchanged", skip_serializing_if = "Option::is_none")]
    unchanged: Option<u64>,
    /// Those of the updated users who get another user name.
    #[serde(rename = "Renamed", skip_serializing_if = "Option::is_none")]
    renamed: Option<u64>,
    /// Those of the created and updated users who get an external id that another record takes from its
    /// user.
    #[serde(rename = "Moved", skip_serializing_if = "Option::is_none")]
    moved: Option<u64>,
    #[serde(rename = "Blocked", skip_serializing_if = "Option::is_none")]
    blocked: Option<u64>,
    #[serde(rename = "Unblocked", skip_serializing_if = "Option::is_none")]
    unblocked: Option<u64>,
    #[serde(rename = "Cleared", skip_serializing_if = "Option::is_none")]
    cleared: Option<u64>,
    /// Items of the severity `info`, such as keys that are not mapped. Those about single
    /// records only with `debug`.
    #[serde(rename = "Notes", skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<String>>,
}

impl From<Counts> for Counters {
    fn from(counts: Counts) -> Self {
        Self {
            total: Some(counts.total),
            empty: Some(counts.empty),
            ignored: Some(counts.ignored),
            duplicated: Some(counts.duplicated),
        }
    }
}

impl From<Counts> for DryRunCounts {
    fn from(counts: Counts) -> Self {
        Self {
            dry_run: Some(true),
            created: Some(counts.created),
            updated: Some(counts.updated),
            unchanged: Some(counts.unchanged),
            renamed: Some(counts.renamed),
            moved: Some(counts.moved),
            blocked: Some(counts.blocked),
            unblocked: Some(counts.unblocked),
            cleared: Some(counts.cleared),
            notes: None,
        }
    }
}

/// Returns the status of a completed import whose items have these severities: a warning counts,
/// reported or not.
#[must_use]
pub fn status(severities: impl IntoIterator<Item = Severity>) -> Status {
    if severities.into_iter().all(|it| it == Severity::Info) {
        Status::Success
    } else {
        Status::PartialSuccess
    }
}

impl ImportReply {
    /// Returns the reply to a completed import. Warnings are included only with `debug`; `run`
    /// identifies the execution log that holds those that do not fit.
    #[must_use]
    pub fn imported(counts: Counts, items: &[Item], debug: bool, run: &str) -> Self {
        Self {
            status: status(items.iter().map(|item| item.severity)),
            warnings: debug.then(|| warnings(items, run)).flatten(),
            errors: None,
            counters: counts.into(),
            planned: DryRunCounts::default(),
        }
    }

    /// Returns the reply to a dry run: that of an import, with the predicted counts.
    #[must_use]
    pub fn planned(counts: Counts, items: &[Item], debug: bool, run: &str) -> Self {
        let is_shown =
            |item: &&Item| item.severity == Severity::Info && (debug || item.record.is_none());
        let notes = sentences(items.iter().filter(is_shown), "notes", run);
        Self {
            planned: DryRunCounts {
                notes,
                ..counts.into()
            },
            ..Self::imported(counts, items, debug, run)
        }
    }

    /// Returns the reply to an import that was refused after its records were checked.
    #[must_use]
    pub fn refused(errors: Vec<String>, items: &[Item], debug: bool, run: &str) -> Self {
        Self {
            warnings: debug.then(|| warnings(items, run)).flatten(),
            ..Self::failure(errors)
        }
    }

    /// Returns the reply to an import that applied nothing or was abandoned.
    #[must_use]
    pub fn failure(errors: Vec<String>) -> Self {
        Self {
            status: Status::Failure,
            warnings: None,
            errors: Some(errors),
            counters: Counters::default(),
            planned: DryRunCounts::default(),
        }
    }

    /// Serializes the response body.
    ///
    /// # Errors
    /// Returns an error only if serialization fails, which no reply can cause.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

fn warnings(items: &[Item], run: &str) -> Option<Vec<String>> {
    let is_warning = |item: &&Item| item.severity == Severity::Warning;
    sentences(items.iter().filter(is_warning), "warnings", run)
}

/// Formats as many items as a reply holds; a last string counts the others. Returns `None` if there
/// are none.
fn sentences<'i>(
    all: impl Iterator<Item = &'i Item> + Clone,
    plural: &str,
    run: &str,
) -> Option<Vec<String>> {
    let mut bytes = 0;
    let mut sentences: Vec<String> = all
        .clone()
        .take(limits::MAX_REPLY_WARNINGS)
        .map(Item::to_string)
        .take_while(|sentence| {
            bytes += json_bytes(sentence);
            bytes <= limits::MAX_REPLY_WARNING_BYTES
        })
        .collect();
    let more = all.count() - sentences.len();
    if more > 0 {
        sentences.push(format!(
            "and {more} more {plural}; the execution log of run {run} has all of them"
        ));
    }
    (!sentences.is_empty()).then_some(sentences)
}

/// Returns the bytes of a string in JSON, with its quotes and a comma.
fn json_bytes(text: &str) -> usize {
    let escapes = text
        .bytes()
        .filter(|byte| matches!(byte, b'"' | b'\\'))
        .count();
    text.len() + escapes + 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(record: u64) -> Item {
        Item {
            record: Some(record),
            login: None,
            key: Some("Username".into()),
            code: "username.missing".into(),
            severity: Severity::Warning,
            message: "the user name is empty".into(),
            value: None,
        }
    }

    fn json(reply: &ImportReply) -> String {
        reply.to_json().unwrap()
    }

    #[test]
    fn a_reply_has_its_keys_in_the_documented_order() {
        let counts = Counts {
            total: 2,
            empty: 1,
            ..Counts::default()
        };
        assert_eq!(
            json(&ImportReply::imported(counts, &[warning(2)], true, "r")),
            r#"{"Status":"PARTIAL_SUCCESS","Warnings":["Record 2, \"Username\": the user name is empty [username.missing]"],"Total Lines":2,"Empty IDs":1,"Ignored Users":0,"Duplicated Users":0}"#
        );
        assert_eq!(
            json(&ImportReply::imported(counts, &[warning(2)], false, "r")),
            r#"{"Status":"PARTIAL_SUCCESS","Total Lines":2,"Empty IDs":1,"Ignored Users":0,"Duplicated Users":0}"#
        );
        assert_eq!(
            json(&ImportReply::imported(counts, &[], true, "r")),
            r#"{"Status":"SUCCESS","Total Lines":2,"Empty IDs":1,"Ignored Users":0,"Duplicated Users":0}"#
        );
        assert_eq!(
            json(&ImportReply::planned(counts, &[], true, "r")),
            r#"{"Status":"SUCCESS","Total Lines":2,"Empty IDs":1,"Ignored Users":0,"Duplicated Users":0,"Dry Run":true,"Created":0,"Updated":0,"Unchanged":0,"Renamed":0,"Moved":0,"Blocked":0,"Unblocked":0,"Cleared":0}"#
        );
        assert_eq!(
            json(&ImportReply::failure(vec!["no".into()])),
            r#"{"Status":"FAILURE","Errors":["no"]}"#
        );
    }

    #[test]
    fn an_info_item_is_no_warning() {
        let mut info = warning(1);
        info.severity = Severity::Info;
        let only_info = json(&ImportReply::imported(
            Counts::default(),
            std::slice::from_ref(&info),
            true,
            "r",
        ));
        assert!(only_info.starts_with(r#"{"Status":"SUCCESS","Total Lines""#));
        assert_eq!(
            warnings(&[info.clone(), warning(2)], "r").unwrap(),
            [warning(2).to_string()]
        );

        let about_the_run = Item {
            record: None,
            ..info.clone()
        };
        let items = [info, about_the_run, warning(2)];
        let notes = |debug| {
            let reply = ImportReply::planned(Counts::default(), &items, debug, "r");
            reply.planned.notes.unwrap().len()
        };
        assert_eq!((notes(false), notes(true)), (1, 2));
    }

    #[test]
    fn a_reply_holds_10_000_warnings_and_counts_the_others() {
        let items: Vec<_> = (1..=10_002).map(warning).collect();
        let warnings = warnings(&items, "r-1").unwrap();
        assert_eq!(warnings.len(), 10_001);
        let last = warnings.last().unwrap();
        assert!(last.contains("2 more") && last.contains("r-1"), "{last}");
    }

    #[test]
    fn a_reply_holds_at_most_4_mb_of_warnings() {
        let mut long = warning(1);
        long.message = "x".repeat(1_000_000).into();
        let warnings = warnings(&[long.clone(), long.clone(), long.clone(), long], "r").unwrap();
        assert_eq!(warnings.len(), 4);
        assert!(warnings[3].starts_with("and 1 more"));
    }
}
