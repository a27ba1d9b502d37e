//! QVALON's user resource under `/v1/orgstruct/users` (contract.md#qvalon): robots create, change,
//! show and list users of the directory that all dialects share.

mod access;
mod app;
mod body;
mod error;
mod list;
mod query;
mod responses;
mod user;

use axum::Router;
use axum::routing::{get, post};
use muster_aws::Store;
use muster_core::dialect::qvalon::{USER_PATH, USERS_PATH};
use muster_web::http::{Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::UsersError;

/// Responds with 405; axum adds `Allow`.
async fn wrong_method(method: Method) -> UsersError {
    UsersError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not allowed here: the Allow header lists the methods that are"),
    )
}

/// Returns the function's routes, without their description: building it would slow down cold
/// starts.
pub fn router(store: Store) -> Router {
    let all = post(user::create).get(list::list);
    let single = get(user::get).put(user::update);
    let router = Router::new()
        .route(USERS_PATH, all.fallback(wrong_method))
        .route(USER_PATH, single.fallback(wrong_method));
    muster_web::finish(router.with_state(App { store }))
}

/// Returns the OpenAPI description of the function's routes.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<App>::new()
        .routes(routes!(user::create, list::list))
        .routes(routes!(user::get, user::update))
        .into_openapi()
}
