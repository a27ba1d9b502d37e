//! Outcome of creating something under a name.

/// Outcome of creating a tenant, a robot or an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It was created.
    Created,
    /// The name is in use; the existing entry is unchanged.
    Taken,
    /// The name is invalid. Holds the rule for names.
    BadName(&'static str),
}
