//! The operator's API, from outside.

mod sessions;
mod users;
