//! The client of writes whose callers retry and watch the time themselves: PartiQL statements, and the
//! transactions of imports.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

/// A client without the retries and time limits of the SDK.
#[derive(Debug)]
pub(crate) struct StatementClient {
    pub(crate) client: Client,
    /// Time limit of one attempt in the client it was derived from.
    pub(crate) attempt_timeout: Option<Duration>,
}

impl StatementClient {
    /// Derives the client from `client`, without the retries and the three time limits (of the
    /// call, of the attempt, of a stalled stream) that the SDK applies to every call. It shares the
    /// connections of `client` if the settings name an HTTP client, as they do on Lambda; otherwise
    /// it has its own. The callers of [`crate::directory::Directory::execute`] retry and watch the
    /// time themselves. Overriding the settings in every call would cost more than it saves.
    pub(crate) fn derived_from(client: &Client) -> Self {
        let config = client.config();
        let timeouts = TimeoutConfig::builder()
            .disable_operation_timeout()
            .disable_operation_attempt_timeout()
            .build();
        let attempt_timeout = config
            .timeout_config()
            .and_then(TimeoutConfig::operation_attempt_timeout);
        let config = config
            .to_builder()
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Self {
            client: Client::from_conf(config.build()),
            attempt_timeout,
        }
    }
}
