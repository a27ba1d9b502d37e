//! Scopes of robots and their tokens.

pub use muster_api::Scope;
