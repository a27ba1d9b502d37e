//! Errors of environment variables.

/// A setting that is missing or invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set, or empty.
    #[error(
        "the environment variable {name} is not set; set it to the name of the DynamoDB table {table}"
    )]
    Missing {
        /// The variable.
        name: &'static str,
        /// The contents of the table, such as `of users`.
        table: &'static str,
    },
    /// The variable is not set, or empty.
    #[error("the environment variable {name} is not set; set it to {what}")]
    Unset {
        /// The variable.
        name: &'static str,
        /// The expected value.
        what: &'static str,
    },
    /// The value is not a valid table name.
    #[error(
        "the environment variable {name} is not the name of a DynamoDB table: 3 to 255 letters, \
         digits, `_`, `-` and `.`"
    )]
    TableName {
        /// The variable.
        name: &'static str,
    },
    /// The value is not one of the allowed ones.
    #[error("the environment variable {name} must be one of: {choices}")]
    Choice {
        /// The variable.
        name: &'static str,
        /// The allowed values.
        choices: &'static str,
    },
    /// The value cannot be used.
    #[error("the environment variable {name} cannot be used: {why}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// The problem.
        why: String,
    },
}
