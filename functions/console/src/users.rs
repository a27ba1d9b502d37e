//! Users: listed, found, looked at, blocked and let in again. Everything else about them is the
//! dialects' affair.

mod manager;
mod search;
mod view;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::directory::{Entry, UserKey, UserPage, Writer};
use muster_aws::operators::Operator;
use muster_core::attribute::Attribute;
use muster_core::single::Request;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Directory, Whom, Written};
use muster_web::Parameters;
use muster_web::documented::{Always, Missing, Operators, Queries};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::search::{Wanted, search};
use self::view::User;
use crate::App;
use crate::access::{Manager, Reader};
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Limit, Page};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(block))
        .routes(routes!(unblock))
}

/// Which users are listed: those of whom all that is given is true.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    /// The id.
    id: Option<u64>,
    /// The login; capital and small letters are the same.
    login: Option<String>,
    /// The external id, exactly.
    external_id: Option<String>,
    /// Part of the login, a name, the e-mail address or the external id, in capital or small
    /// letters. Such a search looks at 2,000 users at a time: there may be more behind a page that
    /// holds none.
    text: Option<String>,
    /// `false`: who is blocked; `true`: who is not.
    active: Option<bool>,
    /// The role, exactly.
    role: Option<String>,
    /// How many users the page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After<u64>>,
}

/// List and find users
///
/// In the order of their ids. `id`, `login` and `external_id` find a user at once; the others walk
/// through the tenant.
#[utoipa::path(
    get, path = "/users", tag = "Users",
    security(("operator" = ["read"])),
    params(Query),
    responses((status = 200, body = Page<User>), Queries, Operators, Always)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    Parameters(query): Parameters<Query>,
) -> Result<Json<Page<User>>, Failure> {
    let Query {
        id,
        login,
        external_id,
        text,
        active,
        role,
        limit: Limit(limit),
        after,
    } = query;
    let wanted = Wanted {
        id,
        login,
        external_id,
        text,
        active,
        role,
        after: after.map(|After(id)| id),
    };
    let tenant = &session.operator.tenant;
    let UserPage { users, next } = search(&app.store, tenant, &wanted, limit).await?;
    Ok(Json(Page {
        items: users.into_iter().map(User::listed).collect(),
        next: next.map(|id| id.to_string()),
    }))
}

/// Look at a user
#[utoipa::path(
    get, path = "/users/{id}", tag = "Users",
    security(("operator" = ["read"])),
    params(("id" = u64, Path, description = "The user's id.")),
    responses((status = 200, body = User), Missing, Operators, Always)
)]
async fn one(
    State(app): State<App>,
    Reader(session): Reader,
    Id(id): Id<u64>,
) -> Result<Json<User>, Failure> {
    let tenant = &session.operator.tenant;
    let entry = app.store.find_user(tenant, UserKey::Id(id)).await?;
    shown(&app, entry).await
}

/// Block a user
///
/// Sets `active` to false; a user who is blocked already is left as it is. An import that says
/// otherwise lets the user in again.
#[utoipa::path(
    post, path = "/users/{id}/block", tag = "Users",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The user's id.")),
    responses((status = 200, description = "The user is blocked.", body = User), Missing, Operators, Always)
)]
async fn block(
    State(app): State<App>,
    Manager(operator): Manager,
    Id(id): Id<u64>,
) -> Result<Json<User>, Failure> {
    let entry = set_active(&app, &operator, id, false).await?;
    shown(&app, entry).await
}

/// Let a blocked user in again
///
/// Sets `active` to true; a user who is not blocked is left as it is.
#[utoipa::path(
    post, path = "/users/{id}/unblock", tag = "Users",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The user's id.")),
    responses((status = 200, description = "The user is not blocked.", body = User), Missing, Operators, Always)
)]
async fn unblock(
    State(app): State<App>,
    Manager(operator): Manager,
    Id(id): Id<u64>,
) -> Result<Json<User>, Failure> {
    let entry = set_active(&app, &operator, id, true).await?;
    shown(&app, entry).await
}

async fn set_active(
    app: &App,
    operator: &Operator,
    id: u64,
    active: bool,
) -> Result<Option<Entry>, StoreError> {
    let Operator { tenant, name, .. } = operator;
    let flag = Assignment::Set(Value::Flag(active));
    let request = Request {
        changes: Changes {
            assignments: vec![(Attribute::Active, flag)],
            ..Changes::default()
        },
        ..Request::default()
    };
    let writer = Writer::Operator(name.clone());
    let directory = Directory::new(&app.store, tenant, writer, Timestamp::now());
    // An operator may do this to any user there is, whatever a dialect wants of new ones.
    let written = directory.write(Whom::Id(id), request, |_| Vec::new());
    Ok(match written.await? {
        Written::Created(user) | Written::Updated { user, .. } | Written::Unchanged(user) => {
            Some(user)
        }
        Written::Refused(_) | Written::Missing => None,
    })
}

/// The answer about one user.
async fn shown(app: &App, entry: Option<Entry>) -> Result<Json<User>, Failure> {
    let entry = entry.ok_or_else(missing)?;
    let manager = manager::of(&app.store, &entry.user).await?;
    Ok(Json(User::alone(entry, manager)?))
}
