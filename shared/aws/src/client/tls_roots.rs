//! Certificate authorities that the functions trust (ADR 0005). Loading a system's whole bundle
//! takes longer than the rest of a cold start, and AWS's endpoints are signed by five roots.

use std::env;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::config_error::ConfigError;

/// Environment variable: `amazon` or `system`. The default is Amazon's roots on Lambda, and the
/// system's elsewhere, where a company's proxy may sign the traffic.
pub const TLS_ROOTS: &str = "MUSTER_TLS_ROOTS";
const AMAZON: &str = include_str!("../../certificates/amazon-roots.pem");

/// Roots that are trusted for AWS's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsRoots {
    /// Only Amazon's roots.
    Amazon,
    /// The roots that the system trusts.
    System,
}

impl TlsRoots {
    /// Reads the setting, or chooses the default of the environment.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let on_lambda = env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some();
        Self::parse(&env::var(TLS_ROOTS).unwrap_or_default(), on_lambda)
    }

    fn parse(setting: &str, on_lambda: bool) -> Result<Self, ConfigError> {
        match setting {
            "amazon" => Ok(Self::Amazon),
            "system" => Ok(Self::System),
            "" if on_lambda => Ok(Self::Amazon),
            "" => Ok(Self::System),
            _ => Err(ConfigError::Choice {
                name: TLS_ROOTS,
                choices: "amazon, system",
            }),
        }
    }

    /// Returns a client that trusts these roots; `None` stands for the SDK's own client, which uses
    /// the system's.
    pub(crate) fn http_client(self) -> Option<SharedHttpClient> {
        match self {
            Self::System => None,
            Self::Amazon => {
                let roots = TrustStore::empty().with_pem_certificate(AMAZON);
                let tls = TlsContext::builder().with_trust_store(roots).build();
                // With rustls this cannot fail. If it ever does, the system's roots are trusted.
                let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
                tls.ok().map(|tls| client.tls_context(tls).build_https())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_overrides_the_default_and_a_typo_is_refused() {
        for on_lambda in [true, false] {
            assert_eq!(TlsRoots::parse("amazon", on_lambda), Ok(TlsRoots::Amazon));
            assert_eq!(TlsRoots::parse("system", on_lambda), Ok(TlsRoots::System));
            let error = TlsRoots::parse("sytem", on_lambda).unwrap_err().to_string();
            assert!(error.contains("MUSTER_TLS_ROOTS"), "{error}");
            assert!(error.contains("amazon, system"), "{error}");
        }
        assert_eq!(TlsRoots::parse("", true), Ok(TlsRoots::Amazon));
        assert_eq!(TlsRoots::parse("", false), Ok(TlsRoots::System));
    }

    #[test]
    fn the_bundle_has_five_roots_and_builds_a_client() {
        assert_eq!(AMAZON.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        assert!(TlsRoots::Amazon.http_client().is_some());
    }
}
