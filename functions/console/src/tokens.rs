//! The API tokens of the tenant's robots.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_api::{CreateTokenRequest, FieldError, Page, TokenResponse};
use muster_aws::auth::robots::RobotEntry;
use muster_aws::auth::tokens::api::{NewToken, TokenEntry};
use muster_web::http::StatusCode;
use muster_web::page::{PageQuery, page_of};
use muster_web::responses::{
    BodyErrors, DryRunErrors, NotFound, OperatorErrors, QueryErrors, ServiceErrors,
};
use muster_web::{ApiError, JsonBody, ProblemResponse, QueryParams};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::app::App;
use crate::credentials::{location, no_store};
use crate::errors::not_found;
use crate::path::PathParams;

/// Maximum characters of a token's title.
const MAX_TITLE_CHARS: usize = 200;
/// Lifetime of a token in seconds: a minute to ten years.
const LIFETIME_SECONDS: RangeInclusive<u64> = 60..=315_360_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, revoke))
}

fn response(token: TokenEntry, now: Timestamp) -> TokenResponse {
    let status = token.status(now);
    let TokenEntry {
        id,
        robot,
        title,
        scopes,
        created_at,
        created_by,
        expires_at,
        last_used_at,
        revoked_at,
    } = token;
    TokenResponse {
        id,
        robot,
        title,
        scopes: scopes.into_iter().map(Into::into).collect(),
        created_at,
        created_by,
        expires_at,
        last_used_at,
        revoked_at,
        status: status.into(),
        token: None,
    }
}

/// Checks a request for a token of `robot`.
fn errors(request: &CreateTokenRequest, robot: Option<&RobotEntry>) -> Vec<FieldError> {
    let robot_or_scopes = match robot {
        Some(robot) => scopes_error(request, robot),
        None => {
            let message = "the tenant has no robot with this name";
            Some(FieldError::new("robot", message))
        }
    };
    let title = request.title.as_deref().unwrap_or_default();
    let valid_title = title.chars().count() <= MAX_TITLE_CHARS && !title.contains(char::is_control);
    let lifetime = request.lifetime_seconds;
    let errors = [
        robot_or_scopes,
        (!valid_title).then(|| {
            let message = "invalid title: expected one line of at most 200 characters";
            FieldError::new("title", message)
        }),
        lifetime
            .filter(|seconds| !LIFETIME_SECONDS.contains(seconds))
            .map(|_| {
                let message = "invalid lifetime: expected 60 to 315,360,000 seconds (ten years); \
                               omit it for a token that is valid until it is revoked";
                FieldError::new("lifetime_seconds", message)
            }),
    ];
    errors.into_iter().flatten().collect()
}

fn scopes_error(request: &CreateTokenRequest, robot: &RobotEntry) -> Option<FieldError> {
    let requested = request.scopes.as_ref()?;
    let message = if requested.is_empty() {
        "expected at least one of `quant`, `collaborator`, `qvalon`; omit it for all scopes of the \
         robot"
    } else if requested.is_subset(&robot.scopes) {
        return None;
    } else {
        "the robot does not have all of these scopes: change the robot's scopes first"
    };
    Some(FieldError::new("scopes", message))
}

/// Filter of tokens.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListTokensQuery {
    /// Only tokens of the robot with this name.
    robot: Option<String>,
}

/// List tokens
///
/// Newest first. Revoked and expired tokens are listed for another 90 days; those of
/// `/authenticate` are not listed.
#[utoipa::path(
    get, path = "/tokens", tag = "Tokens",
    security(("operator" = ["read"])),
    params(ListTokensQuery, PageQuery),
    responses((status = 200, body = Page<TokenResponse>), OperatorErrors, QueryErrors, ServiceErrors)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    QueryParams(ListTokensQuery { robot }): QueryParams<ListTokensQuery>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<TokenResponse>>, ApiError> {
    let (after, limit) = query.into_parts::<String>()?;
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let (robot, after) = (robot.as_deref(), after.as_deref());
    let part = app
        .store
        .tokens()
        .list(tenant, robot, after, limit, now)
        .await?;
    Ok(Json(page_of(part, |token| response(token, now))))
}

/// Issue a token
///
/// The token itself is shown only in this response.
#[utoipa::path(
    post, path = "/tokens", tag = "Tokens",
    security(("operator" = ["manage"])),
    request_body = CreateTokenRequest,
    responses(
        (status = 201, body = TokenResponse, headers(("Location" = String, description = "Path of the token's description."))),
        OperatorErrors, BodyErrors, ServiceErrors,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(manager): Manager,
    JsonBody(request): JsonBody<CreateTokenRequest>,
) -> Result<Response, ApiError> {
    let robot = app
        .store
        .robots()
        .get(&manager.tenant, &request.robot)
        .await?;
    let errors = errors(&request, robot.as_ref());
    let Some(robot) = robot.filter(|_| errors.is_empty()) else {
        return Err(ProblemResponse::invalid_fields(errors).into());
    };
    let CreateTokenRequest {
        robot: _,
        title,
        scopes,
        lifetime_seconds,
    } = request;
    let token = NewToken {
        tenant: manager.tenant,
        robot: robot.name,
        title: title.unwrap_or_default(),
        scopes: scopes.unwrap_or(robot.scopes),
        lifetime: lifetime_seconds.map(Duration::from_secs),
        created_by: manager.name,
    };
    let now = Timestamp::now();
    let (token, secret) = app.store.tokens().create(token, now).await?;
    let token = TokenResponse {
        token: Some(secret.expose_secret().to_owned()),
        ..response(token, now)
    };
    let location = location("tokens", &token.id);
    Ok((StatusCode::CREATED, location, no_store(), Json(token)).into_response())
}

/// Show a token
#[utoipa::path(
    get, path = "/tokens/{id}", tag = "Tokens",
    security(("operator" = ["read"])),
    params(("id" = String, Path, description = "The token's id.")),
    responses((status = 200, body = TokenResponse), OperatorErrors, NotFound, ServiceErrors)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(id): PathParams<String>,
) -> Result<Json<TokenResponse>, ApiError> {
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let found = app.store.tokens().get(tenant, &id, now).await?;
    Ok(Json(response(found.ok_or_else(not_found)?, now)))
}

/// Revoke a token
///
/// The token is refused from now on. Revoking it again changes nothing.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "Tokens",
    security(("operator" = ["manage"])),
    params(("id" = String, Path, description = "The token's id.")),
    responses((status = 200, body = TokenResponse), DryRunErrors, OperatorErrors, NotFound, ServiceErrors)
)]
async fn revoke(
    State(app): State<App>,
    Manager(manager): Manager,
    PathParams(id): PathParams<String>,
) -> Result<Json<TokenResponse>, ApiError> {
    let now = Timestamp::now();
    let revoked = app.store.tokens().revoke(&manager.tenant, &id, now).await?;
    Ok(Json(response(revoked.ok_or_else(not_found)?, now)))
}
