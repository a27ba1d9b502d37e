//! The import endpoints. Each dialect has a module of its own; what an import does is
//! `muster-import`'s.

mod collaborator;
mod method;
mod quant;

use axum::Router;
use muster_aws::Store;
use muster_import::Times;
use utoipa_axum::router::OpenApiRouter;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
    times: Times,
}

fn routes() -> OpenApiRouter<App> {
    quant::routes().merge(collaborator::routes())
}

/// The function's routes.
pub fn router(store: Store, times: Times) -> Router {
    let app = App { store, times };
    let (router, _) = routes().with_state(app).split_for_parts();
    muster_web::finish(router)
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
