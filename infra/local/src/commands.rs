//! The commands that start services or change a store.

mod aws;
mod instructions;
mod outcome;
mod output;
mod seed;
mod signals;
mod up;
mod worker;

pub(crate) use aws::{AwsOptions, aws};
pub(crate) use outcome::CommandOutcome;
pub(crate) use seed::seed;
pub(crate) use up::{UpOptions, up};
pub(crate) use worker::worker;
