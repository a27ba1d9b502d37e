//! Validation of task settings.

use std::collections::BTreeMap;

use super::person::IdentifyBy;
use super::task::TaskSettings;
use super::undo_days;
use crate::attribute::Attribute;
use crate::field_problem::FieldProblem;
use crate::json_pointer;
use crate::limits;
use crate::roles::role_problem;
use crate::text::nfc;
use crate::value::email_problem;

/// Key under which a rejected record lists its errors; it cannot be mapped.
pub(crate) const REJECTION_ERRORS_KEY: &str = "_errors";
/// Key under which a rejected element that is no object has its content. A task that maps it, from
/// before it was reserved, goes on.
pub(crate) const REJECTED_ELEMENT_KEY: &str = "_element";

impl TaskSettings {
    /// Validates settings before they are stored. A disabled task may be incomplete, but must not
    /// contain invalid values; an enabled task must be complete.
    ///
    /// # Errors
    /// Returns every problem, with its field.
    pub fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = self.mapping_problems();
        problems.extend(self.reserved_key_problem());
        problems.extend(self.pointer_problems());
        self.check_texts(&mut problems);
        if self.enabled {
            problems.extend(self.identity_problems());
            if self.permitted_robots.is_empty() {
                problems.push(FieldProblem::new(
                    "permitted_robots",
                    "an enabled task needs at least one permitted robot",
                ));
            }
        }
        ok_or_problems(problems)
    }

    /// Validates what an import needs: the mapping of attributes and roles. What else may be wrong in
    /// settings that an earlier version has stored does not stop a run.
    ///
    /// # Errors
    /// Returns every problem, with its field.
    pub fn check_import(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = self.mapping_problems();
        problems.extend(self.identity_problems());
        ok_or_problems(problems)
    }

    /// Returns a problem for each attribute that says whom a record is about and is not mapped.
    fn identity_problems(&self) -> impl Iterator<Item = FieldProblem> {
        let by_id = self.identify_by == Some(IdentifyBy::ExternalId);
        let username = (
            Attribute::Username,
            "the user name must be mapped to a JSON key",
        );
        let external_id = (
            Attribute::ExternalId,
            "a task that identifies people by external id must map it to a JSON key",
        );
        [Some(username), by_id.then_some(external_id)]
            .into_iter()
            .flatten()
            .filter(|(attribute, _)| !self.attribute_mapping.contains_key(attribute))
            .map(|(attribute, message)| {
                FieldProblem::new(format!("attribute_mapping.{attribute}"), message)
            })
    }

    /// Returns the problems of keys that look like a JSON Pointer and are none. A task that was stored
    /// with one goes on: the key is taken as it is.
    fn pointer_problems(&self) -> impl Iterator<Item = FieldProblem> {
        let mapping = self.attribute_mapping.iter();
        let is_broken = |key: &String| key.starts_with('/') && json_pointer::tokens(key).is_none();
        mapping
            .filter(move |(_, key)| is_broken(key))
            .map(|(attribute, key)| {
                FieldProblem::new(
                    format!("attribute_mapping.{attribute}"),
                    format!("{key:?} is not a JSON Pointer: expected 0 or 1 after `~`"),
                )
            })
    }

    fn reserved_key_problem(&self) -> Option<FieldProblem> {
        let mut mapping = self.attribute_mapping.iter();
        let (attribute, key) = mapping.find(|(_, key)| *key == REJECTED_ELEMENT_KEY)?;
        Some(FieldProblem::new(
            format!("attribute_mapping.{attribute}"),
            format!("the key {key:?} is reserved for rejected elements that are no objects"),
        ))
    }

    fn mapping_problems(&self) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        let mut seen = BTreeMap::new();
        for (attribute, key) in &self.attribute_mapping {
            let field = format!("attribute_mapping.{attribute}");
            if *attribute == Attribute::Password {
                problems.push(FieldProblem::new(&field, "a password cannot be imported"));
            }
            if key.is_empty() || key.chars().count() > limits::MAX_JSON_KEY_CHARS {
                problems.push(FieldProblem::new(
                    &field,
                    format!(
                        "a JSON key must have 1 to {} characters",
                        limits::MAX_JSON_KEY_CHARS
                    ),
                ));
            }
            if key == REJECTION_ERRORS_KEY {
                problems.push(FieldProblem::new(
                    &field,
                    format!("the key {REJECTION_ERRORS_KEY:?} is reserved for the errors of rejected records"),
                ));
            }
            if let Some(other) = seen.insert(key, attribute) {
                problems.push(FieldProblem::new(
                    &field,
                    format!("the key {key:?} is already used for `{other}`"),
                ));
            }
        }
        let mut composed = BTreeMap::new();
        for (text, role) in &self.role_mapping {
            let field = format!("role_mapping.{text}");
            if text.trim() != text || text.is_empty() {
                problems.push(FieldProblem::new(
                    &field,
                    "must not be empty, and must not start or end with white space: texts are trimmed before they are matched",
                ));
            }
            problems.extend(role_problem(role).map(|why| FieldProblem::new(&field, why)));
            if let Some(other) = composed.insert(nfc(text), role)
                && other != role
            {
                problems.push(FieldProblem::new(
                    &field,
                    format!(
                        "the same string, with its accents written apart, is mapped to {other:?}"
                    ),
                ));
            }
        }
        problems
    }

    fn check_texts(&self, problems: &mut Vec<FieldProblem>) {
        for (field, text, limit) in [
            ("title", &self.title, limits::MAX_TITLE_CHARS),
            (
                "description",
                &self.description,
                limits::MAX_DESCRIPTION_CHARS,
            ),
            ("notes", &self.notes, limits::MAX_DESCRIPTION_CHARS),
        ] {
            let length = text.chars().count();
            if length > limit {
                problems.push(FieldProblem::new(
                    field,
                    format!("must have at most {limit} characters, found {length}"),
                ));
            }
        }
        let robots = self.permitted_robots.len();
        if robots > limits::MAX_PERMITTED_ROBOTS {
            problems.push(FieldProblem::new(
                "permitted_robots",
                format!(
                    "at most {} robots can be permitted, found {robots}",
                    limits::MAX_PERMITTED_ROBOTS
                ),
            ));
        }
        for (index, email) in self.notification_emails.iter().enumerate() {
            if email_problem(email).is_some() {
                problems.push(FieldProblem::new(
                    format!("notification_emails.{index}"),
                    "not a valid e-mail address",
                ));
            }
        }
        problems.extend(self.value_formats.problems());
        if let Some(threshold) = self.safety_threshold {
            problems.extend(threshold.problems());
        }
        problems.extend(undo_days::problem(self.undo_days));
        if let Some(seconds) = self.retry_after_seconds
            && !(1..=limits::MAX_RETRY_AFTER_SECONDS).contains(&seconds)
        {
            problems.push(FieldProblem::new(
                "retry_after_seconds",
                format!("must be 1 to {} seconds", limits::MAX_RETRY_AFTER_SECONDS),
            ));
        }
    }
}

fn ok_or_problems(problems: Vec<FieldProblem>) -> Result<(), Vec<FieldProblem>> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}
