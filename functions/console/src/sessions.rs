//! Operators sign in, see who they are, change their password, and sign out.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_api::{
    ChangePasswordRequest, CreateSessionRequest, CreateSessionResponse, FieldError, Problem,
    SessionOperator, SessionResponse,
};
use muster_aws::Store;
use muster_aws::auth::operators::{Operator, VerifiedOperator};
use muster_aws::auth::sessions::Session;
use muster_aws::auth::throttle::LoginGate;
use muster_web::http::{HeaderMap, StatusCode};
use muster_web::query::NoDryRun;
use muster_web::responses::{BodyErrors, DryRunErrors, OperatorErrors, ServiceErrors};
use muster_web::{ApiError, ClientAddress, JsonBody, ProblemResponse, headers};
use secrecy::{ExposeSecret as _, SecretString};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Reader, session_required};
use crate::app::App;
use crate::credentials::{ensure_valid, no_store, password_error};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(current, end))
        .routes(routes!(change_password))
}

fn session_operator(Operator { tenant, name, role }: Operator) -> SessionOperator {
    SessionOperator {
        name,
        tenant,
        role: role.into(),
    }
}

/// Sign in
#[utoipa::path(
    post, path = "/sessions", tag = "Sessions",
    request_body = CreateSessionRequest,
    responses(
        (status = 201, description = "Signed in, for eight hours.", body = CreateSessionResponse),
        (status = 401, description = "Wrong name or password.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts; `Retry-After` has the seconds to wait.", body = Problem, content_type = "application/problem+json"),
        BodyErrors, ServiceErrors,
    )
)]
async fn begin(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    _: NoDryRun,
    JsonBody(CreateSessionRequest { name, password }): JsonBody<CreateSessionRequest>,
) -> Result<Response, ApiError> {
    let now = Timestamp::now();
    let Some(verified) = verify(&app.store, &name, password, &address, now).await? else {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong name or password",
        ));
    };
    let (token, expires_at) = app.store.sessions().begin(&verified, now).await?;
    let session = CreateSessionResponse {
        token: token.expose_secret().to_owned(),
        expires_at,
        operator: session_operator(verified.operator),
    };
    Ok((StatusCode::CREATED, no_store(), Json(session)).into_response())
}

/// Returns the operator with this name and password, or an error after too many failed attempts.
async fn verify(
    store: &Store,
    name: &str,
    password: SecretString,
    address: &str,
    now: Timestamp,
) -> Result<Option<VerifiedOperator>, ApiError> {
    // Robots and operators have separate name spaces, so their failures are counted separately.
    let throttled_as = format!("operator {name}");
    let attempt = match store
        .login_throttle()
        .begin(&throttled_as, address, now)
        .await?
    {
        LoginGate::Open(attempt) => attempt,
        LoginGate::Throttled { seconds } => {
            let detail = format!("too many attempts: try again in {seconds} seconds");
            let problem = ProblemResponse::new(StatusCode::TOO_MANY_REQUESTS, detail);
            return Err(problem.with_retry_after(seconds).into());
        }
    };
    let verified = store.operators().verify(name, password).await?;
    match verified {
        Some(_) => store.login_throttle().succeeded(attempt).await?,
        None => store.login_throttle().failed(attempt).await?,
    }
    Ok(verified)
}

/// Show the current session
#[utoipa::path(
    get, path = "/session", tag = "Sessions",
    security(("operator" = ["read"])),
    responses((status = 200, body = SessionResponse), OperatorErrors, ServiceErrors)
)]
async fn current(Reader(session): Reader) -> Json<SessionResponse> {
    let Session {
        operator,
        expires_at,
    } = session;
    Json(SessionResponse {
        operator: session_operator(operator),
        expires_at,
    })
}

/// Sign out
#[utoipa::path(
    delete, path = "/session", tag = "Sessions",
    security(("operator" = ["read"])),
    responses((status = 204, description = "The session has ended."), DryRunErrors, OperatorErrors, ServiceErrors)
)]
async fn end(
    State(app): State<App>,
    Reader(_): Reader,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    if let Some(token) = headers::bearer_token(&headers) {
        app.store.sessions().end(token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Change your own password
///
/// All other sessions of the operator end; this one continues.
#[utoipa::path(
    put, path = "/session/password", tag = "Sessions",
    security(("operator" = ["read"])),
    request_body = ChangePasswordRequest,
    responses(
        (status = 204, description = "The password was changed."),
        (status = 429, description = "Too many wrong passwords; `Retry-After` has the seconds to wait.", body = Problem, content_type = "application/problem+json"),
        OperatorErrors, BodyErrors, ServiceErrors,
    )
)]
async fn change_password(
    State(app): State<App>,
    Reader(session): Reader,
    headers: HeaderMap,
    ClientAddress(address): ClientAddress,
    JsonBody(ChangePasswordRequest { current, new }): JsonBody<ChangePasswordRequest>,
) -> Result<StatusCode, ApiError> {
    ensure_valid(password_error("new", &new))?;
    let (operator, now) = (session.operator, Timestamp::now());
    let verified = verify(&app.store, &operator.name, current, &address, now).await?;
    let wrong = || FieldError::new("current", "this is not your current password");
    ensure_valid(verified.is_none().then(wrong))?;
    let token = headers::bearer_token(&headers).unwrap_or_default();
    let changed = app
        .store
        .sessions()
        .change_own_password(token, &operator, new, now);
    if changed.await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(session_required())
    }
}
