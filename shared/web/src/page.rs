//! Pages of lists: their size, their cursors, and their queries.

use std::str::FromStr;

use muster_api::Page;
use muster_aws::ListPage;
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::IntoParams;

use crate::ProblemResponse;
use crate::json::invalid_parameter;

/// Maximum bytes of a cursor: the 128 characters of a name.
const MAX_CURSOR_BYTES: usize = 512;

/// Maximum items per page, unless the request says otherwise.
const DEFAULT_PAGE_ITEMS: u16 = 100;

/// Maximum items of a page: 1 to 1,000, by default 100.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub u16);

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_PAGE_ITEMS)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit @ 1..=1_000) => Ok(Self(limit)),
            _ => Err(D::Error::custom("invalid limit: expected 1 to 1000")),
        }
    }
}

/// Size and start of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Maximum items of the page.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the previous page.
    after: Option<String>,
}

impl PageQuery {
    /// Returns the cursor, if there is one, and the maximum number of items.
    ///
    /// # Errors
    /// Returns a 400 error if the cursor is not the `next` of a page.
    pub fn into_parts<T: FromStr>(self) -> Result<(Option<T>, u16), ProblemResponse> {
        let Self { limit, after } = self;
        let after = after.map(|text| {
            text.parse()
                .ok()
                .filter(|_| text.len() <= MAX_CURSOR_BYTES)
                .ok_or_else(|| {
                    invalid_parameter(
                        "after",
                        "invalid cursor: expected the `next` of the previous page",
                    )
                })
        });
        Ok((after.transpose()?, limit.0))
    }
}

/// Returns part of a list as a page of responses.
pub fn page_of<S, T>(part: ListPage<S>, response: impl FnMut(S) -> T) -> Page<T> {
    page(part.items, part.next, response)
}

/// Returns items and the cursor of the next page as a page of responses.
pub fn page<S, T>(
    items: Vec<S>,
    next: Option<impl ToString>,
    response: impl FnMut(S) -> T,
) -> Page<T> {
    Page {
        items: items.into_iter().map(response).collect(),
        next: next.map(|next| next.to_string()),
    }
}
