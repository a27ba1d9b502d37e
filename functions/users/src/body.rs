//! Bodies of requests: one JSON object.

use axum::extract::FromRequestParts;
use muster_core::limits;
use muster_core::reader::{Object, read_object};
use muster_web::http::StatusCode;
use muster_web::http::request::Parts;
use muster_web::query::{DryRun, NotUnderstood, ensure_understood, names_dry_run};
use muster_web::{Body, BodyError};

use crate::error::UsersError;

/// The members of the body of a request that writes. Handlers take it as the last extractor: a dry
/// run, which this dialect does not have, 415, 413 and 400 come after the other errors.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Object);

impl<S: Sync> FromRequestParts<S> for JsonObject {
    type Rejection = UsersError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, UsersError> {
        ensure_understood(&parts.uri, &parts.headers, DryRun::None)?;
        let body = parts.extensions.get::<Body>().unwrap_or(&Body::Broken);
        match body.json(&parts.headers, limits::MAX_SYNC_BYTES).await {
            Ok(body) => read(&body),
            Err(BodyError::TooLarge) => Err(UsersError::new(
                BodyError::TooLarge.status(),
                "the body is too large: a user is limited to 4,000,000 bytes",
            )),
            Err(error) => Err(UsersError::new(error.status(), error.message())),
        }
    }
}

fn read(body: &[u8]) -> Result<JsonObject, UsersError> {
    let object = read_object(body)
        .map_err(|error| UsersError::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    if let Some(member) = object.keys().find(|key| names_dry_run(key)) {
        return Err(NotUnderstood::member(member).into());
    }
    Ok(JsonObject(object))
}
