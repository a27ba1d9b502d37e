//! What a run has to say about its records, and the records that it did not take (CONTRACT §1).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use muster_aws::items::{ItemFilter, NumberedItem, list_items};
use muster_core::item::Severity;
use muster_import::uploads::shown;
use muster_web::documented::{Always, Conflicts, Missing, Queries, Robots};
use muster_web::http::{HeaderValue, header};
use muster_web::lists::{Limit, Page};
use muster_web::{LoggedItem, Parameters};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::OwnRun;
use crate::failure::{Failure, conflict};

const ITEMS_PATH: &str = "/v1/imports/{id}/items";
const REJECTED_PATH: &str = "/v1/imports/{id}/rejected";

/// Bytes of a page of rejected records: an answer of a function has 6 MB, and base64 takes a third
/// more.
const PAGE_BYTES: usize = 4_000_000;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(ITEMS_PATH, get(items))
        .route(REJECTED_PATH, get(rejected))
}

/// What they are documented as.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(items))
        .routes(routes!(rejected))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only items with this code, or a code that begins with it and a dot: `email` finds
    /// `email.malformed`.
    code: Option<String>,
    /// Only items of this severity.
    #[param(inline)]
    severity: Option<Severity>,
    /// Only items about the record with this number.
    record: Option<u64>,
    /// Only items about this JSON key.
    key: Option<String>,
    /// Only items about this user name, in any spelling of it, as it was sent or as it is shown.
    login: Option<String>,
    /// How many items a page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<u64>)]
    from: Option<u64>,
}

/// What an import has to say about its records
///
/// In the order of the records. One page reads a bounded part of the log: with a filter it may hold
/// fewer items than there are, and still have a `next`. While an import goes on in the background,
/// the items of those parts of it are listed that are done.
#[utoipa::path(
    get, path = ITEMS_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id."), Wanted),
    security(("robot" = [])),
    responses((status = 200, body = Page<LoggedItem>), Queries, Missing, Robots, Always)
)]
async fn items(
    State(app): State<App>,
    OwnRun { run, .. }: OwnRun,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<LoggedItem>>, Failure> {
    let Wanted {
        code,
        severity,
        record,
        key,
        login,
        limit: Limit(limit),
        from,
    } = wanted;
    let filter = ItemFilter {
        code,
        severity,
        record,
        key,
        login,
    };
    let (store, objects) = (&app.store, &app.background.objects);
    let (from, now) = (from.unwrap_or(0), Timestamp::now());
    let page = list_items(store, objects, &run, &filter, from, limit.into(), now).await?;
    let items = page.items.into_iter();
    Ok(Json(Page {
        items: items
            .map(|NumberedItem { number, item }| LoggedItem::new(number, item))
            .collect(),
        next: page.next.map(|number| number.to_string()),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Place {
    /// As the `Link` of the page before has it.
    #[param(value_type = Option<u64>)]
    from: Option<u64>,
}

/// The records that an import did not take
///
/// Of an import in the background that has ended: in the order of the data, one a line, each with
/// its mapped keys as they were sent and `_errors`, which says why. Sent again, `_errors` is
/// ignored.
#[utoipa::path(
    get, path = REJECTED_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id."), Place),
    security(("robot" = [])),
    responses(
        (status = 200, description = "About 4 MB of whole lines at most.", body = String, content_type = "application/x-ndjson",
            headers(("Link" = Option<String>, description = "`rel=\"next\"`: where the following records are; absent: there are none."))),
        Queries, Missing, Robots, Conflicts, Always,
    )
)]
async fn rejected(
    State(app): State<App>,
    OwnRun { run, .. }: OwnRun,
    Parameters(Place { from }): Parameters<Place>,
) -> Result<Response, Failure> {
    if !run.state.is_terminal() {
        let state = shown(&run).as_str();
        return Err(conflict(format!(
            "the import has not ended: it is {state}; its `items` can be read meanwhile"
        )));
    }
    if run.job.is_none() {
        return Err(conflict(
            "the import ran within its request, and no records are kept of those: its `items` \
             name them by number",
        ));
    }
    let (store, objects) = (&app.store, &app.background.objects);
    let page = muster_aws::kept::rejected(store, objects, &run, from.unwrap_or(0), PAGE_BYTES);
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
