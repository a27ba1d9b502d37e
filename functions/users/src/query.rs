//! The query of a request, as it is sent: names may come several times.

use axum::extract::Query;
use muster_web::http::Uri;

/// Its parameters, in their order. Any query is a list of pairs.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    let query = Query::try_from_uri(uri);
    query.map(|Query(pairs)| pairs).unwrap_or_default()
}
