//! Output for people and programs.

pub mod cell;
pub mod escape;
pub mod number;
pub mod printer;
pub mod progress;
pub mod stderr;
pub mod stdout;
pub mod summary;
pub mod time;
