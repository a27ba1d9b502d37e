//! Items: the messages of a run about a record or about the run itself. Each has one sentence and
//! one stable code.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::visible;

/// Maximum characters of a user name in an item.
const MAX_LOGIN_CHARS: usize = 128;

/// Severity of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, and no problem: the status of the run does not depend on it.
    Info,
    /// A problem in a record: the run continues.
    Warning,
    /// The run failed because of it.
    Error,
}

/// Codes of the items that inform and do not warn.
const INFO_CODES: &[&str] = &[
    EXTERNAL_ID_REPLACED,
    KEY_UNMAPPED,
    KEY_OTHER_SPELLING,
    KEY_MORE,
    USERNAME_REWRITTEN,
    MANAGER_UNRESOLVED,
    MANAGER_MORE_CYCLES,
    EMAIL_SHARED,
];

/// Code of a JSON key that the task does not map.
pub const KEY_UNMAPPED: &str = "key.unmapped";

/// Code of a JSON key that the task maps in another spelling.
pub const KEY_OTHER_SPELLING: &str = "key.other_spelling";

/// Code of e-mail addresses that several records have.
pub const EMAIL_SHARED: &str = "email.shared";

/// Code of a manager by an external id that no user has.
pub const MANAGER_UNRESOLVED: &str = "manager_uid.unresolved";

/// Code of the note that not all circles of managers are reported.
pub const MANAGER_MORE_CYCLES: &str = "manager_uid.more_cycles";

/// Code of user names that the replacements of the task change.
pub const USERNAME_REWRITTEN: &str = "username.rewritten";

/// Code of the note that not all unmapped keys are named.
pub const KEY_MORE: &str = "key.more";

/// Code of an external id that an import replaces by another one.
pub const EXTERNAL_ID_REPLACED: &str = "external_id.replaced";

impl Severity {
    /// Returns the severity of the items of a record with this code.
    #[must_use]
    pub fn of_record_code(code: &str) -> Self {
        if INFO_CODES.contains(&code) {
            Self::Info
        } else {
            Self::Warning
        }
    }

    /// Returns the word that clients see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One entry of a run's execution log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Number of the record in the input, from 1; absent if the item is about the whole run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<u64>,
    /// The user name in the record, shortened and with control characters escaped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub login: Option<String>,
    /// The JSON key with the problem.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// Stable code, such as `email.malformed`.
    pub code: Cow<'static, str>,
    /// Severity.
    pub severity: Severity,
    /// The problem, and the accepted values.
    pub message: Cow<'static, str>,
    /// The value with the problem as it was sent, shortened and with invisible characters escaped.
    /// Absent if there is none, or if it must not be repeated.
    // Last: items are stored as arrays of their members, and older ones end before it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
}

impl Item {
    /// Returns a statement about the input as a whole, or about one of its keys.
    pub(crate) fn about_input(code: &'static str, key: Option<&str>, message: String) -> Self {
        Self {
            record: None,
            login: None,
            key: key.map(str::to_owned),
            code: Cow::Borrowed(code),
            severity: Severity::of_record_code(code),
            message: Cow::Owned(message),
            value: None,
        }
    }
}

impl fmt::Display for Item {
    /// `Record 17 (jack.woo), "E-mail": not a valid e-mail address ("jack@") [email.malformed]`
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
        f.write_str(&self.message)?;
        if let Some(value) = &self.value {
            write!(f, " (\"{value}\")")?;
        }
        write!(f, " [{}]", self.code)
    }
}

/// Formats a user name for items: escapes what cannot be seen and shortens long names with `…`.
#[must_use]
pub fn display_login(login: &str) -> String {
    visible(login, MAX_LOGIN_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_the_documented_format() {
        let mut item = Item {
            record: Some(17),
            login: Some("jack.woo".into()),
            key: Some("E-mail".into()),
            code: "email.malformed".into(),
            severity: Severity::Warning,
            message: "not a valid e-mail address".into(),
            value: Some("jack@".into()),
        };
        assert_eq!(
            item.to_string(),
            r#"Record 17 (jack.woo), "E-mail": not a valid e-mail address ("jack@") [email.malformed]"#
        );
        item.value = None;
        assert_eq!(
            item.to_string(),
            r#"Record 17 (jack.woo), "E-mail": not a valid e-mail address [email.malformed]"#
        );
    }

    #[test]
    fn the_severity_of_a_code_is_its_word_in_json() {
        for (code, severity) in [
            ("email.malformed", Severity::Warning),
            (EXTERNAL_ID_REPLACED, Severity::Info),
        ] {
            assert_eq!(Severity::of_record_code(code), severity);
            assert_eq!(serde_json::json!(severity), severity.as_str());
        }
    }

    #[test]
    fn a_user_name_is_escaped_and_shortened() {
        assert_eq!(display_login("a\0b"), "a\\u{0}b");
        assert_eq!(display_login(&"x".repeat(500)).chars().count(), 129);
    }
}
