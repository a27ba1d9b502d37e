//! Muster on one machine: the resources of `infra/template.yaml` as emulated services, the HTTP
//! functions over them, and the commands `demo`, `up`, `aws`, `worker`, `seed` and `openapi`. Everything listens on
//! 127.0.0.1 only. Tests start a [`Stack`] from here; the functions themselves know nothing of this crate.

mod cli;
mod data_dir;
mod demo;
mod dynamodb;
mod error;
mod flags;
mod http;
mod loopback;
pub mod openapi;
mod pump;
mod ready;
mod s3;
mod schedule;
mod seed;
mod services;
mod signals;
mod sqs;
mod stack;
mod tables;
mod template;
mod up;
mod worker;
mod workers;

pub use cli::Cli;
pub use error::LocalError;
pub use pump::{Delivered, Pump};
pub use ready::Ready;
pub use schedule::Schedule;
pub use seed::{SignIn, TenantAccess};
pub use services::{Environment, QueueOptions, ServiceOptions};
pub use stack::{Stack, StackOptions};
pub use workers::{WorkerOptions, Workers};
