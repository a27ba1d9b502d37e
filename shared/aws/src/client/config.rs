//! Location of the tables, read once before the first request, so that an invalid setting fails at
//! start and not at the thousandth request. Region, credentials and endpoint are the SDK's own
//! variables.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials, Region};
use tokio::sync::OnceCell;

use super::call_log::CallLog;
pub use super::config_error::ConfigError;
use super::tls_roots::TlsRoots;

/// Environment variable with the name of the table of users and claims.
pub const TABLE_DIRECTORY: &str = "MUSTER_TABLE_DIRECTORY";
/// Environment variable with the name of the table of everything else.
pub const TABLE_CONTROL: &str = "MUSTER_TABLE_CONTROL";

/// A handshake with DynamoDB takes milliseconds; a lost packet should not cost a request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit of one attempt of a call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// Time limit of one call with the SDK's retries. Each function sets the limit of a whole request.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// Region of servers on this machine.
pub const LOCAL_REGION: &str = "eu-central-1";

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Users and claims.
    pub directory: String,
    /// Tenants, operators, robots, tokens, tasks, task locks, runs, items.
    pub control: String,
}

impl Tables {
    /// Returns the tables of the stack `name`, named as in the template.
    #[must_use]
    pub fn of_stack(name: &str) -> Self {
        Self {
            directory: format!("{name}-directory"),
            control: format!("{name}-control"),
        }
    }
}

/// Location of the tables.
#[derive(Debug, Clone)]
pub struct Config {
    /// The names of the tables.
    pub tables: Tables,
    source: Source,
}

/// Region, credentials and endpoints as the SDK finds them. They are loaded once for all clients
/// that are built with clones of it, because the search includes files.
#[derive(Debug, Clone)]
pub struct Account {
    roots: TlsRoots,
    found: Arc<OnceCell<SdkConfig>>,
}

impl Account {
    /// Reads which certificate authorities to trust; everything else is read when a client is
    /// built.
    ///
    /// # Errors
    /// Returns an error if the variable is invalid.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::trusting(TlsRoots::from_env()?))
    }

    fn trusting(roots: TlsRoots) -> Self {
        Self {
            roots,
            found: Arc::default(),
        }
    }

    pub(crate) async fn config(&self) -> &SdkConfig {
        self.found.get_or_init(|| sdk_config(self.roots)).await
    }
}

/// Location of a client's servers.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The endpoints of the account.
    Account(Account),
    /// A server on this machine at this address, which accepts any credentials.
    Local(String),
}

/// Missing settings of the AWS account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The SDK finds no region.
    #[error("no AWS region is set")]
    NoRegion,
    /// The SDK finds no credentials. Holds its reason.
    #[error("no usable AWS credentials were found: {0}")]
    NoCredentials(String),
}

impl Config {
    /// Reads the environment variables.
    ///
    /// # Errors
    /// Returns an error for the first variable that is missing or invalid.
    pub fn from_env(account: &Account) -> Result<Self, ConfigError> {
        let tables = Tables {
            directory: table(TABLE_DIRECTORY, "of users", env::var(TABLE_DIRECTORY).ok())?,
            control: table(TABLE_CONTROL, "of runs", env::var(TABLE_CONTROL).ok())?,
        };
        Ok(Self {
            tables,
            source: Source::Account(account.clone()),
        })
    }

    /// Describes tables with these names for use on a developer's or operator's machine; region,
    /// credentials and endpoint are the SDK's own variables.
    #[must_use]
    pub fn in_account(tables: Tables) -> Self {
        Self {
            tables,
            source: Source::Account(Account::trusting(TlsRoots::System)),
        }
    }

    /// Describes tables on a server of this machine at `endpoint`, such as `http://127.0.0.1:8000`,
    /// with dummy credentials. The environment is not read.
    #[must_use]
    pub fn local(endpoint: impl Into<String>, tables: Tables) -> Self {
        Self {
            tables,
            source: Source::Local(endpoint.into()),
        }
    }

    /// Returns the region of the tables after checking that there are credentials. Lets a
    /// command-line tool report a missing setting before it sends anything; otherwise the first
    /// call would fail as if it had got no response.
    ///
    /// # Errors
    /// Returns an error if the region or the credentials are missing.
    pub async fn account(&self) -> Result<String, AccountError> {
        match &self.source {
            Source::Account(found) => account(found.config().await).await,
            Source::Local(_) => Ok(LOCAL_REGION.to_owned()),
        }
    }

    pub(crate) async fn client(&self) -> Client {
        match &self.source {
            Source::Account(account) => {
                let config = aws_sdk_dynamodb::config::Builder::from(account.config().await);
                Client::from_conf(config.interceptor(CallLog).build())
            }
            // Built without `aws_config`, which would give precedence to AWS_ENDPOINT_URL_DYNAMODB.
            Source::Local(endpoint) => Client::from_conf(
                aws_sdk_dynamodb::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    // The default client would connect to this machine through HTTP_PROXY.
                    .http_client(aws_smithy_http_client::Builder::new().build_http())
                    .endpoint_url(endpoint)
                    .region(Region::from_static(LOCAL_REGION))
                    .credentials_provider(Credentials::new("local", "local", None, None, "local"))
                    .timeout_config(timeouts())
                    .retry_config(RetryConfig::standard())
                    .interceptor(CallLog)
                    .build(),
            ),
        }
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

async fn sdk_config(roots: TlsRoots) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard());
    if let Some(client) = roots.http_client() {
        loader = loader.http_client(client);
    }
    loader.load().await
}

async fn account(config: &SdkConfig) -> Result<String, AccountError> {
    let region = config.region().ok_or(AccountError::NoRegion)?.to_string();
    let Some(provider) = config.credentials_provider() else {
        return Err(AccountError::NoCredentials(
            "none are configured".to_owned(),
        ));
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(region),
        Err(error) => Err(AccountError::NoCredentials(
            error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string),
        )),
    }
}

fn table(
    name: &'static str,
    table: &'static str,
    value: Option<String>,
) -> Result<String, ConfigError> {
    let value = value
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing { name, table })?;
    let valid = (3..=255).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if valid {
        Ok(value)
    } else {
        Err(ConfigError::TableName { name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Option<&str>) -> Result<String, ConfigError> {
        table(TABLE_CONTROL, "of runs", value.map(String::from))
    }

    #[test]
    fn a_missing_table_name_is_reported_with_its_variable() {
        for value in [None, Some("")] {
            let error = read(value).unwrap_err();
            assert!(error.to_string().contains("MUSTER_TABLE_CONTROL"));
        }
    }

    #[test]
    fn invalid_table_names_are_refused() {
        assert_eq!(read(Some("muster-control")).unwrap(), "muster-control");
        for wrong in ["ab", "a b c", "arn:aws:dynamodb", &"x".repeat(256)] {
            assert!(read(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
