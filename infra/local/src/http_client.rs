//! An HTTP client for services on this machine.

/// Creates a client that ignores proxy settings.
pub(crate) fn loopback_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}
