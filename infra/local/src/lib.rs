//! Muster on one machine: the resources of `infra/template.yaml` as emulated services, the HTTP
//! functions on top of them, and the commands `demo`, `up`, `aws`, `worker`, `seed` and `openapi`.
//! Everything listens on 127.0.0.1 only. Tests start a [`Stack`]; the functions do not depend on
//! this crate.

mod cli;
mod commands;
mod data_dir;
mod demo;
#[cfg(test)]
mod deployment_tests;
mod error;
mod http_client;
pub mod openapi;
mod ready_file;
mod seed;
mod services;
mod stack;
mod workers;

pub use cli::Cli;
pub use error::LocalError;
pub use http_client::loopback_client;
pub use ready_file::Ready;
pub use seed::{Credentials, SeededRows, SeededTenant};
pub use services::{Environment, QueueOptions, ServiceOptions};
pub use stack::{Stack, StackOptions};
pub use workers::{WorkerOptions, Workers};
