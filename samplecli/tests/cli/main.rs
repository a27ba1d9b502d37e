//! The client as a person meets it: the real binary, its exit codes, what it prints and stores.
//! Where an answer is needed that no server gives on demand, a peer on the loopback gives it as
//! the API documents it; everything else is tested end to end against real servers elsewhere.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod admin;
mod bootstrap;
mod check;
mod generate;
mod import;
mod login;
mod muster;
mod operator;
mod peer;
mod runs;
mod service;
#[cfg(unix)]
mod terminal;
mod uploads;
mod usage;
mod users;
#[cfg(unix)]
mod watch;
