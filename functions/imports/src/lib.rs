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
    muster_web::finish(routes)
}
