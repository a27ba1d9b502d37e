//! JSON bodies and queries, deserialized into a type. Errors name the place.

use axum::extract::{FromRequestParts, Query};
use http::StatusCode;
use http::request::Parts;
use muster_api::FieldError;
use muster_core::reader::{Foreign, SentAs};
use serde::de::DeserializeOwned;

use crate::{Body, BodyError, ProblemResponse};

/// Maximum bytes of a JSON body.
const MAX_JSON_BYTES: usize = 1_000_000;

/// A JSON body. The type decides on unknown members: `deny_unknown_fields`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for JsonBody<T> {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ProblemResponse> {
        let body = parts.extensions.get::<Body>().unwrap_or(&Body::Broken);
        match body.json(&parts.headers, MAX_JSON_BYTES).await {
            Ok(body) => read(&body).map(Self),
            Err(BodyError::TooLarge) => Err(ProblemResponse::new(
                BodyError::TooLarge.status(),
                "the body is larger than 1,000,000 bytes",
            )),
            Err(error) => Err(ProblemResponse::new(error.status(), error.message())),
        }
    }
}

/// Deserializes a body. A byte order mark is allowed, as in imports.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProblemResponse> {
    parse(body).map_err(|problem| match Foreign::instead_of_object(body) {
        Some(found) => problem.with_detail(format!(
            "the body must be an object, found {found}: {}; nothing was changed",
            found.advice(SentAs::Body)
        )),
        None => problem,
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProblemResponse> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let json = &mut serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
        let path = error.path().to_string();
        invalid(error.inner(), &path)
    })?;
    json.end().map_err(|error| invalid(&error, ""))?;
    Ok(value)
}

fn invalid(error: &serde_json::Error, path: &str) -> ProblemResponse {
    let place = format!("line {}, column {}", error.line(), error.column());
    if !error.is_data() {
        let detail = format!("the body is not valid JSON: {}", reason(error));
        return ProblemResponse::new(StatusCode::BAD_REQUEST, detail);
    }
    let field = if path == "." { "" } else { path };
    ProblemResponse::new(
        StatusCode::BAD_REQUEST,
        format!("the body has an unexpected value at {place}; nothing was changed"),
    )
    .with_errors(vec![FieldError::new(field, reason(error))])
}

/// Returns serde's message. It may quote the value, so it must not be logged.
fn reason(error: &serde_json::Error) -> String {
    error.to_string()
}

/// The query, deserialized into a type. Unknown parameters are ignored.
#[derive(Debug)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ProblemResponse> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                let text = rejection.body_text();
                let (_, reason) = text.split_once(": ").unwrap_or(("", &text));
                let (field, message) = reason.split_once(": ").unwrap_or(("", reason));
                Err(invalid_parameter(field, message))
            }
        }
    }
}

/// Returns the 400 error about a query parameter.
pub(crate) fn invalid_parameter(name: &str, message: &str) -> ProblemResponse {
    ProblemResponse::new(StatusCode::BAD_REQUEST, "invalid query parameter")
        .with_errors(vec![FieldError::new(name, message)])
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

    async fn problem_of(body: &str) -> serde_json::Value {
        let response = read::<Outer>(body.as_bytes()).unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_is_not_json_is_refused_with_the_position() {
        for broken in ["{\n  x}", "", r#"{"inner":{"count":1}} x"#] {
            let problem = problem_of(broken).await;
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains("line") && detail.contains("column"),
                "{detail}"
            );
            assert_eq!(problem.get("errors"), None);
        }
    }

    #[tokio::test]
    async fn an_invalid_member_is_named() {
        for (body, field) in [
            (r#"{"inner":{"count":"1"}}"#, "inner.count"),
            (r#"{"inner":{"count":1,"more":2}}"#, "inner.more"),
            (r#"[]"#, ""),
        ] {
            let problem = problem_of(body).await;
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
    }

    #[tokio::test]
    async fn what_was_sent_instead_is_named() {
        for (body, found) in [
            ("[{}]", "an array"),
            ("<p>", "XML"),
            ("{\0\"\0", "UTF-16"),
            ("{\"inner\":{\"count\":1}}\n{}", "one after the other"),
        ] {
            let problem = problem_of(body).await;
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(found), "{detail}");
            assert!(detail.ends_with("nothing was changed"), "{detail}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_allowed() {
        let read = read::<Outer>(b"\xef\xbb\xbf{\"inner\":{\"count\":1}}").unwrap();
        assert_eq!(read.inner.count, 1);
    }
}
