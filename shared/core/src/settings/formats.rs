//! Forms of values that a task adds to those that are always read (contract.md#value-formats).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_absent;
use crate::field_problem::FieldProblem;
use crate::limits::{MAX_FORMAT_ENTRIES, MAX_FORMAT_TEXT_CHARS};
use crate::text::folded;
use crate::value::{DatePattern, NationalPhones, TaskFormats, flag_of_word};

/// Forms of values that a task adds to those that are always read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields, expecting = "an object of value formats")]
pub struct ValueFormats {
    /// Patterns of dates, in place of DD.MM.YYYY and YYYY-MM-DD: `YYYY`, `MM` or `M`, `DD` or `D`, and a
    /// `*` at the end for a time of day, which is dropped. No two may read one text as two days.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_absent"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(max_items = 20, example = json!(["M/D/YYYY", "M/D/YYYY *"]))
    )]
    pub date_patterns: Vec<String>,
    /// Texts that count as an empty text, compared exactly but for spaces around them.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_absent"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(max_items = 20, example = json!(["NULL", "N/A", "0000-00-00"]))
    )]
    pub empty_words: Vec<String>,
    /// Words for true beside true, yes and 1, in any case.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_absent"
    )]
    #[cfg_attr(feature = "openapi", schema(max_items = 20, example = json!(["ja", "active"])))]
    pub true_words: Vec<String>,
    /// Words for false beside false, no and 0, in any case.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_absent"
    )]
    #[cfg_attr(feature = "openapi", schema(max_items = 20, example = json!(["nein", "left"])))]
    pub false_words: Vec<String>,
    /// Country of phone numbers that begin with neither `+` nor `00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_phones: Option<NationalPhoneFormat>,
    /// Replacements in user names, one after the other, before they are validated.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_absent"
    )]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub username_replacements: Vec<Replacement>,
}

/// How phone numbers of a country are written within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NationalPhoneFormat {
    /// Digits of the country code.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[1-9][0-9]{0,2}$", example = "380")
    )]
    pub calling_code: String,
    /// Digits that are dialled before a number within the country only.
    #[serde(default, deserialize_with = "null_as_absent")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9]{0,4}$", example = "0"))]
    pub trunk_prefix: String,
    /// Numbers of digits behind the country code, if there are few. Without them, a number that begins
    /// with the country code's digits is refused.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_absent"
    )]
    #[cfg_attr(feature = "openapi", schema(max_items = 20, example = json!([9])))]
    pub national_digits: Vec<usize>,
}

/// A replacement of every occurrence of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The text to replace, compared exactly.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, example = "CORP\\")
    )]
    pub find: String,
    /// The text in its place.
    #[cfg_attr(feature = "openapi", schema(max_length = 64, example = ""))]
    pub replace: String,
}

impl ValueFormats {
    /// Returns `true` if no form is added.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the problems of the formats, by field.
    #[must_use]
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut problems = Problems(Vec::new());
        for (list, texts) in [
            ("date_patterns", &self.date_patterns),
            ("empty_words", &self.empty_words),
            ("true_words", &self.true_words),
            ("false_words", &self.false_words),
        ] {
            problems.check_list(list, texts.len());
            for (index, text) in texts.iter().enumerate() {
                problems.check_text(&format!("{list}.{index}"), text, text);
            }
        }
        self.check_dates(&mut problems);
        self.check_words(&mut problems);
        if let Some(phones) = &self.national_phones {
            phones.check(&mut problems);
        }
        problems.check_list("username_replacements", self.username_replacements.len());
        for (index, Replacement { find, replace }) in self.username_replacements.iter().enumerate()
        {
            let field = format!("username_replacements.{index}.find");
            problems.check_text(&field, find, "-");
            if replace.chars().count() > MAX_FORMAT_TEXT_CHARS {
                let field = format!("username_replacements.{index}.replace");
                problems.add(
                    &field,
                    format!("longer than {MAX_FORMAT_TEXT_CHARS} characters"),
                );
            }
        }
        problems.0
    }

    fn check_dates(&self, problems: &mut Problems) {
        let mut earlier: Vec<DatePattern> = Vec::new();
        for (index, text) in self.date_patterns.iter().enumerate() {
            let field = format!("date_patterns.{index}");
            let pattern = match DatePattern::parse(text) {
                Ok(pattern) => pattern,
                Err(why) => {
                    problems.add(&field, why);
                    continue;
                }
            };
            let other = earlier
                .iter()
                .find(|other| other.contradicts(&pattern) || pattern.contradicts(other));
            match other {
                Some(other) => {
                    let other = other.as_str();
                    problems.add(
                        &field,
                        format!("reads texts as another day than {other:?} does"),
                    );
                }
                None => earlier.push(pattern),
            }
        }
    }

    fn check_words(&self, problems: &mut Problems) {
        for (index, word) in self.empty_words.iter().enumerate() {
            if let Some(value) = flag_of_word(word) {
                let field = format!("empty_words.{index}");
                problems.add(&field, format!("{word:?} means {value} already"));
            }
        }
        let empty: Vec<String> = self.empty_words.iter().map(|word| folded(word)).collect();
        let mut meanings: BTreeMap<String, bool> = BTreeMap::new();
        for (list, words, value) in [
            ("true_words", &self.true_words, true),
            ("false_words", &self.false_words, false),
        ] {
            for (index, word) in words.iter().enumerate() {
                let field = format!("{list}.{index}");
                let usual = flag_of_word(word);
                let folded = folded(word);
                let is_empty = empty.contains(&folded);
                let other = meanings.insert(folded, value);
                if usual.or(other).is_some_and(|other| other != value) {
                    problems.add(&field, format!("{word:?} means {} already", !value));
                } else if is_empty {
                    problems.add(&field, format!("{word:?} is one of empty_words, too"));
                }
            }
        }
    }

    /// Returns the formats as values are read with them. Those with a problem are left out.
    #[must_use]
    pub fn compile(&self) -> TaskFormats {
        let patterns = self.date_patterns.iter();
        let words = |words: &[String], value: bool| {
            let words = words.iter().map(|word| (folded(word), value));
            words.collect::<Vec<_>>()
        };
        TaskFormats {
            dates: patterns
                .filter_map(|text| DatePattern::parse(text).ok())
                .collect(),
            empty: self.empty_words.iter().cloned().collect(),
            words: [
                words(&self.true_words, true),
                words(&self.false_words, false),
            ]
            .concat(),
            national_phones: self.national_phones.as_ref().map(|phones| NationalPhones {
                calling_code: phones.calling_code.clone(),
                trunk_prefix: phones.trunk_prefix.clone(),
                national_digits: phones.national_digits.clone(),
            }),
            username_replacements: self
                .username_replacements
                .iter()
                .map(|Replacement { find, replace }| (find.clone(), replace.clone()))
                .collect(),
        }
    }
}

impl NationalPhoneFormat {
    fn check(&self, problems: &mut Problems) {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let code = &self.calling_code;
        if !(1..=3).contains(&code.len()) || !is_digits(code) || code.starts_with('0') {
            let message = format!(
                "expected the 1 to 3 digits of a country code, such as 380, found {code:?}"
            );
            problems.add("national_phones.calling_code", message);
        }
        let trunk = &self.trunk_prefix;
        if trunk.len() > 4 || !is_digits(trunk) {
            let message = format!("expected at most 4 digits, such as 0, found {trunk:?}");
            problems.add("national_phones.trunk_prefix", message);
        }
        let lengths = "national_phones.national_digits";
        problems.check_list(lengths, self.national_digits.len());
        if self
            .national_digits
            .iter()
            .any(|digits| !(4..=14).contains(digits))
        {
            problems.add(lengths, "expected numbers from 4 to 14");
        }
    }
}

struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0
            .push(FieldProblem::new(format!("value_formats.{field}"), message));
    }

    fn check_list(&mut self, field: &str, length: usize) {
        if length > MAX_FORMAT_ENTRIES {
            self.add(
                field,
                format!("expected at most {MAX_FORMAT_ENTRIES} entries, found {length}"),
            );
        }
    }

    /// Checks a text; `trimmed` is one that must not begin or end with white space.
    fn check_text(&mut self, field: &str, text: &str, trimmed: &str) {
        let length = text.chars().count();
        if length == 0 || length > MAX_FORMAT_TEXT_CHARS {
            self.add(
                field,
                format!("expected 1 to {MAX_FORMAT_TEXT_CHARS} characters, found {length}"),
            );
        } else if trimmed.trim() != trimmed {
            self.add(
                field,
                "must not begin or end with white space: values are trimmed before",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problems(formats: Value) -> Vec<String> {
        let formats: ValueFormats = serde_json::from_value(formats).unwrap();
        let problems = formats.problems().into_iter();
        problems
            .map(|problem| problem.field.replace("value_formats.", ""))
            .collect()
    }

    #[test]
    fn formats_without_a_problem_are_taken() {
        assert_eq!(
            problems(json!({
                "date_patterns": ["M/D/YYYY", "M/D/YYYY *", "YYYY-MM-DD"],
                "empty_words": ["NULL", "N/A", "-"],
                "true_words": ["ja", "Y", "true"], "false_words": ["nein", "N"],
                "national_phones": {"calling_code": "380", "trunk_prefix": "0", "national_digits": [9]},
                "username_replacements": [{"find": "CORP\\", "replace": ""}, {"find": " ", "replace": "."}],
            })),
            [""; 0]
        );
        assert!(ValueFormats::default().is_default());
        assert_eq!(
            serde_json::to_value(ValueFormats::default()).unwrap(),
            json!({})
        );
    }

    #[test]
    fn every_problem_is_named_with_its_field() {
        let many = vec!["x"; 21];
        assert_eq!(
            problems(json!({
                "date_patterns": ["YY", "M/D/YYYY", "D/M/YYYY"],
                "empty_words": [" ", "x".repeat(65)],
                "true_words": ["no", "ja", "leer"], "false_words": ["JA", "leer", "yes"],
                "national_phones": {"calling_code": "+38", "trunk_prefix": "x", "national_digits": [3]},
                "username_replacements": [{"find": "", "replace": "y".repeat(65)}],
            })),
            [
                "empty_words.0",
                "empty_words.1",
                "date_patterns.0",
                "date_patterns.2",
                "true_words.0",
                "false_words.0",
                "false_words.1",
                "false_words.2",
                "national_phones.calling_code",
                "national_phones.trunk_prefix",
                "national_phones.national_digits",
                "username_replacements.0.find",
                "username_replacements.0.replace",
            ]
        );
        assert_eq!(problems(json!({"empty_words": many})), ["empty_words"]);
        let empty = json!({"empty_words": ["-"], "false_words": ["-"]});
        assert_eq!(problems(empty), ["false_words.0"]);
        let other_case = json!({"empty_words": ["N"], "false_words": ["n"]});
        assert_eq!(problems(other_case), ["false_words.0"]);
        for word in ["0", "No", "TRUE"] {
            assert_eq!(problems(json!({"empty_words": [word]})), ["empty_words.0"]);
        }
    }
}
