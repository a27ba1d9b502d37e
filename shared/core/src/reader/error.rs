//! Errors of the reader.

use std::io;

/// Error while reading an array.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source failed.
    #[error("the input could not be read: {0}")]
    Io(#[from] io::Error),
    /// The text is not a JSON array.
    #[error("{0}")]
    Syntax(SyntaxError),
}

/// Location and reason of a syntax error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SyntaxError {
    /// Bytes before the unexpected one; [`Position::locate`](super::Position::locate) converts them
    /// to line and column.
    pub offset: u64,
    /// Complete elements before it.
    pub records: u64,
    /// The problem.
    pub reason: String,
}

/// Reason why reading ended early.
pub(super) enum ReadFailure {
    Io(io::Error),
    Syntax {
        error: SyntaxError,
        /// Newlines read at and after the unexpected byte.
        newlines_after: u64,
    },
    /// The consumer of the batches failed.
    Consumer(io::Error),
}
