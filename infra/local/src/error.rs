//! Why the local stack did not start, or stopped. Each one is a sentence for whoever typed the
//! command: what is wrong, where, and what to do.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::data_dir::DataDirError;
use crate::dynamodb::DynamoDbError;
use crate::loopback::PortError;
use crate::s3::S3Error;
use crate::seed::SeedError;
use crate::tables::TableError;
use crate::template::TemplateError;

/// Why the local stack did not start, or stopped.
#[derive(Debug, Error)]
pub enum LocalError {
    /// The port is taken or refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The data directory is in use, or broken.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The template does not say what is needed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The emulated DynamoDB did not start, or broke down.
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
    /// The emulated S3 did not start, or broke down.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// The emulated SQS did not start, or broke down.
    #[error("SQS cannot be served: {0}")]
    Sqs(io::Error),
    /// There is no place for objects that are not to be kept.
    #[error("no temporary folder can be made: {0}")]
    Temporary(io::Error),
    /// The tables could not be made.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// The first tenants could not be stored.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The environment lacks what is needed, or says what cannot be.
    #[error(transparent)]
    Config(#[from] muster_aws::ConfigError),
    /// The HTTP server broke.
    #[error("the HTTP server failed: {0}")]
    Http(io::Error),
    /// It started, but does not answer.
    #[error("the HTTP API at {url} does not answer: {cause}")]
    Unanswered {
        /// Its address.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// The ready file cannot be written.
    #[error("the ready file {} cannot be written: {cause}", .path.display())]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The description of the API cannot be written.
    #[error("{} cannot be written: {cause}", .path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// Signals cannot be listened to.
    #[error("signals cannot be listened to: {0}")]
    Signals(io::Error),
    /// Nothing can be printed any more.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
}
