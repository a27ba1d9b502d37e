//! Errors of the demo.

use std::io;

use muster_aws::StoreError;
use thiserror::Error;

use crate::error::LocalError;

/// An error that ended the demo early.
#[derive(Debug, Error)]
pub(crate) enum DemoError {
    /// The stack failed.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The HTTP API did not respond.
    #[error("the HTTP API did not respond: {0}")]
    Http(#[from] reqwest::Error),
    /// The store could not be read.
    #[error("cannot read the store: {0}")]
    Store(#[from] StoreError),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// A step failed that the following ones need.
    #[error("the demo cannot continue: {0}")]
    Aborted(&'static str),
}
