//! Typed values: parsing from JSON, validation and storage of each kind of attribute
//! (contract.md#logins-and-values, contract.md#merging-and-missing-values). [`read()`] handles
//! every kind.

mod context;
mod format;
mod model;
mod object;
mod problem;
mod read;
mod same;
mod scalar;
mod shown;

pub use self::context::{Flags, ReadContext};
pub use self::format::email_problem;
pub use self::model::{Assignment, Value};
pub use self::problem::Problem;
pub use self::read::{Reading, password, read};
pub use self::same::is_same;
pub use self::shown::{shown, shown_value};

#[cfg(test)]
mod tests;
