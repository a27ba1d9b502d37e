//! The roles of the tenant: users can have them, and tasks can map to them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_api::{FieldError, ReplaceRolesRequest, RolesResponse};
use muster_aws::roles::{PutRolesOutcome, Roles};
use muster_web::http::StatusCode;
use muster_web::responses::{BodyErrors, Conflict, OperatorErrors, ServiceErrors};
use muster_web::{ApiError, JsonBody, ProblemResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::app::App;
use crate::errors::invalid_settings;

/// Maximum tasks that a message names per role; the others are counted.
const MAX_NAMED_TASKS: usize = 10;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, replace))
}

fn response(Roles { version, roles, .. }: Roles) -> RolesResponse {
    RolesResponse {
        version,
        roles: roles.into_iter().collect(),
    }
}

/// List the roles
#[utoipa::path(
    get, path = "/roles", tag = "Roles",
    security(("operator" = ["read"])),
    responses((status = 200, body = RolesResponse), OperatorErrors, ServiceErrors)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
) -> Result<Json<RolesResponse>, ApiError> {
    let roles = app.store.roles().get(&session.operator.tenant).await?;
    Ok(Json(response(roles)))
}

/// Replace the roles
///
/// A role that a task maps to cannot be removed. Sending the same roles again changes nothing.
#[utoipa::path(
    put, path = "/roles", tag = "Roles",
    security(("operator" = ["manage"])),
    request_body = ReplaceRolesRequest,
    responses((status = 200, body = RolesResponse), BodyErrors, Conflict, OperatorErrors, ServiceErrors)
)]
async fn replace(
    State(app): State<App>,
    Manager(operator): Manager,
    JsonBody(ReplaceRolesRequest { version, roles }): JsonBody<ReplaceRolesRequest>,
) -> Result<Json<RolesResponse>, ApiError> {
    let now = Timestamp::now();
    match app
        .store
        .roles()
        .put(&operator, version, roles, now)
        .await?
    {
        PutRolesOutcome::Stored(roles) => Ok(Json(response(roles))),
        PutRolesOutcome::Refused(problems) => Err(invalid_settings(problems)),
        PutRolesOutcome::Changed(roles) => Err(version_conflict(version, &roles)),
        PutRolesOutcome::InUse(tasks) => Err(in_use(&tasks).into()),
    }
}

/// Returns the 409 error for a request that is based on an older version.
fn version_conflict(requested: u64, roles: &Roles) -> ApiError {
    let author = match (&roles.updated_by, roles.updated_at) {
        (Some(name), Some(at)) => format!(", last changed by {name} at {at:.3}"),
        _ => String::new(),
    };
    ApiError::conflict(format!(
        "nothing was changed: the roles are at version {}{author}, but the request is based on \
         version {requested}; read the roles again and repeat the change",
        roles.version
    ))
}

/// Returns the 409 error for the removal of roles that tasks map to.
fn in_use(tasks: &BTreeMap<String, Vec<u64>>) -> ProblemResponse {
    let sentences = tasks.iter().map(|(role, ids)| {
        let named: Vec<_> = ids
            .iter()
            .take(MAX_NAMED_TASKS)
            .map(u64::to_string)
            .collect();
        let more = match ids.len().saturating_sub(MAX_NAMED_TASKS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let noun = if ids.len() == 1 { "task" } else { "tasks" };
        format!("{role:?} is mapped to by {noun} {}{more}", named.join(", "))
    });
    let sentences: Vec<String> = sentences.collect();
    let detail = format!(
        "nothing was changed: {}; change these tasks first",
        sentences.join("; ")
    );
    let errors = sentences.into_iter();
    let errors = errors.map(|sentence| FieldError::new("roles", sentence));
    ProblemResponse::new(StatusCode::CONFLICT, detail).with_errors(errors.collect())
}
