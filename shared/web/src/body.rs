//! Request bodies of bounded size. Reading never fails the request: a body that is too large is
//! known as such, so that a handler can give the answers that come before "too large".

use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

/// More than any endpoint takes. API Gateway passes on at most this much to a function.
const MOST: usize = 6 * 1024 * 1024;
/// What is still read of a larger body, and thrown away: a client that is sending does not look
/// for an answer.
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
    /// Reads the body of a request.
    pub async fn read(request: Request) -> Self {
        let mut body = request.into_body();
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
