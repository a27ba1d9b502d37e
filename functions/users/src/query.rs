//! Queries of requests, in which names may be repeated.

use axum::extract::Query;
use muster_web::http::Uri;

/// Returns the parameters in their order.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    // Never fails: every query is a list of pairs.
    let query = Query::try_from_uri(uri);
    query.map(|Query(pairs)| pairs).unwrap_or_default()
}
