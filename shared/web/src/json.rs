//! What a request says: its JSON body and its query, read into a type; what does not fit is
//! refused as a problem that names the place.

use axum::extract::{FromRequestParts, Query};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::FieldError;
use crate::{Body, Problem, headers};

/// Bytes of a body that is read into memory as a whole and into a type.
const MOST: usize = 1_000_000;

/// A JSON body. Unknown members are the type's business: `deny_unknown_fields`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        if !headers::is_json(&parts.headers) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON, sent with the header Content-Type: application/json",
            ));
        }
        let too_large = || {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 1,000,000 bytes",
            )
        };
        match parts.extensions.get::<Body>() {
            Some(Body::Complete(body)) if body.len() <= MOST => read(body).map(Self),
            Some(Body::Complete(_) | Body::TooLarge) => Err(too_large()),
            Some(Body::Broken) | None => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "the connection broke before the end of the body; nothing was changed",
            )),
        }
    }
}

/// A byte order mark is fine, as everywhere.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let json = &mut serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
        let path = error.path().to_string();
        refused(error.inner(), &path)
    })?;
    json.end().map_err(|error| refused(&error, ""))?;
    Ok(value)
}

fn refused(error: &serde_json::Error, path: &str) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    if !error.is_data() {
        let detail = format!("the body is not JSON: {}", reason(error));
        return Problem::new(StatusCode::BAD_REQUEST, detail);
    }
    let field = if path == "." { "" } else { path };
    Problem::new(
        StatusCode::BAD_REQUEST,
        format!("the body is not what is expected at {place}; nothing was changed"),
    )
    .with_errors(vec![FieldError::new(field, reason(error))])
}

/// What serde says, which may quote the value: it goes back to its sender alone.
fn reason(error: &serde_json::Error) -> String {
    error.to_string()
}

/// The query, read into a type; unknown parameters are ignored.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                let text = rejection.body_text();
                let (_, reason) = text.split_once(": ").unwrap_or(("", &text));
                let (field, message) = reason.split_once(": ").unwrap_or(("", reason));
                Err(
                    Problem::new(StatusCode::BAD_REQUEST, "a query parameter is not right")
                        .with_errors(vec![FieldError::new(field, message)]),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use http_body_util::BodyExt as _;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u8,
    }

    async fn refusal(body: &str) -> serde_json::Value {
        let response = read::<Outer>(body.as_bytes()).unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_is_not_json_is_refused_with_its_place() {
        for broken in ["{\n  x}", "", r#"{"inner":{"count":1}} x"#] {
            let problem = refusal(broken).await;
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains("line") && detail.contains("column"),
                "{detail}"
            );
            assert_eq!(problem.get("errors"), None);
        }
    }

    #[tokio::test]
    async fn a_member_that_does_not_fit_is_named() {
        for (body, field) in [
            (r#"{"inner":{"count":"1"}}"#, "inner.count"),
            (r#"{"inner":{"count":1,"more":2}}"#, "inner.more"),
            (r#"[]"#, ""),
        ] {
            let problem = refusal(body).await;
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_fine() {
        let read = read::<Outer>(b"\xef\xbb\xbf{\"inner\":{\"count\":1}}").unwrap();
        assert_eq!(read.inner.count, 1);
    }
}
