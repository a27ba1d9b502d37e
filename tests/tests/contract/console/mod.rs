//! The operator's API, from outside.

mod description;
mod sessions;
mod users;
