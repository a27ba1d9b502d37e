//! The pure domain of Muster: attributes, values, logins, mapping, validation, planning and the
//! reading of large JSON arrays. No clock, no network, no environment, no async: time, ids and
//! randomness are arguments.

pub mod attribute;
pub mod dialect;
pub mod field_problem;
pub mod item;
pub mod json;
mod json_pointer;
pub mod limits;
pub mod login;
pub mod plan;
pub mod reader;
pub mod roles;
pub mod rules;
pub mod run;
pub mod scan;
pub mod settings;
mod short_text;
pub mod text;
pub mod user_request;
pub mod validate;
pub mod value;
