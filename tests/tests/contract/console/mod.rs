//! The operator's API, from outside.

mod items;
mod runs;
mod sessions;
