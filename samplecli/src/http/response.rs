//! Responses, not yet interpreted.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::failure::Failure;
use crate::output::escape::escaped;

/// A response with its whole body.
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// The reason why there is no response.
pub enum NoResponse {
    /// There was no connection: the request was not sent.
    Unreachable(String),
    /// The connection or the time limit ended first: the request may have been processed.
    Lost(String),
}

impl Response {
    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns a hint on when to repeat the request: `try again in 30 seconds`.
    pub fn retry_hint(&self) -> String {
        let Some(value) = self.header("retry-after") else {
            return "try again in a minute".to_owned();
        };
        match value.parse::<u64>() {
            Ok(1) => "try again in 1 second".to_owned(),
            Ok(seconds) => format!("try again in {seconds} seconds"),
            Err(_) => format!("try again after {value}"),
        }
    }

    /// Returns the failure for a server error, with the id of the request in the server's log.
    pub fn server_failure(&self, text: &str) -> Failure {
        let request = self
            .header("x-request-id")
            .map(|id| format!("\n(request {})", escaped(id)))
            .unwrap_or_default();
        Failure::failed(format!(
            "the server failed with {}: {text}{request}",
            self.status
        ))
        .hint("try again; if the error persists, see the server's log")
    }
}
