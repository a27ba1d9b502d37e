//! Request bodies of bounded size, plain or packed with gzip (`Content-Encoding`). Every body is read to its end before a handler runs, because a
//! client that is still sending does not read the response. Reading never fails the request: the
//! handler learns that a body is too large, so that it can first check what takes precedence over
//! the size, such as the token.

use std::borrow::Cow;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use muster_core::reader::{UnpackError, unpack};

use crate::headers::{self, ContentCoding};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// The body is not declared as JSON.
    NotJson,
    /// The body is packed in a way that is not supported.
    UnknownCoding,
    /// The body is larger than the endpoint accepts.
    TooLarge,
    /// The connection broke before the end of the body.
    Broken,
    /// The body is declared as gzip data and is not, or not to its end.
    NotGzip(&'static str),
}

impl BodyError {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotJson | Self::UnknownCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken | Self::NotGzip(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the message for the client.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NotJson => "expected JSON with the header Content-Type: application/json",
            Self::UnknownCoding => {
                "the header Content-Encoding names an encoding that is not supported: send the \
                 body with gzip, or unpacked without the header"
            }
            Self::TooLarge => "the body is too large",
            Self::Broken => "the connection broke before the end of the body; nothing was changed",
            Self::NotGzip(reason) => {
                return Cow::Owned(format!(
                    "the body is not the gzip data that the header Content-Encoding declares: \
                     {reason}; pack it again, or send it unpacked without the header; nothing was \
                     changed"
                ));
            }
        })
    }
}

impl Body {
    /// Returns the unpacked bytes of a body that is declared as JSON and has at most `max_bytes`,
    /// as sent and unpacked.
    ///
    /// # Errors
    /// Returns an error if the body is not declared as JSON, is packed in a way that is not
    /// supported, is too large, incomplete, or cannot be unpacked.
    pub async fn json(&self, headers: &HeaderMap, max_bytes: usize) -> Result<Bytes, BodyError> {
        if !headers::is_json(headers) {
            return Err(BodyError::NotJson);
        }
        self.unpacked(headers, max_bytes).await
    }

    /// Returns the unpacked bytes of a body of at most `max_bytes`, whatever it is declared as.
    ///
    /// # Errors
    /// As for [`Self::json`].
    pub async fn unpacked(
        &self,
        headers: &HeaderMap,
        max_bytes: usize,
    ) -> Result<Bytes, BodyError> {
        let coding = headers::content_coding(headers).ok_or(BodyError::UnknownCoding)?;
        let body = match self {
            Self::Complete(body) if body.len() <= max_bytes => body.clone(),
            Self::Complete(_) | Self::TooLarge => return Err(BodyError::TooLarge),
            Self::Broken => return Err(BodyError::Broken),
        };
        match coding {
            ContentCoding::Identity => Ok(body),
            ContentCoding::Gzip => unpack_gzip(body, max_bytes).await,
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

/// Unpacks a body, off the async worker threads.
async fn unpack_gzip(body: Bytes, max_bytes: usize) -> Result<Bytes, BodyError> {
    /// What a gateway makes of the first bytes of gzip data that it takes for text.
    const REPLACED: &[u8] = b"\x1f\xef\xbf\xbd";
    if body.starts_with(REPLACED) {
        return Err(BodyError::NotGzip("something on the way took it for text"));
    }
    let unpacked = tokio::task::spawn_blocking(move || unpack(&body, max_bytes)).await;
    match unpacked {
        Ok(Ok(unpacked)) => Ok(unpacked.into()),
        Ok(Err(UnpackError::TooLarge { .. })) => Err(BodyError::TooLarge),
        Ok(Err(UnpackError::Broken { reason, .. })) => Err(BodyError::NotGzip(reason)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Middleware that reads the body into an extension of the request, as [`Body`]. The response to an
/// encoding that is not supported names the one that is (RFC 9110, section 12.5.3).
pub(crate) async fn read(mut request: Request, next: Next) -> Response {
    let body = std::mem::take(request.body_mut());
    let body = Body::read(body).await;
    let is_unknown = headers::content_coding(request.headers()).is_none();
    request.extensions_mut().insert(body);
    let mut response = next.run(request).await;
    if is_unknown && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(header::ACCEPT_ENCODING, gzip);
    }
    response
}
