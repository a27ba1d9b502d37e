//! What imports in the background need beside the tables: a bucket for uploads, chunks, items and
//! rejected records, and two queues. A queue is a hint that there is work; the rows of a run are
//! the truth (PROTOCOL §10).

mod objects;
mod queues;

use std::env;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::timeout::TimeoutConfig;

pub use self::objects::{Moved, Object, Objects, Part, Parts};
pub use self::queues::{ChunkMessage, ProcessMessage, Queues, Work};
use crate::ConfigError;
use crate::config::{LOCAL_REGION, sdk_config};
use crate::roots::Roots;

/// The variable that names the bucket.
pub const BUCKET: &str = "MUSTER_BUCKET";
/// The variable with the URL of the queue of imports that wait for the processor.
pub const QUEUE_IMPORTS: &str = "MUSTER_QUEUE_IMPORTS";
/// The variable with the URL of the queue of chunks that wait for a writer.
pub const QUEUE_CHUNKS: &str = "MUSTER_QUEUE_CHUNKS";

/// A chunk has 8 MB, and slow lines some hundred KB a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);

/// The bucket and the queues behind their clients. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Background {
    /// The bucket.
    pub objects: Objects,
    /// The queues.
    pub queues: Queues,
}

/// Where bucket and queues are, read once before the first event.
#[derive(Debug, Clone)]
pub struct BackgroundConfig {
    /// The bucket's name.
    pub bucket: String,
    /// The URL of the queue of imports.
    pub imports: String,
    /// The URL of the queue of chunks.
    pub chunks: String,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Region, credentials and endpoints as the SDK finds them.
    Environment(Roots),
    /// Servers on this machine, which take these credentials.
    Local { s3: String, sqs: String },
}

impl BackgroundConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: setting(BUCKET, "the name of the bucket of imports")?,
            imports: setting(QUEUE_IMPORTS, "the URL of the queue of imports")?,
            chunks: setting(QUEUE_CHUNKS, "the URL of the queue of chunks")?,
            source: Source::Environment(Roots::from_env()?),
        })
    }

    /// Servers on this machine at these addresses, such as `http://127.0.0.1:8000`. The
    /// environment is not read.
    #[must_use]
    pub fn local(s3: &str, sqs: &str, bucket: &str, imports: &str, chunks: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            imports: imports.to_owned(),
            chunks: chunks.to_owned(),
            source: Source::Local {
                s3: s3.to_owned(),
                sqs: sqs.to_owned(),
            },
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
    /// Makes the clients that `config` describes. Connects to nothing yet.
    pub async fn connect(config: &BackgroundConfig) -> Self {
        let (s3, sqs) = match &config.source {
            Source::Environment(roots) => {
                let sdk = sdk_config(*roots).await;
                let s3 = aws_sdk_s3::config::Builder::from(&sdk).timeout_config(timeouts());
                let sqs = aws_sdk_sqs::config::Builder::from(&sdk);
                (s3, sqs)
            }
            Source::Local { s3, sqs } => local_clients(s3, sqs),
        };
        Self {
            objects: Objects::new(
                aws_sdk_s3::Client::from_conf(s3.build()),
                config.bucket.clone(),
            ),
            queues: Queues::new(
                aws_sdk_sqs::Client::from_conf(sqs.build()),
                config.imports.clone(),
                config.chunks.clone(),
            ),
        }
    }
}

/// Built without `aws_config`, which would let variables of the environment win.
fn local_clients(
    s3: &str,
    sqs: &str,
) -> (aws_sdk_s3::config::Builder, aws_sdk_sqs::config::Builder) {
    // The default client would ask HTTP_PROXY for the way to this machine.
    let http = aws_smithy_http_client::Builder::new().build_http();
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        .endpoint_url(s3)
        .region(aws_sdk_s3::config::Region::from_static(LOCAL_REGION))
        .credentials_provider(aws_sdk_s3::config::Credentials::new(
            "local", "local", None, None, "local",
        ))
        .timeout_config(timeouts());
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(sqs)
        .region(aws_sdk_sqs::config::Region::from_static(LOCAL_REGION))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new(
            "local", "local", None, None, "local",
        ));
    (s3, sqs)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}
