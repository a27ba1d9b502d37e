//! The import endpoints. Each dialect has a module of its own, and so have uploads and what is asked
//! of runs; what an import does is `muster-import`'s.

mod access;
mod answer;
mod collaborator;
mod failure;
mod items;
mod method;
mod quant;
mod runs;
mod uploads;

use axum::Router;
use muster_aws::{Background, Store};
use muster_import::Times;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    store: Store,
    background: Background,
    times: Times,
}

/// The function's routes. Their description is made apart: it would be much of a cold start.
pub fn router(store: Store, background: Background, times: Times) -> Router {
    let app = App {
        store,
        background,
        times,
    };
    let router = quant::routes()
        .merge(collaborator::routes())
        .merge(items::routes())
        .merge(runs::routes())
        .merge(uploads::routes());
    muster_web::finish(router.with_state(app))
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    quant::described()
        .merge(collaborator::described())
        .merge(items::described())
        .merge(runs::described())
        .merge(uploads::described())
        .into_openapi()
}
