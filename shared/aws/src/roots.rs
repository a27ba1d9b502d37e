//! Which certificate authorities the functions trust (docs/adr/0005). Reading a system's whole
//! bundle takes longer than the rest of a cold start, and AWS's endpoints are signed by five.

use std::env;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// `amazon` or `system`; by default Amazon's on Lambda, the system's anywhere else, where a
/// company's proxy may sign what comes through.
pub const TLS_ROOTS: &str = "MUSTER_TLS_ROOTS";
const AMAZON: &str = include_str!("../certificates/amazon-roots.pem");

/// A client that trusts Amazon's roots alone; `None`: the SDK's own, which asks the system.
pub(crate) fn http_client() -> Option<SharedHttpClient> {
    let on_lambda = env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some();
    if !trusts_amazon_only(env::var(TLS_ROOTS).ok().as_deref(), on_lambda) {
        return None;
    }
    let roots = TrustStore::empty().with_pem_certificate(AMAZON);
    let tls = match TlsContext::builder().with_trust_store(roots).build() {
        Ok(tls) => tls,
        Err(error) => {
            tracing::error!(%error, "Amazon's roots are not taken; using the system's");
            return None;
        }
    };
    let client = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls);
    Some(client.build_https())
}

fn trusts_amazon_only(setting: Option<&str>, on_lambda: bool) -> bool {
    match setting {
        Some("amazon") => true,
        Some("system") => false,
        Some(other) if !other.is_empty() => {
            tracing::warn!("{TLS_ROOTS} is neither amazon nor system; its default is used");
            on_lambda
        }
        _ => on_lambda,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_wins_over_where_it_runs() {
        for on_lambda in [true, false] {
            assert!(trusts_amazon_only(Some("amazon"), on_lambda));
            assert!(!trusts_amazon_only(Some("system"), on_lambda));
            assert_eq!(trusts_amazon_only(None, on_lambda), on_lambda);
            assert_eq!(trusts_amazon_only(Some("other"), on_lambda), on_lambda);
        }
    }

    #[test]
    fn there_are_five_roots() {
        assert_eq!(AMAZON.matches("-----BEGIN CERTIFICATE-----").count(), 5);
    }
}
