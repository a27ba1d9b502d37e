//! An HTTP client for services on this machine.

/// Creates a client that ignores proxy settings and cannot use TLS.
///
/// # Errors
/// Returns an error if the system provides no randomness.
pub fn loopback_client() -> reqwest::Result<reqwest::Client> {
    // Without certificates: loading those of the system takes longer than many a test.
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
}
