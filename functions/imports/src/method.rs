//! The response to other methods than POST on the dialects' import paths.

use axum::response::Response;
use muster_web::http::{HeaderValue, Method, StatusCode, header};

/// Returns the 405 response. `response` builds it in the dialect's format.
pub(crate) fn only_post(method: &Method, response: fn(StatusCode, String) -> Response) -> Response {
    let message = format!("{method} is not allowed here: send the data with POST");
    let mut response = response(StatusCode::METHOD_NOT_ALLOWED, message);
    let allowed = HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}
