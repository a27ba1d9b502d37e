//! Request bodies of bounded size. Every body is read to its end before a handler runs, because a
//! client that is still sending does not read the response. Reading never fails the request: the
//! handler learns that a body is too large, so that it can first check what takes precedence over
//! the size, such as the token.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;

use crate::headers;

/// Maximum bytes of a body that are kept: more than any endpoint accepts. API Gateway passes at
/// most this much to a function.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;
/// Maximum bytes of a larger body that are read and discarded.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;

/// A request's body.
#[derive(Debug, Clone)]
pub enum Body {
    /// The whole body.
    Complete(Bytes),
    /// The body is larger than any endpoint accepts.
    TooLarge,
    /// The connection broke before the end of the body.
    Broken,
}

/// Why a body cannot be read as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// The body is not declared as JSON.
    NotJson,
    /// The body is larger than the endpoint accepts.
    TooLarge,
    /// The connection broke before the end of the body.
    Broken,
}

impl BodyError {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the message for the client.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotJson => "expected JSON with the header Content-Type: application/json",
            Self::TooLarge => "the body is too large",
            Self::Broken => "the connection broke before the end of the body; nothing was changed",
        }
    }
}

impl Body {
    /// Returns the bytes of a body that is declared as JSON and has at most `max_bytes`.
    ///
    /// # Errors
    /// Returns an error if the body is not declared as JSON, is too large, or is incomplete. They
    /// are checked in this order.
    pub fn json(&self, headers: &HeaderMap, max_bytes: usize) -> Result<&Bytes, BodyError> {
        if !headers::is_json(headers) {
            return Err(BodyError::NotJson);
        }
        match self {
            Self::Complete(body) if body.len() <= max_bytes => Ok(body),
            Self::Complete(_) | Self::TooLarge => Err(BodyError::TooLarge),
            Self::Broken => Err(BodyError::Broken),
        }
    }

    async fn read(mut body: axum::body::Body) -> Self {
        let mut read = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Self::Broken;
            };
            let Some(data) = frame.data_ref() else {
                continue;
            };
            length += data.len();
            if length <= MAX_BODY_BYTES {
                read.extend_from_slice(data);
            } else if length > MAX_DRAINED_BYTES {
                break;
            }
        }
        if length > MAX_BODY_BYTES {
            Self::TooLarge
        } else {
            Self::Complete(read.freeze())
        }
    }
}

/// Middleware that reads the body into an extension of the request, as [`Body`].
pub(crate) async fn read(mut request: Request, next: Next) -> Response {
    let body = std::mem::take(request.body_mut());
    let body = Body::read(body).await;
    request.extensions_mut().insert(body);
    next.run(request).await
}
