//! `GET /v1/orgstruct/users`: a tenant's users, filtered, all at once or in parts (CONTRACT §3).

mod answer;
mod description;
mod search;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use muster_core::dialect::qvalon::filter::{BadParameter, Paging, Query};
use muster_core::dialect::qvalon::{USERS_PATH, UserObject};
use muster_web::http::{HeaderName, HeaderValue, Uri, header};

use self::description::Parameters;
use self::search::{Found, search};
use crate::App;
use crate::access::Robot;
use crate::failure::{Failure, Problem};
use crate::query::pairs;

/// How many users match, on all pages.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
/// How many pages they make.
const TOTAL_PAGES: HeaderName = HeaderName::from_static("x-total-pages");
/// Which page this is, from 0.
const PAGE_NUMBER: HeaderName = HeaderName::from_static("x-page-number");
/// How many users a page has.
const PAGE_SIZE: HeaderName = HeaderName::from_static("x-page-size");

/// List users
///
/// In the order of their ids: those who meet every filter that is given. Lists are separated by
/// commas or given under the same name again; one of their values is enough. Without `page`,
/// `size` and `after` the answer holds all, or is refused if that is more than 10,000.
///
/// A walk with `after` begins at 0, goes on behind the last id of each page, and is at its end
/// when a page holds fewer than `size` users.
#[utoipa::path(
    get, path = USERS_PATH, tag = "QVALON",
    security(("robot" = [])),
    params(Parameters),
    responses(
        (status = 200, description = "The users; none behind the last page.", body = Vec<UserObject<'static>>,
            headers(
                ("x-total-count" = Option<u64>, description = "With `page` or `size`: how many users match."),
                ("x-total-pages" = Option<u64>, description = "With `page` or `size`: how many pages they make."),
                ("x-page-number" = Option<u64>, description = "With `page` or `size`: which page this is."),
                ("x-page-size" = Option<u16>, description = "Of a page: how many users it has at most."),
            )),
        (status = 400, description = "A parameter cannot be taken, or the answer would be too large, or take too long: `field` has the parameter to change.", body = Problem),
        (status = 401, description = "The token is missing or invalid, or its robot may not use this dialect.", body = Problem),
        (status = 429, description = "The service is busy; `Retry-After` has the seconds to wait.", body = Problem),
        (status = 500, description = "The service failed; the header `x-request-id` has what the operator needs.", body = Problem),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    robot: Robot,
    uri: Uri,
) -> Result<Response, Failure> {
    let given = pairs(&uri);
    let given = given.iter().map(|(name, value)| (&**name, &**value));
    let query = Query::read(given).map_err(all_refused)?;
    let found = search(&app.store, &robot.tenant, &query).await?;
    Ok(answer(found, query.paging))
}

/// One parameter that is to be changed.
fn refused(name: &'static str, message: &str) -> Failure {
    let message = message.to_owned();
    all_refused(vec![BadParameter { name, message }])
}

/// Every parameter that is to be changed; `field` is the first of them.
fn all_refused(wrong: Vec<BadParameter>) -> Failure {
    let field = wrong.first().map_or("", |bad| bad.name);
    let each = wrong
        .iter()
        .map(|BadParameter { name, message }| format!("{name}: {message}"));
    Failure::bad(field, each.collect::<Vec<_>>().join("; "))
}

fn answer(found: Found, paging: Paging) -> Response {
    let Found { json, total } = found;
    let mut response = ([(header::CONTENT_TYPE, "application/json")], json).into_response();
    let headers = response.headers_mut();
    match paging {
        Paging::All => {}
        Paging::After { after: _, size } => {
            headers.insert(PAGE_SIZE, HeaderValue::from(size));
        }
        Paging::Page { page, size } => {
            headers.insert(TOTAL_COUNT, HeaderValue::from(total));
            let pages = total.div_ceil(u64::from(size));
            headers.insert(TOTAL_PAGES, HeaderValue::from(pages));
            headers.insert(PAGE_NUMBER, HeaderValue::from(page));
            headers.insert(PAGE_SIZE, HeaderValue::from(size));
        }
    }
    response
}
