//! The operators of the tenant.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_aws::operators::{Operator, OperatorChange, OperatorChanged, OperatorEntry, Role};
use muster_web::documented::{Always, Bodies, Conflicts, Missing, Operators, Queries};
use muster_web::http::StatusCode;
use muster_web::{JsonBody, Parameters, Problem};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Manager, Reader};
use crate::credentials::{check_name, check_password, location, made, refuse};
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Page, Paging, page};
use muster_web::time;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
}

/// An operator.
#[derive(Serialize, ToSchema)]
#[schema(as = Operator)]
struct View {
    /// The name.
    #[schema(example = "anna")]
    name: String,
    /// What the operator may do.
    role: Role,
    /// Whether the operator may sign in; the sessions of one who may not are over.
    enabled: bool,
    /// When the operator was made.
    #[schema(example = "2026-11-22T01:02:03.004Z")]
    #[serde(serialize_with = "time::millis")]
    created_at: Timestamp,
    /// When the operator was changed last.
    #[schema(example = "2026-11-22T01:02:03.004Z")]
    #[serde(serialize_with = "time::millis")]
    updated_at: Timestamp,
}

impl From<OperatorEntry> for View {
    fn from(operator: OperatorEntry) -> Self {
        let OperatorEntry {
            name,
            role,
            enabled,
            created_at,
            updated_at,
        } = operator;
        Self {
            name,
            role,
            enabled,
            created_at,
            updated_at,
        }
    }
}

/// A new operator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOperator)]
struct New {
    /// 1 to 128 characters: no control characters, none of `/ \ ? # %`, no space at the ends, not
    /// only dots.
    #[schema(example = "anna", min_length = 1, max_length = 128)]
    name: String,
    /// 8 to 128 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: SecretString,
    /// What the operator may do.
    role: Role,
}

/// What is to become of an operator; what is absent or null stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperatorChange)]
struct Change {
    /// What the operator may do.
    role: Option<Role>,
    /// Whether the operator may sign in.
    enabled: Option<bool>,
    /// Another password, of 8 to 128 characters. It ends the operator's sessions.
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<SecretString>,
}

/// List operators
///
/// In the order of their names.
#[utoipa::path(
    get, path = "/operators", tag = "Operators",
    security(("operator" = ["read"])),
    params(Paging),
    responses((status = 200, body = Page<View>), Operators, Queries, Always)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    Parameters(Paging { limit, after }): Parameters<Paging>,
) -> Result<Json<Page<View>>, Failure> {
    let (tenant, after) = (
        &session.operator.tenant,
        after.as_ref().map(|After(name)| name.as_str()),
    );
    let part = app
        .store
        .operators(tenant, after, limit.0, Timestamp::now())
        .await?;
    Ok(Json(page(part, View::from)))
}

/// Make an operator
///
/// Names are unique across all tenants.
#[utoipa::path(
    post, path = "/operators", tag = "Operators",
    security(("operator" = ["manage"])),
    request_body = New,
    responses(
        (status = 201, body = View, headers(("Location" = String, description = "Where the operator is."))),
        Operators, Conflicts, Bodies, Always,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(manager): Manager,
    JsonBody(new): JsonBody<New>,
) -> Result<Response, Failure> {
    let New {
        name,
        password,
        role,
    } = new;
    let wrong = [check_name(&name), check_password("password", &password)];
    refuse(wrong.into_iter().flatten())?;
    let operator = Operator {
        tenant: manager.tenant,
        name,
        role,
    };
    let (store, now) = (&app.store, Timestamp::now());
    made(
        store
            .create_operator(operator.clone(), password, now)
            .await?,
    )?;
    let found = store.get_operator(&operator.tenant, &operator.name).await?;
    let view = View::from(found.ok_or_else(missing)?);
    let location = location("operators", &view.name);
    Ok((StatusCode::CREATED, location, Json(view)).into_response())
}

/// Show an operator
#[utoipa::path(
    get, path = "/operators/{name}", tag = "Operators",
    security(("operator" = ["read"])),
    params(("name" = String, Path, description = "The operator's name.")),
    responses((status = 200, body = View), Operators, Missing, Always)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    Id(name): Id<String>,
) -> Result<Json<View>, Failure> {
    let tenant = &session.operator.tenant;
    let found = app.store.get_operator(tenant, &name).await?;
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Change an operator
///
/// Another password, or `enabled: false`, ends the operator's sessions. The tenant always keeps an
/// enabled operator with the role `manage`.
#[utoipa::path(
    patch, path = "/operators/{name}", tag = "Operators",
    security(("operator" = ["manage"])),
    params(("name" = String, Path, description = "The operator's name.")),
    request_body = Change,
    responses((status = 200, body = View), Operators, Missing, Conflicts, Bodies, Always)
)]
async fn change(
    State(app): State<App>,
    Manager(manager): Manager,
    Id(name): Id<String>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<View>, Failure> {
    let Change {
        role,
        enabled,
        password,
    } = change;
    let given = password.as_ref();
    refuse(given.and_then(|password| check_password("password", password)))?;
    let change = OperatorChange {
        role,
        enabled,
        password,
    };
    let changed = app
        .store
        .change_operator(&manager.tenant, &name, change, Timestamp::now())
        .await?;
    match changed {
        OperatorChanged::Done(operator) => Ok(Json(operator.into())),
        OperatorChanged::Missing => Err(missing()),
        OperatorChanged::LastManager => Err(last_manager().into()),
    }
}

fn last_manager() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "this is the tenant's last enabled operator with the role `manage`, so nothing was \
         changed: give that role to another one first",
    )
}
