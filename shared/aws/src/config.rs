//! Where the tables are, read once before the first request: a broken setting fails at start,
//! not at the thousandth request. Region, credentials and endpoint are the SDK's own variables.

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

use crate::calls::Calls;
use crate::roots::Roots;

/// The variable that names the table of users and claims.
pub const TABLE_DIRECTORY: &str = "MUSTER_TABLE_DIRECTORY";
/// The variable that names the table of everything else.
pub const TABLE_CONTROL: &str = "MUSTER_TABLE_CONTROL";

/// A handshake with DynamoDB takes milliseconds; a lost packet should not cost a request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One attempt of one call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// One call with the SDK's retries. What a whole request may take its function decides.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// What a server on this machine takes for its region.
pub const LOCAL_REGION: &str = "eu-central-1";

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Users and claims.
    pub directory: String,
    /// Tenants, operators, robots, tokens, tasks, holds, runs, items.
    pub control: String,
}

impl Tables {
    /// The tables of the stack `name`, as the template names them.
    #[must_use]
    pub fn of_stack(name: &str) -> Self {
        Self {
            directory: format!("{name}-directory"),
            control: format!("{name}-control"),
        }
    }
}

/// How to reach the tables.
#[derive(Debug, Clone)]
pub struct Config {
    /// Their names.
    pub tables: Tables,
    source: Source,
}

/// Region, credentials and endpoints as the SDK finds them: once for all clients that are made with
/// clones of it, for they are looked for in files, too.
#[derive(Debug, Clone)]
pub struct Account {
    roots: Roots,
    found: Arc<OnceCell<SdkConfig>>,
}

impl Account {
    /// Reads which certificate authorities are trusted; all else only when a client is made.
    ///
    /// # Errors
    /// The variable is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::trusting(Roots::from_env()?))
    }

    fn trusting(roots: Roots) -> Self {
        Self {
            roots,
            found: Arc::default(),
        }
    }

    pub(crate) async fn config(&self) -> &SdkConfig {
        self.found.get_or_init(|| sdk_config(self.roots)).await
    }
}

/// Where a client's servers are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Where the account says.
    Account(Account),
    /// On this machine, at this address; any credentials do.
    Local(String),
}

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set, or empty.
    #[error(
        "the environment variable {name} is not set; set it to the name of the DynamoDB table {table}"
    )]
    Missing {
        /// The variable.
        name: &'static str,
        /// What the table holds.
        table: &'static str,
    },
    /// The variable is not set, or empty.
    #[error("the environment variable {name} is not set; set it to {what}")]
    Unset {
        /// The variable.
        name: &'static str,
        /// What it is to be set to.
        what: &'static str,
    },
    /// The value cannot be a table's name.
    #[error(
        "the environment variable {name} is not the name of a DynamoDB table: 3 to 255 letters, \
         digits, `_`, `-` and `.`"
    )]
    TableName {
        /// The variable.
        name: &'static str,
    },
    /// The value is none of those that it can have.
    #[error("the environment variable {name} must be one of: {choices}")]
    Choice {
        /// The variable.
        name: &'static str,
        /// What it can be.
        choices: &'static str,
    },
    /// The value says what cannot be.
    #[error("the environment variable {name} cannot be used: {why}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// The SDK finds no region or no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No region.
    #[error("no AWS region is set")]
    NoRegion,
    /// No credentials: what the SDK says of it.
    #[error("there are no AWS credentials that can be used: {0}")]
    NoCredentials(String),
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
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

    /// Tables with these names, for a person's machine; region, credentials and endpoint are the
    /// SDK's own variables.
    #[must_use]
    pub fn in_account(tables: Tables) -> Self {
        Self {
            tables,
            source: Source::Account(Account::trusting(Roots::System)),
        }
    }

    /// Tables on a server of this machine at `endpoint`, such as `http://127.0.0.1:8000`, with
    /// credentials that mean nothing. The environment is not read.
    #[must_use]
    pub fn local(endpoint: impl Into<String>, tables: Tables) -> Self {
        Self {
            tables,
            source: Source::Local(endpoint.into()),
        }
    }

    /// The region the tables are looked for in, once it is sure that there are credentials, too:
    /// for a person who is to be told before anything is tried. The first call would find out, as
    /// an answer that never came.
    ///
    /// # Errors
    /// What is missing.
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
                Client::from_conf(config.interceptor(Calls).build())
            }
            // Built without `aws_config`, which would let AWS_ENDPOINT_URL_DYNAMODB win.
            Source::Local(endpoint) => Client::from_conf(
                aws_sdk_dynamodb::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    // The default client would ask HTTP_PROXY for the way to this machine.
                    .http_client(aws_smithy_http_client::Builder::new().build_http())
                    .endpoint_url(endpoint)
                    .region(Region::from_static(LOCAL_REGION))
                    .credentials_provider(Credentials::new("local", "local", None, None, "local"))
                    .timeout_config(timeouts())
                    .retry_config(RetryConfig::standard())
                    .interceptor(Calls)
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

async fn sdk_config(roots: Roots) -> SdkConfig {
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
    let fits = (3..=255).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if fits {
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
    fn a_missing_table_name_is_refused_with_the_variable_s_name() {
        for value in [None, Some("")] {
            let error = read(value).unwrap_err();
            assert!(error.to_string().contains("MUSTER_TABLE_CONTROL"));
        }
    }

    #[test]
    fn only_what_dynamodb_takes_is_a_table_name() {
        assert_eq!(read(Some("muster-control")).unwrap(), "muster-control");
        for wrong in ["ab", "a b c", "arn:aws:dynamodb", &"x".repeat(256)] {
            assert!(read(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
