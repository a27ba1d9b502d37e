//! Typed values: parsing from JSON, validation and storage of each kind of attribute
//! (contract.md#logins-and-values, contract.md#merging-and-missing-values). [`read()`] handles
//! every kind.

mod context;
mod date_pattern;
mod format;
mod model;
mod national_phone;
mod object;
mod problem;
mod read;
mod same;
mod scalar;
mod shown;
mod task_formats;

pub(crate) use self::context::NO_FORMATS;
pub use self::context::{Flags, ReadContext};
pub use self::date_pattern::DatePattern;
pub use self::format::email_problem;
pub use self::model::{Assignment, Value};
pub use self::national_phone::NationalPhones;
pub use self::problem::Problem;
pub use self::read::{Reading, password, read};
pub use self::same::is_same;
pub(crate) use self::scalar::flag_of_word;
pub use self::shown::{shown, shown_value};
pub use self::task_formats::TaskFormats;

#[cfg(test)]
mod tests;
