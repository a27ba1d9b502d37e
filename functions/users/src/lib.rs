//! QVALON's user resource under `/v1/orgstruct/users` (CONTRACT §3): users made, changed, listed
//! and looked at one at a time, over the directory that all dialects share.

mod access;
mod body;
mod failure;
mod list;
mod one;
mod query;

use axum::Router;
use axum::routing::{get, post};
use muster_aws::Store;
use muster_core::dialect::qvalon::{USER_PATH, USERS_PATH};
use muster_web::http::{Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::failure::Failure;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
}

/// 405; axum adds `Allow`.
async fn wrong_method(method: Method) -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here; see the Allow header"),
    )
}

/// The function's routes. Their description is made apart: it would be much of a cold start.
pub fn router(store: Store) -> Router {
    let all = post(one::create).get(list::list);
    let single = get(one::get).put(one::update);
    let router = Router::new()
        .route(USERS_PATH, all.fallback(wrong_method))
        .route(USER_PATH, single.fallback(wrong_method));
    muster_web::finish(router.with_state(App { store }))
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<App>::new()
        .routes(routes!(one::create, list::list))
        .routes(routes!(one::get, one::update))
        .into_openapi()
}
