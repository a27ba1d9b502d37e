//! QVALON's user resource under `/v1/orgstruct/users` (CONTRACT §3): users made, changed, listed
//! and looked at one at a time, over the directory that all dialects share.

mod access;
mod failure;
mod list;

use axum::Router;
use muster_aws::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list::list))
}

/// The function's routes.
pub fn router(store: Store) -> Router {
    let (router, _) = routes().with_state(App { store }).split_for_parts();
    muster_web::finish(router)
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
