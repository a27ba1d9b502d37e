//! The versions of a task.

use axum::Json;
use axum::extract::State;
use muster_web::Parameters;
use muster_web::documented::{Always, Missing, Operators, Queries};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::view::VersionView;
use crate::App;
use crate::access::Reader;
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Limit, Page};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(history))
}

/// Which versions are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Versions {
    /// How many the page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After<u64>>,
}

/// List a task's versions
///
/// The newest first; they are kept for ever.
#[utoipa::path(
    get, path = "/tasks/{id}/history", tag = "Tasks",
    security(("operator" = ["read"])),
    params(("id" = u64, Path, description = "The task's id."), Versions),
    responses((status = 200, body = Page<VersionView>), Queries, Missing, Operators, Always)
)]
async fn history(
    State(app): State<App>,
    Reader(session): Reader,
    Id(id): Id<u64>,
    Parameters(wanted): Parameters<Versions>,
) -> Result<Json<Page<VersionView>>, Failure> {
    let Versions {
        limit: Limit(limit),
        after,
    } = wanted;
    let after = after.map(|After(version)| version);
    let tenant = &session.operator.tenant;
    let history = app.store.task_history(tenant, id, after, limit).await?;
    let history = history.ok_or_else(missing)?;
    Ok(Json(Page {
        items: history
            .versions
            .into_iter()
            .map(VersionView::from)
            .collect(),
        next: history.next.map(|version| version.to_string()),
    }))
}
