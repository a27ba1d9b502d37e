//! Why the store could not do what it was asked. Every error has two messages: `client_message`
//! is what a reply may say, `Display` is what the log says (operation, code, message, request id).
//! Never the request or a stored row: those hold people.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;

/// What a client may read where the store did not answer.
pub const UNREACHABLE: &str =
    "the service could not reach its database; send the request again in a few seconds";

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too much at once; nothing was done.
    #[error("throttled: {0}")]
    Throttled(Cause),
    /// Other transactions were at the same rows all the time; nothing was done.
    #[error("contended: {0}")]
    Contended(Cause),
    /// No answer, or the answer of a broken server. What was asked may have been done.
    #[error("no answer: {0}")]
    Unanswered(Cause),
    /// DynamoDB refuses the request as such: a missing table, a missing permission, a mistake
    /// of ours.
    #[error("refused: {0}")]
    Refused(Cause),
    /// A stored row is not what this version writes.
    #[error("the row of {row} cannot be read: {reason}")]
    Row {
        /// What the row is, such as `a run`.
        row: &'static str,
        /// What is wrong with it; no values.
        reason: String,
    },
    /// No randomness, or a hash that could not be computed.
    #[error("secrets: {0}")]
    Secrets(String),
}

impl StoreError {
    /// Whether the same call may succeed in a moment.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Contended(_) | Self::Unanswered(_) => true,
            Self::Refused(_) | Self::Row { .. } | Self::Secrets(_) => false,
        }
    }

    /// Whether the signature was refused: of a clock that is wrong, the SDK learns by how much from
    /// this answer.
    pub(crate) fn is_of_signature(&self) -> bool {
        const CODES: [&str; 2] = ["InvalidSignatureException", "RequestExpired"];
        matches!(self, Self::Refused(Cause { code: Some(code), .. }) if CODES.contains(&code.as_str()))
    }

    /// After how many seconds a client that met too many others may come again; `None`: it is not
    /// that.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Throttled(_) | Self::Contended(_) => Some(2),
            Self::Unanswered(_) | Self::Refused(_) | Self::Row { .. } | Self::Secrets(_) => None,
        }
    }

    /// What a client may read.
    #[must_use]
    pub const fn client_message(&self) -> &'static str {
        match self {
            Self::Throttled(_) | Self::Contended(_) => {
                "the service is busy; send the request again in a few seconds"
            }
            Self::Unanswered(_) => UNREACHABLE,
            Self::Refused(_) | Self::Row { .. } | Self::Secrets(_) => {
                "the service failed; tell the operator the request id, the log has the cause"
            }
        }
    }

    /// Turns the SDK's error of `operation` (as DynamoDB calls it) into ours.
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
            // A request that cannot even be built; and whatever a later SDK adds.
            _ => Self::Refused(cause),
        }
    }

    /// The error of one statement of a batch, or of one reason of a cancelled transaction: these
    /// come inside an answer, so the SDK makes no error of them.
    pub(crate) fn from_code(operation: &'static str, code: &str, message: Option<&str>) -> Self {
        let cause = Cause {
            operation,
            code: Some(code.to_owned()),
            message: message.unwrap_or_default().to_owned(),
            request_id: None,
        };
        Self::from_cause(cause, false)
    }

    /// Others wrote the same row at every try.
    #[must_use]
    pub fn contended(operation: &'static str) -> Self {
        let message = "others changed the row at every try";
        Self::from_code(operation, "TransactionConflict", Some(message))
    }

    /// There was no time to wait for the answers.
    #[must_use]
    pub fn out_of_time(operation: &'static str) -> Self {
        Self::Unanswered(Cause {
            operation,
            code: None,
            message: "the time that is left was too short".to_owned(),
            request_id: None,
        })
    }

    /// No answer came for so long.
    pub(crate) fn late(operation: &'static str, waited: Duration) -> Self {
        Self::Unanswered(Cause {
            operation,
            code: None,
            message: format!("none came within {waited:.1?}"),
            request_id: None,
        })
    }

    fn from_cause(cause: Cause, broken_server: bool) -> Self {
        match Trouble::of(cause.code.as_deref().unwrap_or_default()) {
            Trouble::Throttled => Self::Throttled(cause),
            Trouble::Contended => Self::Contended(cause),
            Trouble::Server => Self::Unanswered(cause),
            Trouble::Other if broken_server => Self::Unanswered(cause),
            Trouble::Other => Self::Refused(cause),
        }
    }
}

impl From<BuildError> for StoreError {
    /// A request of ours that lacks a member.
    fn from(error: BuildError) -> Self {
        Self::Refused(Cause {
            operation: "building a request",
            code: None,
            message: chain(&error),
            request_id: None,
        })
    }
}

/// What DynamoDB said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The call, as DynamoDB names it.
    pub operation: &'static str,
    /// DynamoDB's code, where there was an answer.
    pub code: Option<String>,
    /// DynamoDB's message, or what kept the answer away.
    pub message: String,
    /// The id under which AWS finds the call.
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

/// What a code of DynamoDB asks of the caller. The same trouble has one name as an exception,
/// another as a statement's error and a third as a reason in a cancelled transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Slow down, then try again.
    Throttled,
    /// Try again.
    Contended,
    /// Broken on the other side; try again.
    Server,
    /// Anything else; trying again changes nothing.
    Other,
}

impl Trouble {
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

/// The messages of an error and its sources. Not its `Debug`, which would print whole answers.
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
    fn one_trouble_under_its_several_names_is_one_error() {
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
    fn the_log_reads_the_cause_and_the_client_does_not() {
        let error = StoreError::from_code("PutItem", "AccessDeniedException", Some("not allowed"));
        assert_eq!(
            error.to_string(),
            "refused: PutItem AccessDeniedException: not allowed"
        );
        assert!(!error.client_message().contains("PutItem"));
    }
}
