//! The operators' API under `/admin/v1` (contract.md#operators-api): tasks, robots, tokens, roles,
//! the execution log, users; and the description of all HTTP functions (`/openapi.json`, `/docs`).
//!
//! There is a module per resource. Bodies are defined in `muster-api`, storage in `muster-aws`.
//! Every operation first checks the operator's session and role (`access`), and reads and changes
//! only data of that operator's tenant.

mod access;
mod app;
mod credentials;
mod description;
mod errors;
mod items;
mod operators;
mod path;
mod robots;
mod roles;
mod runs;
mod sessions;
mod tasks;
mod tokens;
mod users;

use axum::Router;
use muster_aws::Store;
use muster_aws::background::Objects;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, PREFIX};

fn routes() -> OpenApiRouter<App> {
    let resources = OpenApiRouter::new()
        .merge(items::routes())
        .merge(operators::routes())
        .merge(robots::routes())
        .merge(roles::routes())
        .merge(runs::routes())
        .merge(sessions::routes())
        .merge(tasks::routes())
        .merge(tokens::routes())
        .merge(users::routes());
    OpenApiRouter::with_openapi(description::Console::openapi()).nest(PREFIX, resources)
}

/// Returns the function's routes.
pub fn router(store: Store, objects: Objects) -> Router {
    let app = App { store, objects };
    let (router, _) = routes().with_state(app).split_for_parts();
    muster_web::finish(router.merge(description::pages()))
}

/// Returns the OpenAPI description of the function's routes.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
