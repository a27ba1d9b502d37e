//! The outcome of a command.

/// The outcome of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandOutcome {
    /// The command finished.
    Completed,
    /// A second signal cut the shutdown short.
    Interrupted,
}
