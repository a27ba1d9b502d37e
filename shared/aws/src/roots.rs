//! Which certificate authorities the functions trust (docs/adr/0005). Reading a system's whole
//! bundle takes longer than the rest of a cold start, and AWS's endpoints are signed by five.

use std::env;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use crate::ConfigError;

/// `amazon` or `system`; by default Amazon's on Lambda, the system's anywhere else, where a
/// company's proxy may sign what comes through.
pub const TLS_ROOTS: &str = "MUSTER_TLS_ROOTS";
const AMAZON: &str = include_str!("../certificates/amazon-roots.pem");

/// Who is trusted to vouch for AWS's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Amazon's roots alone.
    Amazon,
    /// Whom the system trusts.
    System,
}

impl Roots {
    /// The setting, or what suits the place.
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

    /// A client that trusts them; `None`: the SDK's own, which asks the system.
    pub(crate) fn http_client(self) -> Option<SharedHttpClient> {
        match self {
            Self::System => None,
            Self::Amazon => {
                let roots = TrustStore::empty().with_pem_certificate(AMAZON);
                let tls = TlsContext::builder().with_trust_store(roots).build();
                // With rustls this cannot fail. Should it one day, the system is trusted.
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
    fn the_setting_wins_over_where_it_runs_and_a_typo_is_refused() {
        for on_lambda in [true, false] {
            assert_eq!(Roots::parse("amazon", on_lambda), Ok(Roots::Amazon));
            assert_eq!(Roots::parse("system", on_lambda), Ok(Roots::System));
            let error = Roots::parse("sytem", on_lambda).unwrap_err().to_string();
            assert!(error.contains("MUSTER_TLS_ROOTS"), "{error}");
            assert!(error.contains("amazon, system"), "{error}");
        }
        assert_eq!(Roots::parse("", true), Ok(Roots::Amazon));
        assert_eq!(Roots::parse("", false), Ok(Roots::System));
    }

    #[test]
    fn there_are_five_roots_and_they_make_a_client() {
        assert_eq!(AMAZON.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        assert!(Roots::Amazon.http_client().is_some());
    }
}
