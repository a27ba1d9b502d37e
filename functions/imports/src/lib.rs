//! The import endpoints. Each dialect has a module of its own; what an import does is
//! `muster-import`'s.

mod collaborator;
mod method;
mod quant;

use axum::Router;
use muster_aws::Store;
use muster_import::Times;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
    times: Times,
}

/// The function's routes. Their description is made apart: it would be much of a cold start.
pub fn router(store: Store, times: Times) -> Router {
    let app = App { store, times };
    let router = quant::routes().merge(collaborator::routes());
    muster_web::finish(router.with_state(app))
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    quant::described()
        .merge(collaborator::described())
        .into_openapi()
}
