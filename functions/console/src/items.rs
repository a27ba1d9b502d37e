//! The execution log: warnings and errors about the records of a run.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_api::{ItemResponse, Page};
use muster_aws::runs::RunId;
use muster_web::items::ItemsQuery;
use muster_web::page::PageQuery;
use muster_web::request_id::record_import;
use muster_web::responses::{NotFound, OperatorErrors, QueryErrors, ServiceErrors};
use muster_web::{ApiError, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Reader;
use crate::app::App;
use crate::errors::not_found;
use crate::path::PathParams;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(items))
}

/// List the items of a run
///
/// Items are in the order of the run's records. One page reads a bounded part of the log: with a
/// filter it may hold fewer items than match, and still have a `next`. While a run continues in the
/// background, the items of its completed parts are listed.
#[utoipa::path(
    get, path = "/runs/{id}/items", tag = "Execution log",
    security(("operator" = ["read"])),
    params(("id" = String, Path, description = "The run's id."), ItemsQuery, PageQuery),
    responses((status = 200, body = Page<ItemResponse>), QueryErrors, NotFound, OperatorErrors, ServiceErrors)
)]
async fn items(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(id): PathParams<RunId>,
    QueryParams(filter): QueryParams<ItemsQuery>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<ItemResponse>>, ApiError> {
    record_import(id);
    let (after, limit) = query.into_parts()?;
    let (App { store, objects }, tenant) = (&app, &session.operator.tenant);
    let run = store.runs().find(tenant, &id, Timestamp::now()).await?;
    let run = run.ok_or_else(not_found)?;
    let from = after.unwrap_or(0);
    Ok(Json(filter.page(store, objects, &run, from, limit).await?))
}
