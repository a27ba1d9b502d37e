//! The body of a request: one JSON object.

use axum::extract::FromRequestParts;
use muster_core::limits;
use muster_core::reader::{Object, read_object};
use muster_web::http::StatusCode;
use muster_web::http::request::Parts;
use muster_web::{Body, headers};

use crate::failure::Failure;

/// The members of the body. To be the last extractor of a handler: 415, 413 and 400 come after all
/// that a request without its body can be refused for.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Object);

impl<S: Sync> FromRequestParts<S> for JsonObject {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        if !headers::is_json(&parts.headers) {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the user must be sent as JSON, with the header Content-Type: application/json",
            ));
        }
        match parts.extensions.get::<Body>() {
            Some(Body::Complete(body)) if body.len() <= limits::SYNC_BYTES => read_object(body)
                .map(Self)
                .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, error.to_string())),
            Some(Body::Complete(_) | Body::TooLarge) => Err(Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large: a user takes at most 4,000,000 bytes",
            )),
            Some(Body::Broken) | None => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "the connection broke before the end of the body; nothing was changed",
            )),
        }
    }
}
