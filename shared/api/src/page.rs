//! Pages of lists.

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items. A page may hold fewer than requested, even none, before the end of the list.
    pub items: Vec<T>,
    /// Cursor of the next page, to send as `after` (or `from`, where the operation takes that);
    /// null on the last page.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next: Option<String>,
}
