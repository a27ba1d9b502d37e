//! What lists have in common: pages, and their size.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

/// Bytes of the longest `next`: a name's 128 characters.
const LONGEST_NEXT: usize = 512;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The things; there may be fewer than asked for, even none, before the end of the list.
    pub items: Vec<T>,
    /// To be sent as `after` (`from`, where an operation has that) for what follows; null: this was
    /// the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// The `next` of the page before.
#[derive(Debug, Clone)]
pub struct After<T>(pub T);

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
pub struct Limit(pub u16);

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
