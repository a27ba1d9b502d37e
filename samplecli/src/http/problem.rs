//! Refusals of the server: `application/problem+json` (RFC 9457).

use muster_api::Problem;

use crate::http::response::Response;
use crate::output::escape::escaped;

/// Parses the body of a response; `None` if it is not a problem.
pub fn of(response: &Response) -> Option<Problem> {
    serde_json::from_slice(&response.body).ok()
}

/// Returns the server's message, followed by one line per field.
pub fn text(problem: &Problem) -> String {
    let message = if problem.detail.is_empty() {
        &problem.title
    } else {
        problem.detail.as_str()
    };
    let fields = problem
        .errors
        .iter()
        .map(|error| format!("\n- {}: {}", escaped(&error.field), escaped(&error.message)));
    std::iter::once(escaped(message).into_owned())
        .chain(fields)
        .collect()
}
