//! The import endpoints. Each dialect has a module of its own; what an import does is
//! `muster-import`'s.

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

/// The function's routes.
pub fn router(store: Store, times: Times) -> Router {
    let routes = quant::routes().with_state(App { store, times });
    let (router, _) = routes.split_for_parts();
    muster_web::finish(router)
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    quant::routes().into_openapi()
}
