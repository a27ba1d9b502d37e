//! QVALON's user resource under `/v1/orgstruct/users` (CONTRACT §3): users made, changed, listed
//! and looked at one at a time, over the directory that all dialects share.

mod access;
mod body;
mod failure;
mod one;

use axum::Router;
use muster_aws::Store;
use muster_web::http::{Method, StatusCode};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::failure::Failure;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
}

fn routes() -> OpenApiRouter<App> {
    let all = routes!(one::create);
    let single = routes!(one::get, one::update);
    OpenApiRouter::new()
        .routes(all.map(|methods| methods.fallback(wrong_method)))
        .routes(single.map(|methods| methods.fallback(wrong_method)))
}

/// 405; axum adds `Allow`.
async fn wrong_method(method: Method) -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here; see the Allow header"),
    )
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
