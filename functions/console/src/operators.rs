//! The operators of the tenant.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_api::{CreateOperatorRequest, OperatorResponse, Page, UpdateOperatorRequest};
use muster_aws::auth::operators::{Operator, OperatorChange, OperatorChanged, OperatorEntry};
use muster_web::http::StatusCode;
use muster_web::page::{PageQuery, page_of};
use muster_web::responses::{
    BodyErrors, Conflict, NotFound, OperatorErrors, QueryErrors, ServiceErrors,
};
use muster_web::{ApiError, JsonBody, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::app::App;
use crate::credentials::{ensure_created, ensure_valid, location, name_error, password_error};
use crate::errors::not_found;
use crate::path::PathParams;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
}

fn response(operator: OperatorEntry) -> OperatorResponse {
    let OperatorEntry {
        name,
        role,
        enabled,
        created_at,
        updated_at,
    } = operator;
    OperatorResponse {
        name,
        role: role.into(),
        enabled,
        created_at,
        updated_at,
    }
}

/// List operators
///
/// Operators are ordered by name.
#[utoipa::path(
    get, path = "/operators", tag = "Operators",
    security(("operator" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = Page<OperatorResponse>), OperatorErrors, QueryErrors, ServiceErrors)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<OperatorResponse>>, ApiError> {
    let (after, limit) = query.into_parts::<String>()?;
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let part = app
        .store
        .operators()
        .list(tenant, after.as_deref(), limit, now);
    Ok(Json(page_of(part.await?, response)))
}

/// Create an operator
///
/// Names are unique across all tenants.
#[utoipa::path(
    post, path = "/operators", tag = "Operators",
    security(("operator" = ["manage"])),
    request_body = CreateOperatorRequest,
    responses(
        (status = 201, body = OperatorResponse, headers(("Location" = String, description = "Path of the operator."))),
        OperatorErrors, Conflict, BodyErrors, ServiceErrors,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(manager): Manager,
    JsonBody(request): JsonBody<CreateOperatorRequest>,
) -> Result<Response, ApiError> {
    let CreateOperatorRequest {
        name,
        password,
        role,
    } = request;
    let errors = [name_error(&name), password_error("password", &password)];
    ensure_valid(errors.into_iter().flatten())?;
    let operator = Operator {
        tenant: manager.tenant,
        name,
        role,
    };
    let (store, now) = (&app.store, Timestamp::now());
    let created = store.operators().create(operator.clone(), password, now);
    ensure_created(created.await?)?;
    let found = store
        .operators()
        .get(&operator.tenant, &operator.name)
        .await?;
    let operator = response(found.ok_or_else(not_found)?);
    let location = location("operators", &operator.name);
    Ok((StatusCode::CREATED, location, Json(operator)).into_response())
}

/// Show an operator
#[utoipa::path(
    get, path = "/operators/{name}", tag = "Operators",
    security(("operator" = ["read"])),
    params(("name" = String, Path, description = "The operator's name.")),
    responses((status = 200, body = OperatorResponse), OperatorErrors, NotFound, ServiceErrors)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(name): PathParams<String>,
) -> Result<Json<OperatorResponse>, ApiError> {
    let tenant = &session.operator.tenant;
    let found = app.store.operators().get(tenant, &name).await?;
    Ok(Json(response(found.ok_or_else(not_found)?)))
}

/// Change an operator
///
/// A new password, or `enabled: false`, ends the operator's sessions. The tenant always keeps an
/// enabled operator with the role `manage`.
#[utoipa::path(
    patch, path = "/operators/{name}", tag = "Operators",
    security(("operator" = ["manage"])),
    params(("name" = String, Path, description = "The operator's name.")),
    request_body = UpdateOperatorRequest,
    responses((status = 200, body = OperatorResponse), OperatorErrors, NotFound, Conflict, BodyErrors, ServiceErrors)
)]
async fn change(
    State(app): State<App>,
    Manager(manager): Manager,
    PathParams(name): PathParams<String>,
    JsonBody(request): JsonBody<UpdateOperatorRequest>,
) -> Result<Json<OperatorResponse>, ApiError> {
    let UpdateOperatorRequest {
        role,
        enabled,
        password,
    } = request;
    let new_password = password.as_ref();
    ensure_valid(new_password.and_then(|password| password_error("password", password)))?;
    let change = OperatorChange {
        role,
        enabled,
        password,
    };
    let (tenant, now) = (&manager.tenant, Timestamp::now());
    let changed = app.store.operators().change(tenant, &name, change, now);
    match changed.await? {
        OperatorChanged::Done(operator) => Ok(Json(response(operator))),
        OperatorChanged::Missing => Err(not_found()),
        OperatorChanged::LastManager => Err(ApiError::conflict(
            "nothing was changed: this is the tenant's last enabled operator with the role \
             `manage`; give that role to another operator first",
        )),
    }
}
