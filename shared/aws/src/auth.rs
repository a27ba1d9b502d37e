//! Authentication of robots and operators: passwords, tokens, sessions and the login throttle.

mod accounts;
pub mod operators;
pub mod passwords;
pub mod robots;
mod scope;
mod secrets;
pub mod sessions;
pub mod throttle;
pub mod tokens;

pub use accounts::name_problem;
pub(crate) use accounts::{AccountRow, NAME_RULE, is_name};
