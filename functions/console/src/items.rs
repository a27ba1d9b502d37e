//! The execution log: what a run has to say about its records.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_aws::items::{ItemFilter, NumberedItem, list_items};
use muster_aws::runs::RunId;
use muster_core::item::Severity;
use muster_web::documented::{Always, Missing, Operators, Queries};
use muster_web::{LoggedItem, Parameters};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::Reader;
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Limit, Page};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(items))
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
    #[serde(default)]
    #[param(value_type = Option<String>)]
    after: Option<After<u64>>,
}

/// The items of a run, in the order of its records
///
/// One page reads a bounded part of the log: with a filter it may hold fewer items than there are,
/// and still have a `next`. While a run goes on in the background, the items of those parts of it
/// are listed that are done.
#[utoipa::path(
    get, path = "/runs/{id}/items", tag = "Execution log",
    security(("operator" = ["read"])),
    params(("id" = String, Path, description = "The run's id."), Wanted),
    responses((status = 200, body = Page<LoggedItem>), Queries, Missing, Operators, Always)
)]
async fn items(
    State(app): State<App>,
    Reader(session): Reader,
    Id(id): Id<RunId>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<LoggedItem>>, Failure> {
    let Wanted {
        code,
        severity,
        record,
        key,
        login,
        limit: Limit(limit),
        after,
    } = wanted;
    let filter = ItemFilter {
        code,
        severity,
        record,
        key,
        login,
    };
    let from = after.map_or(0, |After(number)| number);
    let (App { store, objects }, now) = (&app, Timestamp::now());
    let tenant = &session.operator.tenant;
    let run = store.tenant_run(tenant, &id, now).await?;
    let run = run.ok_or_else(missing)?;
    let page = list_items(store, objects, &run, &filter, from, limit.into(), now).await?;
    Ok(Json(Page {
        items: page.items.into_iter().map(logged).collect(),
        next: page.next.map(|number| number.to_string()),
    }))
}

fn logged(NumberedItem { number, item }: NumberedItem) -> LoggedItem {
    LoggedItem::new(number, item)
}
