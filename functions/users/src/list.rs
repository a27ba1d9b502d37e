//! `GET /v1/orgstruct/users`: a tenant's users, filtered, all at once or in pages
//! (contract.md#qvalon).

mod array;
mod description;
mod invalid;
mod search;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use muster_api::QvalonError;
use muster_core::dialect::qvalon::filter::{ListUsersQuery, Paging};
use muster_core::dialect::qvalon::{USERS_PATH, UserObject};
use muster_web::http::{HeaderName, HeaderValue, Uri, header};

use self::description::ListUsersParams;
use self::invalid::bad_parameters;
use self::search::{UserList, search};
use crate::access::Robot;
use crate::app::App;
use crate::error::UsersError;
use crate::query::pairs;
use crate::responses::{CommonErrors, ReadErrors};

/// Number of users that match, on all pages.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
/// Number of pages.
const TOTAL_PAGES: HeaderName = HeaderName::from_static("x-total-pages");
/// Number of this page, from 0.
const PAGE_NUMBER: HeaderName = HeaderName::from_static("x-page-number");
/// Maximum users per page.
const PAGE_SIZE: HeaderName = HeaderName::from_static("x-page-size");

/// List users
///
/// Users that meet all filters, ordered by id. Separate the values of a list with commas or repeat
/// the parameter; a user must match one of them. Without `page`, `size` and `after` the response
/// has all users; it is an error if there are more than 10,000.
///
/// To read all users with `after`, start at 0 and continue with the last id of each page. A page
/// with fewer than `size` users is the last one.
#[utoipa::path(
    get, path = USERS_PATH, tag = "QVALON",
    security(("robot" = [])),
    params(ListUsersParams),
    responses(
        (status = 200, description = "The users; an empty array after the last page.", body = Vec<UserObject<'static>>,
            headers(
                ("x-total-count" = Option<u64>, description = "With `page` or `size`: number of users that match."),
                ("x-total-pages" = Option<u64>, description = "With `page` or `size`: number of pages."),
                ("x-page-number" = Option<u64>, description = "With `page` or `size`: number of this page, from 0."),
                ("x-page-size" = Option<u16>, description = "With `page`, `size` or `after`: maximum users per page."),
            )),
        (status = 400, description = "A parameter is invalid, or the response would be too large or take too long; `field` names the parameter to change.", body = QvalonError),
        ReadErrors, CommonErrors,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    robot: Robot,
    uri: Uri,
) -> Result<Response, UsersError> {
    let pairs = pairs(&uri);
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    let query = ListUsersQuery::read(pairs).map_err(bad_parameters)?;
    let list = search(&app.store, &robot.tenant, &query).await?;
    Ok(response(list, query.paging))
}

fn response(list: UserList, paging: Paging) -> Response {
    let UserList { json, total } = list;
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
