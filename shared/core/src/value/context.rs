//! Settings of dialects and tasks for reading values.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::task_formats::TaskFormats;

/// Settings of the dialect and the task for reading a value.
#[derive(Debug, Clone, Copy)]
pub struct ReadContext<'r> {
    /// Separator of a list that is sent as one string.
    pub separator: char,
    /// Role of each string.
    pub roles: &'r HashMap<String, String>,
    /// Accepted forms of a boolean.
    pub flags: Flags,
    /// Accepted languages as written; `None` accepts every language.
    pub languages: Option<&'static [&'static str]>,
    /// Forms of values that the task adds.
    pub formats: &'r TaskFormats,
}

/// Role mapping of a dialect without roles.
static NO_ROLES: LazyLock<HashMap<String, String>> = LazyLock::new(HashMap::new);
/// Formats of a dialect without tasks.
pub(crate) static NO_FORMATS: LazyLock<TaskFormats> = LazyLock::new(TaskFormats::default);

impl ReadContext<'static> {
    /// Returns the context of a dialect without tasks: lists are separated by commas.
    #[must_use]
    pub fn without_task(flags: Flags, languages: &'static [&'static str]) -> Self {
        Self {
            separator: ',',
            roles: &NO_ROLES,
            flags,
            languages: Some(languages),
            formats: &NO_FORMATS,
        }
    }
}

/// Accepted forms of a boolean besides `true` and `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// 1, 0, and the words true, false, yes, no, 1 and 0 in any case.
    Words,
    /// 1 and 0, also as strings.
    Digits,
    /// No other form.
    Strict,
}
