//! The domain of Muster, pure: attributes, values, logins, mapping, validation, planning and the
//! reading of large JSON arrays. No clock, no network, no environment, no async: time, ids and
//! randomness come in as arguments.

pub mod attribute;
pub mod dialect;
pub mod item;
pub mod json;
pub mod limits;
pub mod login;
pub mod plan;
pub mod reader;
pub mod roles;
pub mod rules;
pub mod run;
pub mod settings;
mod short;
pub mod single;
pub mod survey;
pub mod validate;
pub mod value;
