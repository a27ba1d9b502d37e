//! Users: operators list, find, show, block and unblock them. Everything else about users is done
//! by robots, through the dialects.

mod manager;
mod response;
mod search;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_api::{Page, UserResponse};
use muster_aws::StoreError;
use muster_aws::auth::operators::Operator;
use muster_aws::directory::{UserEntry, UserKey, UserPage, Writer};
use muster_core::attribute::Attribute;
use muster_core::user_request::UserRequest;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Directory, UserSelector, WriteOutcome};
use muster_web::page::{PageQuery, page};
use muster_web::responses::{DryRunErrors, NotFound, OperatorErrors, QueryErrors, ServiceErrors};
use muster_web::{ApiError, QueryParams};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::search::{UserFilter, search};
use crate::access::{Manager, Reader};
use crate::app::App;
use crate::errors::not_found;
use crate::path::PathParams;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(block))
        .routes(routes!(unblock))
}

/// Filter of users. Users match if they meet all conditions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListUsersQuery {
    /// Only the user with this id.
    id: Option<u64>,
    /// Only the user with this login, ignoring case.
    login: Option<String>,
    /// Only the user with exactly this external id.
    external_id: Option<String>,
    /// Only users with this text, ignoring case, in the login, a name, the e-mail address or the
    /// external id. A page reads at most 2,000 users: there may be matches after an empty page.
    text: Option<String>,
    /// `false`: only blocked users; `true`: only users that are not blocked.
    active: Option<bool>,
    /// Only users with exactly this role.
    role: Option<String>,
}

/// List and find users
///
/// Users are ordered by id. `id`, `login` and `external_id` find a user directly; the other
/// conditions read through the tenant's users.
#[utoipa::path(
    get, path = "/users", tag = "Users",
    security(("operator" = ["read"])),
    params(ListUsersQuery, PageQuery),
    responses((status = 200, body = Page<UserResponse>), QueryErrors, OperatorErrors, ServiceErrors)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    QueryParams(filter): QueryParams<ListUsersQuery>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<UserResponse>>, ApiError> {
    let ListUsersQuery {
        id,
        login,
        external_id,
        text,
        active,
        role,
    } = filter;
    let (after, limit) = query.into_parts()?;
    let filter = UserFilter {
        id,
        login,
        external_id,
        text,
        active,
        role,
        after,
    };
    let tenant = &session.operator.tenant;
    let UserPage { users, next } = search(&app.store, tenant, &filter, limit).await?;
    Ok(Json(page(users, next, response::listed)))
}

/// Show a user
#[utoipa::path(
    get, path = "/users/{id}", tag = "Users",
    security(("operator" = ["read"])),
    params(("id" = u64, Path, description = "The user's id.")),
    responses((status = 200, body = UserResponse), NotFound, OperatorErrors, ServiceErrors)
)]
async fn one(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(id): PathParams<u64>,
) -> Result<Json<UserResponse>, ApiError> {
    let tenant = &session.operator.tenant;
    let entry = app.store.directory().find(tenant, UserKey::Id(id)).await?;
    user(&app, entry).await
}

/// Block a user
///
/// Sets `active` to false. Blocking a blocked user changes nothing. An import that sets `active` to true
/// unblocks the user.
#[utoipa::path(
    post, path = "/users/{id}/block", tag = "Users",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The user's id.")),
    responses((status = 200, description = "The user is blocked.", body = UserResponse), DryRunErrors, NotFound, OperatorErrors, ServiceErrors)
)]
async fn block(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<u64>,
) -> Result<Json<UserResponse>, ApiError> {
    let entry = set_active(&app, &operator, id, false).await?;
    user(&app, entry).await
}

/// Unblock a user
///
/// Sets `active` to true. Unblocking an active user changes nothing.
#[utoipa::path(
    post, path = "/users/{id}/unblock", tag = "Users",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The user's id.")),
    responses((status = 200, description = "The user is not blocked.", body = UserResponse), DryRunErrors, NotFound, OperatorErrors, ServiceErrors)
)]
async fn unblock(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<u64>,
) -> Result<Json<UserResponse>, ApiError> {
    let entry = set_active(&app, &operator, id, true).await?;
    user(&app, entry).await
}

async fn set_active(
    app: &App,
    operator: &Operator,
    id: u64,
    active: bool,
) -> Result<Option<UserEntry>, StoreError> {
    let Operator { tenant, name, .. } = operator;
    let flag = Assignment::Set(Value::Flag(active));
    let request = UserRequest {
        changes: Changes {
            assignments: vec![(Attribute::Active, flag)],
            ..Changes::default()
        },
        ..UserRequest::default()
    };
    let writer = Writer::Operator(name.clone());
    let directory = Directory::new(&app.store, tenant, writer, Timestamp::now());
    // Operators may block any existing user, whatever a dialect requires of new users.
    let written = directory.write(UserSelector::Id(id), request, |_| Vec::new());
    Ok(match written.await? {
        WriteOutcome::Created(user)
        | WriteOutcome::Updated { user, .. }
        | WriteOutcome::Unchanged(user) => Some(user),
        // The request sets no external id, and an id selects nobody else.
        WriteOutcome::Refused(_) | WriteOutcome::Promised(_) | WriteOutcome::Missing => None,
    })
}

/// Returns the response about one user.
async fn user(app: &App, entry: Option<UserEntry>) -> Result<Json<UserResponse>, ApiError> {
    let entry = entry.ok_or_else(not_found)?;
    let manager = manager::find(&app.store, &entry.user).await?;
    Ok(Json(response::full(entry, manager)?))
}
