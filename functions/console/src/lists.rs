//! What all lists have in common: pages, their size, and ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use muster_aws::Part;
use muster_web::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::failure::{Failure, missing};

/// Bytes of the longest `next`: a name's 128 characters.
const LONGEST_NEXT: usize = 512;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The things; there may be fewer than asked for, even none, before the end of the list.
    pub(crate) items: Vec<T>,
    /// To be sent as `after` for what follows; null: this was the end.
    #[schema(required)]
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// What is stored, as the API shows it.
    pub(crate) fn of<S>(part: Part<S>, view: impl FnMut(S) -> T) -> Self {
        Self {
            items: part.items.into_iter().map(view).collect(),
            next: part.next,
        }
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

/// The `next` of the page before.
#[derive(Debug, Clone)]
pub(crate) struct After<T>(pub(crate) T);

impl<'de, T: FromStr> Deserialize<'de> for After<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.parse() {
            Ok(next) if text.len() <= LONGEST_NEXT => Ok(Self(next)),
            _ => Err(D::Error::custom("this is not the `next` of a page")),
        }
    }
}

/// How many things a page holds at most: 1 to 1,000, 100 unless told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) u16);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.parse() {
            Ok(limit @ 1..=1_000) => Ok(Self(limit)),
            _ => Err(D::Error::custom("a page has 1 to 1000 items")),
        }
    }
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
