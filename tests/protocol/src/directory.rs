//! The row of a login, on which every write has a condition.

use crate::mutant::Mutant;

/// The content of a user row, as far as one record is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Absent,
    /// A user had this login, and has another one now. Reads treat it as absent.
    Tombstone,
    Old,
    /// The data of the run's record.
    Imported,
    /// Data of another writer.
    Other,
}

/// The stamp of the run. Stamps of other runs are not modelled, since nothing here reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stamp {
    Written,
    /// The fence of a stopping run, or of a record that another attempt may still be writing.
    Fenced,
}

/// The row of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UserRow {
    pub(crate) value: Value,
    /// 0 if there is no row: the condition of an INSERT.
    pub(crate) version: u8,
    pub(crate) stamp: Option<Stamp>,
}

impl UserRow {
    pub(crate) const fn new(value: Value) -> Self {
        let version = if matches!(value, Value::Absent) { 0 } else { 1 };
        Self {
            value,
            version,
            stamp: None,
        }
    }

    pub(crate) const fn is_user(&self) -> bool {
        !matches!(self.value, Value::Absent | Value::Tombstone)
    }

    /// Executes a write of the run with a condition on the version that it has read.
    pub(crate) fn write(&mut self, seen: u8, value: Value, stamp: Option<Stamp>) -> bool {
        let met = self.version == seen;
        if met {
            self.value = value;
            self.version += 1;
            self.stamp = stamp;
        }
        met
    }

    /// Returns the content after the run has written only a stamp.
    pub(crate) const fn fenced(&self) -> Value {
        match self.value {
            Value::Absent => Value::Tombstone,
            initial_values => initial_values,
        }
    }

    /// Executes a single-user write. It has a condition on what it has read, so it can be one step.
    pub(crate) fn single_write(&mut self) {
        self.value = Value::Other;
        self.version += 1;
    }
}

/// Renames a user in one transaction: the old row becomes a tombstone with the next version and its
/// stamps; the version of the new row is above both.
pub(crate) fn rename(from: &mut UserRow, to: &mut UserRow, mutant: Option<Mutant>) {
    to.value = from.value;
    to.version = to.version.max(from.version) + 1;
    from.value = Value::Tombstone;
    from.version += 1;
    match mutant {
        Some(Mutant::StampsCarriedByRenames) => to.stamp = from.stamp.take(),
        Some(Mutant::NoTombstones) => *from = UserRow::new(Value::Absent),
        _ => {}
    }
}
