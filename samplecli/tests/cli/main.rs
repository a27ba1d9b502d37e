//! Tests of the binary: exit codes, output and profiles. A mock server returns the responses that a
//! real one does not return on demand; other tests run against real servers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod admin;
mod bootstrap;
mod check;
mod generate;
mod home;
mod import;
mod login;
mod mock_server;
mod newer_service;
mod operator;
mod resumed_uploads;
mod runs;
#[cfg(unix)]
mod terminal;
mod upload_service;
mod uploads;
mod usage;
mod users;
#[cfg(unix)]
mod watch;
