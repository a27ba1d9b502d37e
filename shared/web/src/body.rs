//! Request bodies of bounded size. Every request's is read to its end before a handler runs: a
//! client that is still sending does not look for an answer. Reading never fails the request: a
//! body that is too large is known as such, so that a handler can give the answers that come
//! before "too large".

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

/// More than any endpoint takes. API Gateway passes on at most this much to a function.
const MOST: usize = 6 * 1024 * 1024;
/// What is still read of a larger body, and thrown away.
const DRAINED: usize = 64 * 1024 * 1024;

/// A request's body.
#[derive(Debug, Clone)]
pub enum Body {
    /// All of it.
    Complete(Bytes),
    /// It is larger than any endpoint takes.
    TooLarge,
    /// The connection broke before its end.
    Broken,
}

impl Body {
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
            if length <= MOST {
                read.extend_from_slice(data);
            } else if length > DRAINED {
                break;
            }
        }
        if length > MOST {
            Self::TooLarge
        } else {
            Self::Complete(read.freeze())
        }
    }
}

/// Middleware: reads the body into an extension of the request, as [`Body`].
pub(crate) async fn read(mut request: Request, next: Next) -> Response {
    let body = std::mem::take(request.body_mut());
    let body = Body::read(body).await;
    request.extensions_mut().insert(body);
    next.run(request).await
}
