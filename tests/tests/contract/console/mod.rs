//! The operator's API, from outside.

mod roles;
mod sessions;
mod tasks;
