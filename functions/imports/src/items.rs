//! Warnings and errors about the records of an import (contract.md#execution-log), and the records
//! that it rejected (contract.md#rejected-records).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use muster_api::{ItemResponse, Page};
use muster_import::uploads::public_state;
use muster_web::http::{HeaderValue, header};
use muster_web::items::ItemsQuery;
use muster_web::page::Limit;
use muster_web::responses::{Conflict, NotFound, QueryErrors, RobotErrors, ServiceErrors};
use muster_web::{ApiError, QueryParams};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::PermittedRun;
use crate::app::App;

const ITEMS_PATH: &str = "/v1/imports/{id}/items";
const REJECTED_PATH: &str = "/v1/imports/{id}/rejected";

/// Maximum bytes of a page of rejected records: a function's response is limited to 6 MB, and
/// base64 adds a third.
const MAX_REJECTED_PAGE_BYTES: usize = 4_000_000;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(ITEMS_PATH, get(items))
        .route(REJECTED_PATH, get(rejected))
}

/// Returns the routes with their OpenAPI description.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(items))
        .routes(routes!(rejected))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ItemsPageQuery {
    /// Maximum items of the page.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the previous page.
    from: Option<u64>,
}

/// List the items of an import
///
/// Items are in the order of the records. One page reads a bounded part of the log: with a filter
/// it may hold fewer items than match, and still have a `next`. While an import continues in the
/// background, the items of its completed parts are listed.
#[utoipa::path(
    get, path = ITEMS_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id."), ItemsQuery, ItemsPageQuery),
    security(("robot" = [])),
    responses((status = 200, body = Page<ItemResponse>), QueryErrors, NotFound, RobotErrors, ServiceErrors)
)]
async fn items(
    State(app): State<App>,
    PermittedRun { run, .. }: PermittedRun,
    QueryParams(filter): QueryParams<ItemsQuery>,
    QueryParams(query): QueryParams<ItemsPageQuery>,
) -> Result<Json<Page<ItemResponse>>, ApiError> {
    let ItemsPageQuery {
        limit: Limit(limit),
        from,
    } = query;
    let (store, objects) = (&app.store, &app.background.objects);
    let page = filter.page(store, objects, &run, from.unwrap_or(0), limit);
    Ok(Json(page.await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RejectedQuery {
    /// Position of the page, from the `Link` of the previous page.
    from: Option<u64>,
}

/// List the records that an import rejected
///
/// Only for ended imports in the background. The records are in the order of the data, one per
/// line, each with its mapped keys as they were sent, or with `_element` if it was no object, and
/// `_errors` with the reasons. An import ignores `_errors`, so that corrected records can be sent
/// again.
#[utoipa::path(
    get, path = REJECTED_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id."), RejectedQuery),
    security(("robot" = [])),
    responses(
        (status = 200, description = "Whole lines, at most about 4 MB.", body = String, content_type = "application/x-ndjson",
            headers(("Link" = Option<String>, description = "`rel=\"next\"`: the next page; absent on the last page."))),
        QueryErrors, NotFound, RobotErrors, Conflict, ServiceErrors,
    )
)]
async fn rejected(
    State(app): State<App>,
    PermittedRun { run, .. }: PermittedRun,
    QueryParams(RejectedQuery { from }): QueryParams<RejectedQuery>,
) -> Result<Response, ApiError> {
    if !run.state.is_terminal() {
        let state = public_state(&run).as_str();
        return Err(ApiError::conflict(format!(
            "the import has not ended: its state is {state}; its `items` can already be read"
        )));
    }
    if run.job.is_none() {
        return Err(ApiError::conflict(
            "the import was synchronous, and rejected records of synchronous imports are not kept: \
             its `items` refer to them by number",
        ));
    }
    let (store, objects) = (&app.store, &app.background.objects);
    let from = from.unwrap_or(0);
    let page = store
        .rejected_records()
        .list(objects, &run, from, MAX_REJECTED_PAGE_BYTES);
    let page = page.await?;
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    let mut response = ([(header::CONTENT_TYPE, ndjson)], page.ndjson).into_response();
    let link = page.next.map(|next| {
        let path = format!("/v1/imports/{}/rejected?from={next}", run.id);
        HeaderValue::from_str(&format!("<{path}>; rel=\"next\""))
    });
    if let Some(Ok(link)) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}
