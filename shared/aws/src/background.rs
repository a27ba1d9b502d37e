//! Resources of background imports besides the tables: a bucket for uploads, chunks, items and
//! rejected records, and two queues. A message only hints that there is work; the rows of a run
//! are authoritative (protocol.md#sweeper).

use std::env;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::timeout::TimeoutConfig;

use crate::client::call_log::CallLog;
use crate::client::config::{Account, ConfigError, LOCAL_REGION, Source};
pub use crate::s3::{ObjectVersion, Objects, RangeRead, UploadedPart, UploadedParts};
pub use crate::sqs::{ChunkMessage, ProcessMessage, Queues, Work};

/// Environment variable with the name of the bucket.
pub const BUCKET: &str = "MUSTER_BUCKET";
/// Environment variable with the URL of the queue of imports that wait for the processor.
pub const QUEUE_IMPORTS: &str = "MUSTER_QUEUE_IMPORTS";
/// Environment variable with the URL of the queue of chunks that wait for a writer.
pub const QUEUE_CHUNKS: &str = "MUSTER_QUEUE_CHUNKS";

/// Long enough for a chunk of 8 MB over a slow line of a few hundred KB per second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);

/// Clients of the bucket and the queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Background {
    /// The bucket.
    pub objects: Objects,
    /// The queues.
    pub queues: Queues,
}

/// Location of the bucket, read once before the first event; for functions that need no queues.
#[derive(Debug, Clone)]
pub struct BucketConfig {
    /// The bucket's name.
    pub name: String,
    source: Source,
}

/// Location of the bucket and the queues, read once before the first event.
#[derive(Debug, Clone)]
pub struct BackgroundConfig {
    /// The bucket.
    pub bucket: BucketConfig,
    /// The URL of the queue of imports.
    pub imports: String,
    /// The URL of the queue of chunks.
    pub chunks: String,
    /// Location of the queues.
    source: Source,
}

impl BucketConfig {
    /// Reads the environment variables.
    ///
    /// # Errors
    /// Returns an error for the first variable that is missing or invalid.
    pub fn from_env(account: &Account) -> Result<Self, ConfigError> {
        Ok(Self {
            name: setting(BUCKET, "the name of the bucket of imports")?,
            source: Source::Account(account.clone()),
        })
    }

    /// Describes a server on this machine at the address `s3`, such as `http://127.0.0.1:8000`. The
    /// environment is not read.
    #[must_use]
    pub fn local(s3: &str, bucket: &str) -> Self {
        Self {
            name: bucket.to_owned(),
            source: Source::Local(s3.to_owned()),
        }
    }
}

impl BackgroundConfig {
    /// Reads the environment variables.
    ///
    /// # Errors
    /// Returns an error for the first variable that is missing or invalid.
    pub fn from_env(account: &Account) -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: BucketConfig::from_env(account)?,
            imports: setting(QUEUE_IMPORTS, "the URL of the queue of imports")?,
            chunks: setting(QUEUE_CHUNKS, "the URL of the queue of chunks")?,
            source: Source::Account(account.clone()),
        })
    }

    /// Describes servers on this machine at the addresses `s3` and `sqs`, such as
    /// `http://127.0.0.1:8000`. The environment is not read.
    #[must_use]
    pub fn local(s3: &str, sqs: &str, bucket: &str, imports: &str, chunks: &str) -> Self {
        Self {
            bucket: BucketConfig::local(s3, bucket),
            imports: imports.to_owned(),
            chunks: chunks.to_owned(),
            source: Source::Local(sqs.to_owned()),
        }
    }
}

fn setting(name: &'static str, what: &'static str) -> Result<String, ConfigError> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Unset { name, what })
}

impl Background {
    /// Builds the clients that `config` describes. Connects to nothing yet.
    pub async fn connect(config: &BackgroundConfig) -> Self {
        let BackgroundConfig {
            bucket,
            imports,
            chunks,
            source,
        } = config;
        let objects = Objects::connect(bucket).await;
        let sqs = match source {
            Source::Account(account) => aws_sdk_sqs::config::Builder::from(account.config().await),
            Source::Local(endpoint) => local_queues(endpoint),
        };
        let client = aws_sdk_sqs::Client::from_conf(sqs.interceptor(CallLog).build());
        Self {
            objects,
            queues: Queues::new(client, imports.clone(), chunks.clone()),
        }
    }
}

impl Objects {
    /// Builds the client that `config` describes. Connects to nothing yet.
    pub async fn connect(config: &BucketConfig) -> Self {
        let BucketConfig { name, source } = config;
        let s3 = match source {
            Source::Account(account) => aws_sdk_s3::config::Builder::from(account.config().await),
            Source::Local(endpoint) => local_bucket(endpoint),
        };
        let s3 = s3.timeout_config(timeouts()).interceptor(CallLog);
        Self::new(aws_sdk_s3::Client::from_conf(s3.build()), name.clone())
    }
}

/// Builds a client without a proxy: the default client would connect to this machine through
/// `HTTP_PROXY`.
fn local_http() -> aws_sdk_s3::config::SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Builds the settings without `aws_config`, which would give precedence to environment variables.
fn local_bucket(endpoint: &str) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(local_http())
        .endpoint_url(endpoint)
        .region(aws_sdk_s3::config::Region::from_static(LOCAL_REGION))
        .credentials_provider(aws_sdk_s3::config::Credentials::new(
            "local", "local", None, None, "local",
        ))
}

/// Does the same as [`local_bucket`] for the queues.
fn local_queues(endpoint: &str) -> aws_sdk_sqs::config::Builder {
    aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(local_http())
        .endpoint_url(endpoint)
        .region(aws_sdk_sqs::config::Region::from_static(LOCAL_REGION))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new(
            "local", "local", None, None, "local",
        ))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}
