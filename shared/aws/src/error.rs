//! Errors of the store. Every error has two messages: `client_message` for a response, and
//! `Display` for the log (operation, code, message, request id). Neither contains the request or a
//! stored row: those contain personal data.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;

/// Message for clients when the store sent no response.
pub const UNREACHABLE: &str =
    "the service could not reach its database; send the request again in a few seconds";

/// Failure of a request to the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The request was throttled; nothing was done.
    #[error("throttled: {0}")]
    Throttled(Cause),
    /// Other transactions changed the same rows at every attempt; nothing was done.
    #[error("contended: {0}")]
    Contended(Cause),
    /// No response, or a server error. The request may have taken effect.
    #[error("no response: {0}")]
    Unanswered(Cause),
    /// DynamoDB refused the request itself: a missing table, a missing permission, a bug of ours.
    #[error("refused: {0}")]
    Refused(Cause),
    /// A stored row cannot be read by this version.
    #[error("the row of {row} cannot be read: {reason}")]
    Row {
        /// The kind of row, such as `a run`.
        row: &'static str,
        /// The problem, without values of the row.
        reason: String,
    },
    /// No randomness is available, or a hash could not be computed.
    #[error("secrets: {0}")]
    Secrets(String),
}

impl StoreError {
    /// Returns true if the same call may succeed when it is repeated.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Contended(_) | Self::Unanswered(_) => true,
            Self::Refused(_) | Self::Row { .. } | Self::Secrets(_) => false,
        }
    }

    /// Returns true if the signature was refused. If the local clock is wrong, the SDK learns the
    /// difference from this response.
    pub(crate) fn is_signature_error(&self) -> bool {
        const CODES: [&str; 2] = ["InvalidSignatureException", "RequestExpired"];
        matches!(self, Self::Refused(Cause { code: Some(code), .. }) if CODES.contains(&code.as_str()))
    }

    /// Returns the number of seconds after which a client may retry a throttled or contended
    /// request; `None` for other errors.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Throttled(_) | Self::Contended(_) => Some(2),
            Self::Unanswered(_) | Self::Refused(_) | Self::Row { .. } | Self::Secrets(_) => None,
        }
    }

    /// Returns the message for clients.
    #[must_use]
    pub const fn client_message(&self) -> &'static str {
        match self {
            Self::Throttled(_) | Self::Contended(_) => {
                "the service is busy; send the request again in a few seconds"
            }
            Self::Unanswered(_) => UNREACHABLE,
            Self::Refused(_) | Self::Row { .. } | Self::Secrets(_) => {
                "the service failed: report the request id to the administrator of the service"
            }
        }
    }

    /// Converts the SDK's error of `operation` (as DynamoDB names it).
    pub(crate) fn sdk<E>(operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        move |error| Self::from_sdk(operation, &error)
    }

    pub(crate) fn from_sdk<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let cause = Cause {
            operation,
            code: error.code().map(String::from),
            message: error.message().map_or_else(|| chain(error), String::from),
            request_id: error.request_id().map(String::from),
        };
        match error {
            SdkError::TimeoutError(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => Self::Unanswered(cause),
            SdkError::ServiceError(service) => {
                Self::from_cause(cause, service.raw().status().is_server_error())
            }
            // A request that could not be built, and variants that a later SDK may add.
            _ => Self::Refused(cause),
        }
    }

    /// Builds the error of one statement of a batch, or of one reason of a cancelled transaction.
    /// Those arrive inside a successful response, so the SDK reports no error for them.
    pub(crate) fn from_code(operation: &'static str, code: &str, message: Option<&str>) -> Self {
        let cause = Cause {
            operation,
            code: Some(code.to_owned()),
            message: message.unwrap_or_default().to_owned(),
            request_id: None,
        };
        Self::from_cause(cause, false)
    }

    /// Builds the error for a row that others changed at every attempt.
    #[must_use]
    pub fn contended(operation: &'static str) -> Self {
        let message = "others changed the row at every attempt";
        Self::from_code(operation, "TransactionConflict", Some(message))
    }

    /// Builds the error for a deadline that leaves no time to wait for the response.
    #[must_use]
    pub fn out_of_time(operation: &'static str) -> Self {
        Self::Unanswered(Cause {
            operation,
            code: None,
            message: "not enough time was left for the request".to_owned(),
            request_id: None,
        })
    }

    /// Builds the error for a response that did not arrive within `waited`.
    pub(crate) fn late(operation: &'static str, waited: Duration) -> Self {
        Self::Unanswered(Cause {
            operation,
            code: None,
            message: format!("none came within {waited:.1?}"),
            request_id: None,
        })
    }

    fn from_cause(cause: Cause, broken_server: bool) -> Self {
        match ErrorClass::of(cause.code.as_deref().unwrap_or_default()) {
            ErrorClass::Throttled => Self::Throttled(cause),
            ErrorClass::Contended => Self::Contended(cause),
            ErrorClass::Server => Self::Unanswered(cause),
            ErrorClass::Other if broken_server => Self::Unanswered(cause),
            ErrorClass::Other => Self::Refused(cause),
        }
    }
}

impl From<BuildError> for StoreError {
    /// Converts the error for a request that lacks a required member.
    fn from(error: BuildError) -> Self {
        Self::Refused(Cause {
            operation: "building a request",
            code: None,
            message: chain(&error),
            request_id: None,
        })
    }
}

/// Details of a failed call, as DynamoDB or the SDK reported them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The operation, as DynamoDB names it.
    pub operation: &'static str,
    /// DynamoDB's error code, if there was a response.
    pub code: Option<String>,
    /// DynamoDB's message, or the reason why there was no response.
    pub message: String,
    /// The id of the request in AWS's logs.
    pub request_id: Option<String>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (aws request {id})")?;
        }
        Ok(())
    }
}

/// Class of an error code of DynamoDB. The same failure has one code as an exception, another as
/// the error of a statement, and a third as a reason of a cancelled transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Retry more slowly.
    Throttled,
    /// Retry.
    Contended,
    /// A server error; retry.
    Server,
    /// Any other error; a retry does not help.
    Other,
}

impl ErrorClass {
    pub(crate) fn of(code: &str) -> Self {
        match code {
            "ThrottlingError"
            | "ThrottlingException"
            | "Throttling"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded" => Self::Throttled,
            "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException" => Self::Contended,
            "InternalServerError" | "InternalFailure" | "ServiceUnavailable" => Self::Server,
            _ => Self::Other,
        }
    }
}

/// Joins the messages of an error and its sources. Its `Debug` output would print whole responses.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_codes_of_one_failure_map_to_the_same_error() {
        for code in ["ThrottlingError", "ProvisionedThroughputExceededException"] {
            let error = StoreError::from_code("BatchExecuteStatement", code, None);
            assert!(matches!(error, StoreError::Throttled(_)), "{code}");
            assert!(error.retryable());
        }
        let error = StoreError::from_code("TransactWriteItems", "TransactionConflict", None);
        assert!(matches!(error, StoreError::Contended(_)) && error.retryable());
        let error = StoreError::from_code("PutItem", "ValidationException", Some("no"));
        assert!(matches!(error, StoreError::Refused(_)) && !error.retryable());
    }

    #[test]
    fn the_cause_is_logged_and_hidden_from_clients() {
        let error = StoreError::from_code("PutItem", "AccessDeniedException", Some("not allowed"));
        assert_eq!(
            error.to_string(),
            "refused: PutItem AccessDeniedException: not allowed"
        );
        assert!(!error.client_message().contains("PutItem"));
    }
}
