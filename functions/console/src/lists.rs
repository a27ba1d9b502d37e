//! What all lists have in common: pages, their size, and ids in paths.

use axum::extract::{FromRequestParts, Path};
use muster_aws::Part;
use muster_web::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

pub(crate) use muster_web::lists::{After, Limit, Page};

use crate::App;
use crate::failure::{Failure, missing};

/// What is stored, as the API shows it.
pub(crate) fn page<S, T>(part: Part<S>, view: impl FnMut(S) -> T) -> Page<T> {
    Page {
        items: part.items.into_iter().map(view).collect(),
        next: part.next,
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// How many things the page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    pub(crate) after: Option<After<String>>,
}

/// The variable parts of a path. What is not even an id is answered like an unknown one.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Path(id) = Path::from_request_parts(parts, app)
            .await
            .map_err(|_| missing())?;
        Ok(Self(id))
    }
}
