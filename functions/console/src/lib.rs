//! The operator's API under `/admin/v1`: tasks, robots, tokens, roles, the execution log, users
//! (CONTRACT §1), and the description of all HTTP functions (`/openapi.json`, `/docs`). A module
//! each; what is stored, and how, is `muster-aws`'s. Every operation begins with the operator's
//! session and role (`access`); all it reads and changes is of that operator's tenant.

mod access;
mod credentials;
mod description;
mod failure;
mod items;
mod lists;
mod operators;
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

/// Where the operator's API begins.
const PREFIX: &str = "/admin/v1";

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
    /// Where runs in the background keep their items.
    objects: Objects,
}

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

/// The function's routes.
pub fn router(store: Store, objects: Objects) -> Router {
    let app = App { store, objects };
    let (router, _) = routes().with_state(app).split_for_parts();
    muster_web::finish(router.merge(description::pages()))
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
