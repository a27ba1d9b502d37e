//! The import endpoints. There is a module per dialect, one for uploads, and one each for the
//! status and the items of an import. `muster-import` carries the imports out.

mod access;
mod app;
mod collaborator;
mod items;
mod method;
mod quant;
mod response;
mod runs;
mod uploads;

use axum::Router;
use muster_aws::{Background, Store};
use muster_import::Times;

use crate::app::App;

/// Returns the function's routes, without their description: building it would slow down cold
/// starts.
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

/// Returns the OpenAPI description of the function's routes.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    quant::described()
        .merge(collaborator::described())
        .merge(items::described())
        .merge(runs::described())
        .merge(uploads::described())
        .into_openapi()
}
