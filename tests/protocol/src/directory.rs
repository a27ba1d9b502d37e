//! What stands under a login: one row that every write is conditional on.

use crate::mutant::Mutant;

/// What a login is worth, as far as one record is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Absent,
    /// A user was here, and has another login now. Reads treat it as absent.
    Tombstone,
    Old,
    /// What the run's record says.
    Wanted,
    /// What somebody else wrote.
    Other,
}

/// What the run has left with its write. Those of other runs are not modelled: nobody here reads
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stamp {
    Written,
    /// The fence of a run that stops, or of a record that another attempt may still be writing.
    Fenced,
}

/// The row of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Login {
    pub(crate) value: Value,
    /// 0 where there is no row: the condition of an INSERT.
    pub(crate) version: u8,
    pub(crate) stamp: Option<Stamp>,
}

impl Login {
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

    /// A write of the run's on the condition of the version that it has read.
    pub(crate) fn write(&mut self, seen: u8, value: Value, stamp: Option<Stamp>) -> bool {
        let met = self.version == seen;
        if met {
            self.value = value;
            self.version += 1;
            self.stamp = stamp;
        }
        met
    }

    /// What stands here when the run writes nothing but a stamp.
    pub(crate) const fn fenced(&self) -> Value {
        match self.value {
            Value::Absent => Value::Tombstone,
            standing => standing,
        }
    }

    /// A single-user write: it reads, and writes on the condition of what it has read, so that it
    /// may as well be one step.
    pub(crate) fn put(&mut self) {
        self.value = Value::Other;
        self.version += 1;
    }
}

/// One transaction: the old login is left as a tombstone that continues its version and keeps its
/// stamps; the new one continues above both.
pub(crate) fn rename(from: &mut Login, to: &mut Login, mutant: Option<Mutant>) {
    to.value = from.value;
    to.version = to.version.max(from.version) + 1;
    from.value = Value::Tombstone;
    from.version += 1;
    match mutant {
        Some(Mutant::StampsCarriedByRenames) => to.stamp = from.stamp.take(),
        Some(Mutant::NoTombstones) => *from = Login::new(Value::Absent),
        _ => {}
    }
}
