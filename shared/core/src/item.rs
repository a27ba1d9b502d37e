//! Items: what a run has to say about a record, or about itself. One sentence, one stable code.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much an item weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Trouble in a record: the run goes on.
    Warning,
    /// The run failed because of it.
    Error,
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// 1-based number of the record in the input; absent: about the whole run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<u64>,
    /// The user name in that record, shortened and with control characters escaped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub login: Option<String>,
    /// The JSON key that is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// Stable code, such as `email.malformed`.
    pub code: Cow<'static, str>,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, and what is right.
    pub message: Cow<'static, str>,
}

impl fmt::Display for Item {
    /// `Record 17 (jack.woo), "E-mail": not a valid e-mail address [email.malformed]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(record) = self.record {
            write!(f, "Record {record}")?;
            if let Some(login) = &self.login {
                write!(f, " ({login})")?;
            }
            if let Some(key) = &self.key {
                write!(f, ", \"{key}\"")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// A user name as items show it: control characters escaped, long ones cut with `…`.
#[must_use]
pub fn shown(login: &str) -> String {
    const LONGEST: usize = 128;
    let mut text = String::with_capacity(login.len().min(LONGEST));
    for (index, c) in login.chars().enumerate() {
        if index == LONGEST {
            text.push('…');
            break;
        }
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_reads_as_the_contract_spells_it() {
        let item = Item {
            record: Some(17),
            login: Some("jack.woo".into()),
            key: Some("E-mail".into()),
            code: "email.malformed".into(),
            severity: Severity::Warning,
            message: "not a valid e-mail address".into(),
        };
        assert_eq!(
            item.to_string(),
            r#"Record 17 (jack.woo), "E-mail": not a valid e-mail address [email.malformed]"#
        );
    }

    #[test]
    fn a_hostile_user_name_is_escaped_and_shortened() {
        assert_eq!(shown("a\0b"), "a\\u{0}b");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 129);
    }
}
