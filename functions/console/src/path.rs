//! Ids and names in paths.

use axum::extract::{FromRequestParts, Path};
use muster_web::ApiError;
use muster_web::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::errors::not_found;

/// The variable parts of a path. A malformed id gets the same response as an unknown one.
#[derive(Debug)]
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for PathParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Path(params) = Path::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found())?;
        Ok(Self(params))
    }
}
