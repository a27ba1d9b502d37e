//! What a path says that takes nothing but POST.

use axum::response::Response;
use muster_web::http::{HeaderValue, Method, StatusCode, header};

/// The answer to another method, in the words of a dialect.
pub(crate) fn only_post(method: &Method, answer: fn(StatusCode, String) -> Response) -> Response {
    let message = format!("{method} is not possible here: send the data with POST");
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, message);
    let allowed = HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}
