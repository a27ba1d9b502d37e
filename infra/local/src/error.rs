//! Errors of the local stack. Each message names the problem, its place, and the remedy.

use std::io;
use std::path::PathBuf;

use muster_emulators::dynamodb::{DynamoDbError, TableError};
use muster_emulators::loopback::PortError;
use muster_emulators::s3::S3Error;
use muster_emulators::template::TemplateError;
use thiserror::Error;

use crate::data_dir::DataDirError;
use crate::seed::SeedError;

/// An error from starting or running the local stack.
#[derive(Debug, Error)]
pub enum LocalError {
    /// The port is in use or refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The data directory is in use or invalid.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The template is incomplete or unsupported.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The emulated DynamoDB did not start, or failed.
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
    /// The emulated S3 did not start, or failed.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// The emulated SQS did not start, or failed.
    #[error("cannot serve SQS: {0}")]
    Sqs(io::Error),
    /// The folder for temporary objects cannot be created.
    #[error("cannot create a temporary folder: {0}")]
    TemporaryFolder(io::Error),
    /// The tables cannot be created or differ.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// The sample tenants cannot be stored.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// An environment variable is missing or invalid.
    #[error(transparent)]
    Config(#[from] muster_aws::ConfigError),
    /// The HTTP server failed.
    #[error("the HTTP server failed: {0}")]
    Http(io::Error),
    /// The HTTP API started but does not respond.
    #[error("the HTTP API at {url} does not respond: {cause}")]
    NoResponse {
        /// URL of the API.
        url: String,
        /// The cause.
        cause: String,
    },
    /// The ready file cannot be written.
    #[error("cannot write the ready file {}: {cause}", .path.display())]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The OpenAPI document cannot be written.
    #[error("cannot write {}: {cause}", .path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The signal handlers cannot be installed.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}
