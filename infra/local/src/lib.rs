//! Muster on one machine: the resources of `infra/template.yaml` as emulated services, the HTTP
//! functions over them, and the commands `demo`, `up` and `aws`. Everything listens on 127.0.0.1
//! only. Tests start a [`Stack`] from here; the functions themselves know nothing of this crate.

mod cli;
mod demo;
mod error;
mod http;
mod signals;
mod up;

pub mod data_dir;
pub mod dynamodb;
pub mod loopback;
pub mod ready;
pub mod seed;
pub mod services;
pub mod stack;
pub mod tables;
pub mod template;

pub use cli::Cli;
pub use error::LocalError;
pub use seed::{RobotAccess, TenantAccess};
pub use stack::{Stack, StackOptions};
