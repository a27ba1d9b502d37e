//! The robots of the tenant.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_api::{CreateRobotRequest, FieldError, Page, RobotResponse, Scope, UpdateRobotRequest};
use muster_aws::auth::robots::{RobotChange, RobotEntry};
use muster_aws::passwords;
use muster_web::http::StatusCode;
use muster_web::page::{PageQuery, page_of};
use muster_web::responses::{
    BodyErrors, Conflict, NotFound, OperatorErrors, QueryErrors, ServiceErrors,
};
use muster_web::{ApiError, JsonBody, QueryParams};
use secrecy::{ExposeSecret as _, SecretString};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::app::App;
use crate::credentials::{
    ensure_created, ensure_valid, location, name_error, no_store, password_error,
};
use crate::errors::not_found;
use crate::path::PathParams;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
}

/// Returns a robot without its tasks and without a password.
fn response(robot: RobotEntry) -> RobotResponse {
    let RobotEntry {
        name,
        enabled,
        scopes,
        created_at,
        updated_at,
        last_used_at,
    } = robot;
    RobotResponse {
        name,
        enabled,
        scopes: scopes.into_iter().map(Into::into).collect(),
        created_at,
        updated_at,
        last_used_at,
        tasks: None,
        password: None,
    }
}

/// Returns a robot with its tasks, and with its password if that was generated.
async fn full_response(
    app: &App,
    tenant: &str,
    robot: RobotEntry,
    generated: Option<SecretString>,
) -> Result<RobotResponse, ApiError> {
    let tasks = app.store.tasks().permitting(tenant, &robot.name).await?;
    Ok(RobotResponse {
        tasks: Some(tasks),
        password: generated.map(|password| password.expose_secret().to_owned()),
        ..response(robot)
    })
}

fn update_errors(request: &UpdateRobotRequest) -> impl Iterator<Item = FieldError> {
    let password = request.password.as_ref();
    let both = password.is_some() && request.generate_password == Some(true);
    let errors = [
        request.scopes.as_ref().and_then(scopes_error),
        password.and_then(|password| password_error("password", password)),
        both.then(|| {
            let message = "expected either `password` or `generate_password`, found both";
            FieldError::new("generate_password", message)
        }),
    ];
    errors.into_iter().flatten()
}

fn scopes_error(scopes: &BTreeSet<Scope>) -> Option<FieldError> {
    scopes.is_empty().then(|| {
        let message = "expected at least one of `quant`, `collaborator`, `qvalon`; to block a \
                       robot, disable it";
        FieldError::new("scopes", message)
    })
}

/// List robots
///
/// Robots are ordered by name and shown without the tasks that they may run.
#[utoipa::path(
    get, path = "/robots", tag = "Robots",
    security(("operator" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = Page<RobotResponse>), OperatorErrors, QueryErrors, ServiceErrors)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<RobotResponse>>, ApiError> {
    let (after, limit) = query.into_parts::<String>()?;
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let part = app
        .store
        .robots()
        .list(tenant, after.as_deref(), limit, now);
    Ok(Json(page_of(part.await?, response)))
}

/// Create a robot
///
/// Names are unique across all tenants.
#[utoipa::path(
    post, path = "/robots", tag = "Robots",
    security(("operator" = ["manage"])),
    request_body = CreateRobotRequest,
    responses(
        (status = 201, body = RobotResponse, headers(("Location" = String, description = "Path of the robot."))),
        OperatorErrors, Conflict, BodyErrors, ServiceErrors,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(manager): Manager,
    JsonBody(request): JsonBody<CreateRobotRequest>,
) -> Result<Response, ApiError> {
    let CreateRobotRequest {
        name,
        password,
        scopes,
    } = request;
    let scopes = scopes.unwrap_or_else(|| Scope::ALL.into());
    let given = password.as_ref();
    let errors = [
        name_error(&name),
        given.and_then(|password| password_error("password", password)),
        scopes_error(&scopes),
    ];
    ensure_valid(errors.into_iter().flatten())?;
    let (password, generated) = match password {
        Some(password) => (password, None),
        None => {
            let generated = passwords::generate()?;
            (generated.clone(), Some(generated))
        }
    };
    let (store, tenant, now) = (&app.store, &manager.tenant, Timestamp::now());
    let created = store
        .robots()
        .create_scoped(tenant, &name, password, scopes, now);
    ensure_created(created.await?)?;
    let found = store
        .robots()
        .get(tenant, &name)
        .await?
        .ok_or_else(not_found)?;
    let robot = full_response(&app, tenant, found, generated).await?;
    let location = location("robots", &robot.name);
    Ok((StatusCode::CREATED, location, no_store(), Json(robot)).into_response())
}

/// Show a robot
#[utoipa::path(
    get, path = "/robots/{name}", tag = "Robots",
    security(("operator" = ["read"])),
    params(("name" = String, Path, description = "The robot's name.")),
    responses((status = 200, body = RobotResponse), OperatorErrors, NotFound, ServiceErrors)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(name): PathParams<String>,
) -> Result<Json<RobotResponse>, ApiError> {
    let tenant = &session.operator.tenant;
    let found = app.store.robots().get(tenant, &name).await?;
    let robot = full_response(&app, tenant, found.ok_or_else(not_found)?, None).await?;
    Ok(Json(robot))
}

/// Change a robot
///
/// Changes take effect at once: a disabled robot cannot sign in and its tokens are refused, fewer
/// scopes limit tokens that were already issued, and a new password invalidates the tokens of
/// `/authenticate`.
#[utoipa::path(
    patch, path = "/robots/{name}", tag = "Robots",
    security(("operator" = ["manage"])),
    params(("name" = String, Path, description = "The robot's name.")),
    request_body = UpdateRobotRequest,
    responses((status = 200, body = RobotResponse), OperatorErrors, NotFound, BodyErrors, ServiceErrors)
)]
async fn change(
    State(app): State<App>,
    Manager(manager): Manager,
    PathParams(name): PathParams<String>,
    JsonBody(request): JsonBody<UpdateRobotRequest>,
) -> Result<Response, ApiError> {
    ensure_valid(update_errors(&request))?;
    let UpdateRobotRequest {
        enabled,
        scopes,
        password,
        generate_password,
    } = request;
    let generated = match generate_password {
        Some(true) => Some(passwords::generate()?),
        Some(false) | None => None,
    };
    let change = RobotChange {
        enabled,
        scopes,
        password: generated.clone().or(password),
    };
    let (tenant, now) = (&manager.tenant, Timestamp::now());
    let changed = app
        .store
        .robots()
        .change(tenant, &name, change, now)
        .await?;
    let robot = full_response(&app, tenant, changed.ok_or_else(not_found)?, generated).await?;
    Ok((no_store(), Json(robot)).into_response())
}
